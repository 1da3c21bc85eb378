#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_aarch64.sh [NATIVE]: builds for 64-bit Arm with the preset of that name and runs in qemu-user: all tests of the
# kernels, and whole models: given the test_logits of this machine (NATIVE), the bits of every golden against its own,
# else the repository's own goldens against other implementations. First on a processor with every instruction set, then
# on one without the latest and one with plain NEON, which have to choose what they can run. Exit status 77: skipped, as
# the cross compiler or the emulator is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for needed in aarch64-linux-gnu-g++ qemu-aarch64; do
    if ! command -v "$needed" >/dev/null; then
        echo "skipped: no $needed (Debian: g++-aarch64-linux-gnu, qemu-user)"
        exit 77
    fi
done

build=build/aarch64 log=build/aarch64.log
mkdir -p build
if ! cmake --preset aarch64 -DLINNET_WERROR=ON -DLINNET_PRECOMPILE=ON >"$log" 2>&1 ||
    ! cmake --build --preset aarch64 -j "$(nproc)" --target test_kernels test_logits >>"$log" 2>&1; then
    grep -E 'error|Error|FAILED' "$log" | head -50
    echo "Building failed; all messages are in $log."
    exit 1
fi
python3 -B tests/checks/objects.py "$build/objects_core.txt"

# All of ../shared but the default model, which is too large for an emulator.
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
mkdir "$scratch/shared"
if [ -d "${LINNET_SHARED:-../shared}/goldens" ]; then
    ln -s "$(realpath "${LINNET_SHARED:-../shared}/goldens")" "$scratch/shared/goldens"
fi

emulate() {  # CPU PROGRAM OPTION...
    local cpu=$1 program=$2
    shift 2
    qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu "$cpu" "$build/tests/$program" "$@"
}
run() {  # CPU PROGRAM TEST_CASES; without ../shared: the repository's own goldens
    echo "== $2 on $1 =="
    # The table of who provides which kernel is long and compared with a file anyway.
    LINNET_SHARED=/none emulate "$1" "$2" --test-case="$3" | grep -vE '^(slot|[a-z0-9_.]+) scalar( neon|$)'
}
hashes() { LINNET_SHARED=$scratch/shared "$@" --no-skip --test-case='hashes*' | grep '^hash '; }

run max test_kernels '*' &
kernels=$!
if [ $# -eq 0 ]; then
    run max test_logits '*'
else
    run max test_logits 'rope*,same bits*'
    hashes "$1" >"$scratch/native"
    hashes emulate max test_logits >"$scratch/emulated"
    diff "$scratch/native" "$scratch/emulated"
    echo "== $(wc -l <"$scratch/native") goldens have the same bits as on this machine =="
fi
wait "$kernels"
for cpu in cortex-a76 cortex-a72; do  # dot products; neither these nor more
    run $cpu test_kernels 'tables:*'
    run $cpu test_logits 'same bits: logits*'
done
run cortex-a72 test_kernels 'matmul*'  # nothing that it lacks is in what all have
