#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# fuzz.sh [SECONDS [TARGET...]]: builds the libFuzzer targets of tests/fuzz with the asan preset and runs each (or those
# named) for SECONDS (60). Inputs start from tests/fuzz/corpus/<target>; what is found stays in build/asan/fuzz/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
shift || true

[ -e build/asan/build.ninja ] || cmake --preset asan >/dev/null
cmake --build --preset asan --target fuzzers >/dev/null

if [ $# -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.cpp; do set -- "$@" "$(basename "$source" .cpp)"; done
fi
for target in "$@"; do
    found=build/asan/fuzz/$target
    mkdir -p "$found"
    corpus=("$found")
    [ -d "tests/fuzz/corpus/$target" ] && corpus+=("tests/fuzz/corpus/$target")
    echo "== $target: $seconds s =="
    if ! "build/asan/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/asan/fuzz/$target-" "${corpus[@]}" 2>&1 | tail -n 60; then
        echo "$target: found something; the input is build/asan/fuzz/$target-*"
        exit 1
    fi
done
