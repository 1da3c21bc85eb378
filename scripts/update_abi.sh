#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# update_abi.sh: writes the ABI baseline of the version in linnet.h to bindings/c/abi/. For a new minor version, or as
# long as the version has not been released; docs/abi.md says when that is right.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cmake --preset release -DLINNET_BUILD_TESTS=ON >/dev/null
cmake --build --preset release --target linnet_abi
mkdir -p bindings/c/abi
tests/checks/abi.sh --write build/release/tests/liblinnet_abi.so
