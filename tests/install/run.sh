#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh BUILD_DIR: installs that build into a temporary prefix, moves the prefix, and builds and runs a C and a C++
# program against it: through the CMake package and through pkg-config, each with the shared and the static library.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/first" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
prefix=$scratch/moved
mv "$scratch/first" "$prefix"

for language in C CXX; do
    if ! cmake -S "$here" -B "$scratch/$language" -G Ninja -DCONSUMER_LANGUAGE=$language \
        -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/log" 2>&1 ||
        ! cmake --build "$scratch/$language" >>"$scratch/log" 2>&1; then
        cat "$scratch/log"
        exit 1
    fi
    for kind in shared static; do
        echo "find_package, $language, $kind: $("$scratch/$language/consumer_$kind")"
    done
done

pc=$(find "$prefix" -name linnet.pc)
export PKG_CONFIG_PATH=${pc%/*}
libdir=$(pkg-config --variable=libdir linnet)
[ -e "$libdir/liblinnet.so.1" ] || { echo "linnet.pc: no liblinnet.so.1 in $libdir"; exit 1; }
command_of() { [ "$1" = c ] && echo "cc -std=c99" || echo "c++ -std=c++17"; }
for language in c cpp; do
    compile=$(command_of $language)
    # shellcheck disable=SC2046
    $compile "$here/consumer.$language" -o "$scratch/shared_$language" $(pkg-config --cflags --libs linnet)
    echo "pkg-config, $language, shared: $(LD_LIBRARY_PATH=$libdir "$scratch/shared_$language")"
    # shellcheck disable=SC2046
    $compile "$here/consumer.$language" -o "$scratch/static_$language" -static \
        $(pkg-config --static --cflags --libs linnet)
    echo "pkg-config, $language, static: $("$scratch/static_$language")"
done

# From a folder without models: the program finds the one that was installed with it.
story=$(cd "$scratch" && "$prefix/bin/linnet" run -n 8 -p "Once upon a time") ||
    { echo "the installed linnet program does not run"; exit 1; }
echo "linnet run: $story"
