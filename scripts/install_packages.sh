#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# install_packages.sh run|test: installs the Debian packages that building (run) or testing needs. What is there
# already, from wherever, is left alone: when nothing is missing, nothing happens and no right is asked for.
set -euo pipefail

# "package probe": the package is needed when its command or file (a glob) is not there.
run_packages='
build-essential g++
cmake cmake
ninja-build ninja
libfmt-dev /usr/include/fmt/core.h
libxsimd-dev /usr/include/xsimd/xsimd.hpp
nlohmann-json3-dev /usr/include/nlohmann/json.hpp
libcli11-dev /usr/include/CLI/CLI.hpp'

test_packages='
libeigen3-dev /usr/include/eigen3/Eigen/Core
doctest-dev /usr/include/doctest/doctest.h
libbenchmark-dev /usr/include/benchmark/benchmark.h
clang clang++
libclang-rt-dev /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
clang-format clang-format
abigail-tools abidiff
g++-aarch64-linux-gnu aarch64-linux-gnu-g++
qemu-user qemu-aarch64
ccache ccache
git git
pkg-config pkg-config
python3 python3
python3-jsonschema /usr/lib/python3/dist-packages/jsonschema/__init__.py
unicode-data /usr/share/unicode/UnicodeData.txt'

case "${1:-}" in
    run) wanted=$run_packages ;;
    test) wanted=$run_packages$test_packages ;;
    *) echo "usage: $0 run|test" >&2; exit 2 ;;
esac

missing=()
while read -r package probe; do
    [ -n "$package" ] || continue
    case "$probe" in
        /*) compgen -G "$probe" >/dev/null || missing+=("$package") ;;
        *) command -v "$probe" >/dev/null || missing+=("$package") ;;
    esac
done <<<"$wanted"
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Linnet needs these (names of the Debian packages), and there is no apt-get to install them: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Please install as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "Installing: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    "${as_root[@]}" apt-get -qq update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install "${missing[@]}"
}
if ! install >"$log" 2>&1; then
    cat "$log" >&2
    echo "Installing failed; the messages above say why." >&2
    exit 1
fi
