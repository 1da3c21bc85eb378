#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test.sh: installs what is missing, builds the release and runs every test and check, then the unit tests again under
# the address and undefined-behaviour sanitizers, with a slice of fuzzing. The last line counts: "N passed, N failed, N
# skipped".
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_packages.sh test || exit 1

passed=0 failed=0 skipped=0

# count JUNIT_FILE: adds ctest's results to the sums.
count() {
    local total fails skips
    if [ ! -e "$1" ]; then
        failed=$((failed + 1))
        return
    fi
    total=$(grep -c '<testcase ' "$1")
    fails=$(grep -c '<testcase .*status="fail"' "$1")
    skips=$(grep -c '<testcase .*status="\(notrun\|disabled\)"' "$1")
    passed=$((passed + total - fails - skips)) failed=$((failed + fails)) skipped=$((skipped + skips))
}

# stage PRESET "TARGET ..." [CMAKE_OPTION...] -- [CTEST_OPTION...]: configures, builds, tests.
stage() {
    local preset=$1 targets=$2 options=() junit
    shift 2
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    junit=$PWD/build/$preset/junit.xml
    rm -f "$junit"
    echo "== $preset =="
    if ! cmake --preset "$preset" -DLINNET_PRECOMPILE=ON "${options[@]}" >"build/$preset.log" 2>&1 ||
        ! cmake --build --preset "$preset" -j "$(nproc)" --target $targets >>"build/$preset.log" 2>&1; then
        grep -E 'error|Error|FAILED|warning' "build/$preset.log" | head -50
        tail -n 20 "build/$preset.log"
        echo "Building $preset failed; all messages are in build/$preset.log."
        failed=$((failed + 1))
        return
    fi
    ctest --preset "$preset" -j 2 --output-junit "$junit" "$@"
    count "$junit"
}

mkdir -p build
stage release all -DLINNET_BUILD_TESTS=ON -DLINNET_BUILD_TOOLS=ON -DLINNET_BUILD_EXAMPLES=ON \
    -DLINNET_BUILD_BENCHMARKS=ON -DLINNET_WERROR=ON --
# A slice of what `cmake --preset asan && ctest --preset asan` does: without the tests of whole models, which take as
# long under sanitizers as everything else together, and with one instruction set besides the scalar kernels, which are
# too slow there for sessions.
stage asan 'sanitized_tests fuzzers' -DLINNET_BUILD_TOOLS=OFF -DLINNET_BUILD_EXAMPLES=OFF \
    "-DLINNET_SKIP_ISAS=avx2;avxvnni" -- -L 'unit|fuzz' -E '^(model|logits)$'

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
