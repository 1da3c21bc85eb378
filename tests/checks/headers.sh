#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The public headers compile alone, without a warning, in every language that hosts use, by gcc and by clang.
set -uo pipefail
include=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../include" && pwd)

failed=0 compiled=0
try() {  # COMPILER LANGUAGE STANDARD HEADER
    if ! command -v "$1" >/dev/null; then
        echo "not tried: $4 as $3 by $1, which is not there"
        return
    fi
    if echo "#include <$4>" | "$1" -x "$2" "-std=$3" -Wall -Wextra -Wconversion -Wshadow -pedantic -Werror \
        -I"$include" -fsyntax-only -; then
        compiled=$((compiled + 1))
    else
        echo "$include/$4: does not compile as $3 by $1"
        failed=1
    fi
}
for standard in c99 c11 c17; do
    try gcc c $standard linnet.h
    try clang c $standard linnet.h
done
for standard in c++11 c++17 c++20; do
    try g++ c++ $standard linnet.h
    try clang++ c++ $standard linnet.h
done
for standard in c++17 c++20; do
    try g++ c++ $standard linnet.hpp
    try clang++ c++ $standard linnet.hpp
done
echo "$compiled combinations compiled"
[ $failed -eq 0 ] && [ $compiled -gt 0 ]
