#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make_grids.py: writes kernels/formats/grids.hpp, the codebooks of the IQ1, IQ2 and IQ3 formats.

The numbers are those of the file format, as the Python package gguf (gguf/quants.py) has them: two or four bits per
weight, the first weight in the lowest bits.

    scripts/make_grids.py <path of gguf/quants.py> > kernels/formats/grids.hpp
"""
import re
import sys

HEAD = """// SPDX-License-Identifier: MIT
// The codebooks of the IQ1, IQ2 and IQ3 formats, written by scripts/make_grids.py from the numbers of the GGUF format
// (the tables of the Python package gguf). Entry i is point i. IQ1, IQ2: 8 weights of 2 bits each; 0, 1, 2 stand for
// -1, 0, 1 and for 8, 25, 43. IQ3: 4 weights of 4 bits each; 0..7 stand for 4 .. 62 and for 1, 3 .. 15. First weight
// lowest. One more entry, as a point is loaded as 4 bytes.
#pragma once

#include <cstdint>

namespace linnet::kernels {
"""
TABLES = (("IQ1_S", "kGridIq1"), ("IQ2_XXS", "kGridIq2Xxs"), ("IQ2_XS", "kGridIq2Xs"), ("IQ2_S", "kGridIq2S"),
          ("IQ3_XXS", "kGridIq3Xxs"), ("IQ3_S", "kGridIq3S"))


def points(source, name):
    body = re.search(rf"^class {name}\(.*?grid_hex = \((.*?)\n    \)", source, re.MULTILINE | re.DOTALL).group(1)
    data = bytes.fromhex("".join(re.findall(r'b"([0-9a-f]+)"', body)))
    return [data[i] | data[i + 1] << 8 for i in range(0, len(data), 2)]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        source = file.read()
    print(HEAD, end="")
    for name, constant in TABLES:
        words = points(source, name)
        print(f"\n// clang-format off\nconstexpr std::uint16_t {constant}[{len(words)} + 1] = {{")
        for i in range(0, len(words), 14):
            print("    " + " ".join(f"{word:#x}," for word in words[i:i + 14]))
        print("};\n// clang-format on")
    print("\n}  // namespace linnet::kernels")


if __name__ == "__main__":
    main()
