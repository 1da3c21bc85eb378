#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh [PROMPT]: from a bare Debian 12 machine to text. Installs what is missing, builds the linnet program and lets
# the small model in models/ continue PROMPT. The second time nothing is left to be done but the text.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

prompt=${1:-Once upon a time, there was a little fox named Ruby.}

scripts/install_packages.sh run

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        echo "Building failed: $*" >&2
        exit 1
    fi
}
[ -x build/release/linnet ] || echo "Building Linnet; a few minutes the first time ..." >&2
# What a developer chose for build/release stays; a new one gets the program only.
if [ ! -e build/release/build.ninja ]; then
    quietly cmake --preset release -DLINNET_BUILD_TESTS=OFF -DLINNET_BUILD_EXAMPLES=OFF
fi
quietly cmake --build build/release --target linnet_tool

exec build/release/linnet run -m models/tiny-tales-6m-Q8_0.gguf -p "$prompt"
