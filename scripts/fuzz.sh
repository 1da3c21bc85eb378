#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# fuzz.sh [SECONDS [TARGET...]]: builds the libFuzzer targets of tests/fuzz with clang, address and undefined-behaviour
# sanitizers, and runs each (or those named) for SECONDS (60). 0 seconds: only builds. Inputs start from
# tests/fuzz/corpus/<target>; what is found stays in build/fuzz/. Exits with 77 when there is no clang++.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
shift || true

if ! command -v clang++ >/dev/null; then
    echo "skipped: no clang++"
    exit 77
fi

# Scalar kernels only: fuzzing looks at the readers, and the kernels' own tests cover the rest.
[ -e build/fuzz/build.ninja ] || cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_FLAGS_DEBUG='-O1 -g1' \
    -DLINNET_SANITIZE=fuzzer-no-link,address,undefined -DLINNET_SIMD=OFF -DLINNET_BUILD_FUZZERS=ON \
    -DLINNET_BUILD_TESTS=OFF -DLINNET_BUILD_TOOLS=OFF -DLINNET_BUILD_EXAMPLES=OFF >/dev/null
cmake --build build/fuzz --target fuzzers

[ "$seconds" -gt 0 ] || exit 0
if [ $# -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.cpp; do set -- "$@" "$(basename "$source" .cpp)"; done
fi
for target in "$@"; do
    found=build/fuzz/corpus/$target
    mkdir -p "$found"
    corpus=("$found")
    [ -d "tests/fuzz/corpus/$target" ] && corpus+=("tests/fuzz/corpus/$target")
    echo "== $target: $seconds s =="
    # libFuzzer's own exit status for a finding is 77, which would read as "skipped".
    if ! "build/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$target-" "${corpus[@]}" 2>&1 | tail -n 60; then
        echo "$target: found something; the input is build/fuzz/$target-*"
        exit 1
    fi
done
