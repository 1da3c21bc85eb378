#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# abi.sh LIBLINNET_SO: the public types and functions of the library (built with debug information) against the
# checked-in baselines. That of the version in linnet.h has to match; to those of earlier minor versions functions may
# have been added, and sized structs may have grown at their end. abi.sh --write LIBLINNET_SO: writes the baseline.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if ! command -v abidiff >/dev/null; then
    echo "skipped: no abidiff (abigail-tools)"
    exit 77
fi
# Public functions and types only; both sides of a comparison go through this, for abidiff ignores struct changes
# otherwise.
describe() {
    abidw --headers-dir "$root/include" --drop-private-types --exported-interfaces-only \
        --no-corpus-path --no-comp-dir-path --no-show-locs --out-file "$2" "$1"
}
number() { sed -n "s/^#define LINNET_ABI_$1 \([0-9]*\).*/\1/p" "$root/include/linnet.h"; }
current=$root/bindings/c/abi/linnet-$(number MAJOR).$(number MINOR).abi
if [ "$1" = --write ]; then
    describe "$2" "$current"
    echo "Wrote $current"
    exit
fi

now=$(mktemp)
trap 'rm -f "$now"' EXIT
describe "$1" "$now"
[ -e "$current" ] || { echo "$current: is missing; docs/abi.md tells about scripts/update_abi.sh"; exit 1; }
status=0 compared=0
for baseline in "${current%.*.abi}".*.abi; do
    compared=$((compared + 1))
    later=()
    [ "$baseline" = "$current" ] || later=(--no-added-syms --suppressions "$root/tests/checks/abi.suppr")
    if ! abidiff "${later[@]}" "$baseline" "$now"; then
        echo "$baseline: the ABI is not what it was. A mistake, or see docs/abi.md."
        status=1
    fi
done
[ $status -ne 0 ] || echo "ok: $compared baseline(s)"
exit $status
