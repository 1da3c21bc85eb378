#!/bin/sh
# SPDX-License-Identifier: MIT
# check.sh MIN_BYTES COMMAND...: runs an example and shows what it prints. Fails when the example fails or prints less
# than MIN_BYTES; its status 77 (skipped) is passed on.
least=$1
shift
output=$("$@")
status=$?
printf '%s\n' "$output"
[ $status -eq 0 ] || exit $status
size=$(printf '%s' "$output" | wc -c)
if [ "$size" -lt "$least" ]; then
    echo "only $size bytes of output, $least expected"
    exit 1
fi
