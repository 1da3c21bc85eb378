#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_aarch64.sh: builds for 64-bit Arm with the preset of that name and runs in qemu-user: all tests of the kernels,
# and those of whole models that compare small goldens with other implementations and with other processors' bits. First
# on a processor with every instruction set, then on one without the latest and one with plain NEON, which have to
# choose what they can run. Exit status 77: skipped, as the cross compiler or the emulator is not there.
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
if ! cmake --preset aarch64 -DLINNET_WERROR=ON >"$log" 2>&1 ||
    ! cmake --build --preset aarch64 -j "$(nproc)" --target test_kernels test_model >>"$log" 2>&1; then
    grep -E 'error|Error|FAILED' "$log" | head -50
    echo "Building failed; all messages are in $log."
    exit 1
fi
python3 -B tests/checks/objects.py "$build/objects.txt"

# All of ../shared but the default model, which is too large for an emulator.
shared=$(mktemp -d)
trap 'rm -r "$shared"' EXIT
if [ -d "${LINNET_SHARED:-../shared}/goldens" ]; then
    ln -s "$(realpath "${LINNET_SHARED:-../shared}/goldens")" "$shared/goldens"
fi

run() {  # CPU PROGRAM TEST_CASES
    echo "== $2 on $1 =="
    # The table of who provides which kernel is long and compared with a file anyway.
    LINNET_SHARED=$shared qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu "$1" "$build/tests/$2" --test-case="$3" |
        grep -vE '^(slot|[a-z0-9_.]+) scalar( neon|$)'
}
run max test_kernels '*' &
kernels=$!
run max test_model "the repository's own*,goldens:*,rope*,same bits: logits*,same bits: a pass*,same bits: only*"
wait "$kernels"
for cpu in cortex-a76 cortex-a72; do  # dot products; neither these nor more
    run $cpu test_kernels 'tables:*,matmul*'
    run $cpu test_model 'same bits: logits*'
done
