#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Writes src/tokenizer/unicode_tables.inc and src/chat/case_tables.inc from the Unicode character database of Debian's
# unicode-data package. They depend on those files only, so that --check can prove the checked-in tables are the
# generator's.
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
N_CODE_POINTS = 0x110000
BLOCK = 128  # code points per second-stage block: about the size that makes both stages together smallest

# The order is that of kMaskOfClass in unicode.cpp; 0 is what is not assigned.
CLASSES = {"Lu": 1, "Ll": 2, "Lt": 3, "Lm": 4, "Lo": 5, "M": 6, "N": 7, "P": 8, "S": 9, "Mn": 11,
           "Cc": 12, "Cf": 12, "Co": 12, "Cs": 12}
SPACE = 10
NFC_FLAG = 16  # not NFC_Quick_Check=Yes, or a combining class other than 0


def properties(path, wanted):
    """(first, last, fields) of each row of a UCD property file whose second field is in `wanted`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) >= 2 and fields[1] in wanted:
            first, _, last = fields[0].partition("..")
            yield int(first, 16), int(last or first, 16), fields


def read_database(folder):
    category = ["Cn"] * N_CODE_POINTS
    combining = {}
    decomposition = {}
    lower = {}
    range_start = None
    for line in (folder / "UnicodeData.txt").read_text(encoding="utf-8").splitlines():
        fields = line.split(";")
        code = int(fields[0], 16)
        first = code if range_start is None else range_start
        range_start = code if fields[1].endswith(", First>") else None
        for point in range(first, code + 1):
            category[point] = fields[2]
        if fields[3] != "0":
            combining[code] = int(fields[3])
        if fields[5] and not fields[5].startswith("<"):  # compatibility mappings carry a <tag>
            decomposition[code] = [int(part, 16) for part in fields[5].split()]
        if fields[13]:
            lower[code] = int(fields[13], 16)
    return category, combining, decomposition, lower


def class_table(folder, category, combining):
    table = [CLASSES.get(name, CLASSES.get(name[0], 0)) for name in category]
    for first, last, _ in properties(folder / "PropList.txt", {"White_Space"}):
        table[first:last + 1] = [SPACE] * (last + 1 - first)
    for code in combining:
        table[code] |= NFC_FLAG
    for first, last, _ in properties(folder / "DerivedNormalizationProps.txt", {"NFC_QC"}):
        for code in range(first, last + 1):
            table[code] |= NFC_FLAG
    return table


def two_stages(table):
    blocks, index = {}, []
    for start in range(0, len(table), BLOCK):
        index.append(blocks.setdefault(tuple(table[start:start + BLOCK]), len(blocks)))
    assert len(blocks) <= 256
    return index, [value for block in blocks for value in block]


def full_decomposition(decomposition, code):
    if code not in decomposition:
        return [code]
    return [leaf for part in decomposition[code] for leaf in full_decomposition(decomposition, part)]


def lower_ranges(lower):
    """(first, last, step, distance): runs of letters `step` apart, each `distance` before its lower case."""
    ranges = []
    for code in sorted(lower):
        distance = lower[code] - code
        if ranges and ranges[-1][3] == distance:
            first, last, step, _ = ranges[-1]
            gap = code - last
            if gap == step or (first == last and gap in (1, 2)):
                ranges[-1] = (first, code, gap, distance)
                continue
        ranges.append((code, code, 1, distance))
    return ranges


def rows(values):
    lines, line = [], ""
    for value in values:
        if len(line) + len(value) + 1 > 118:
            lines.append(line)
            line = ""
        line += value + ","
    return "\n".join(lines + [line] if line else lines)


def array(kind, name, values):
    return f"constexpr {kind} {name}[] = {{\n{rows(values)}\n}};\n"


def generate(folder):
    category, combining, decomposition, lower = read_database(folder)
    index, blocks = two_stages(class_table(folder, category, combining))

    pool, decompositions = [], []
    for code in sorted(decomposition):
        leaves = full_decomposition(decomposition, code)
        decompositions.append(f"{{{code},{len(pool)},{len(leaves)}}}")
        pool += leaves
    excluded = set()
    for first, last, _ in properties(folder / "DerivedNormalizationProps.txt", {"Full_Composition_Exclusion"}):
        excluded.update(range(first, last + 1))
    compositions = sorted((parts[0], parts[1], code) for code, parts in decomposition.items()
                          if len(parts) == 2 and code not in excluded)
    ranges = []
    for code in sorted(combining):
        if ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == combining[code]:
            ranges[-1][1] = code
        else:
            ranges.append([code, code, combining[code]])

    version = re.search(r"PropList-([0-9.]+)\.txt", (folder / "PropList.txt").read_text(encoding="utf-8")).group(1)
    return "".join([
        "// SPDX-License-Identifier: MIT\n",
        f"// Unicode {version}; written by scripts/generate_unicode.py, not by hand.\n",
        "// clang-format off\n",
        f"constexpr std::size_t kBlockSize = {BLOCK};\n",
        "// First stage: block of code point / kBlockSize. Second stage: class, plus 16 where NFC has work to do.\n",
        array("std::uint8_t", "kBlockOf", [str(value) for value in index]),
        array("std::uint8_t", "kBlocks", [str(value) for value in blocks]),
        "// Canonical combining classes other than 0: first, last, class; ascending.\n",
        array("CombiningRange", "kCombining", [f"{{{a},{b},{c}}}" for a, b, c in ranges]),
        "// Full canonical decompositions (Hangul is computed): code point, start in the pool, length; ascending.\n",
        array("Decomposition", "kDecompositions", decompositions),
        array("char32_t", "kDecompositionPool", [str(value) for value in pool]),
        "// Primary composites: first, second, composite; ascending by the pair.\n",
        array("Composition", "kCompositions", [f"{{{a},{b},{c}}}" for a, b, c in compositions]),
        "// Simple lower case: first, last, step between letters, distance to the lower one; ascending.\n",
        array("LowerRange", "kLower", [f"{{{a},{b},{c},{d}}}" for a, b, c, d in lower_ranges(lower)]),
        "// clang-format on\n",
    ])


def case_ranges(pairs):
    """[first, last, stride, delta] of the mappings code -> code + delta; strides are 1 or 2."""
    ranges = []
    for code, mapped in pairs:
        delta = mapped - code
        if ranges and ranges[-1][3] == delta:
            first, last, stride, _ = ranges[-1]
            step = code - last
            if step == stride or (first == last and step in (1, 2)):
                ranges[-1][1:3] = [code, step]
                continue
        ranges.append([code, code, 1, delta])
    return [f"{{{a},{b},{c},{d}}}" for a, b, c, d in ranges]


def generate_case(folder):
    upper, lower, title = [], [], []
    for line in (folder / "UnicodeData.txt").read_text(encoding="utf-8").splitlines():
        fields = line.split(";")
        code = int(fields[0], 16)
        for mapping, text in ((upper, fields[12]), (lower, fields[13])):
            if text:
                mapping.append((code, int(text, 16)))
        if fields[14] != fields[12]:
            title.append((code, int(fields[14] or fields[0], 16)))
    special = {"Upper": [], "Lower": [], "Title": []}
    for line in (folder / "SpecialCasing.txt").read_text(encoding="utf-8").splitlines():
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) < 5 or fields[4]:  # no conditional ones
            continue
        for kind, text in (("Lower", fields[1]), ("Title", fields[2]), ("Upper", fields[3])):
            mapped = [int(part, 16) for part in text.split()]
            if len(mapped) > 1:
                mapped += [0] * (3 - len(mapped))
                special[kind].append((int(fields[0], 16), ",".join(map(str, mapped))))
    return "".join([
        "// SPDX-License-Identifier: MIT\n",
        "// Case mappings; written by scripts/generate_unicode.py, not by hand.\n",
        "// clang-format off\n",
        "// To one code point: first, last, stride, difference; ascending. Titles where they are not upper case.\n",
        array("CaseRange", "kUpperRanges", case_ranges(upper)),
        array("CaseRange", "kLowerRanges", case_ranges(lower)),
        array("CaseRange", "kTitleRanges", case_ranges(title)),
        "// To several code points (0: none); ascending.\n",
        *(array("SpecialCase", f"k{kind}Special", [f"{{{code},{{{mapped}}}}}" for code, mapped in sorted(pairs)])
          for kind, pairs in special.items()),
        "// clang-format on\n",
    ])


OUTPUTS = {
    ROOT / "src" / "tokenizer" / "unicode_tables.inc": generate,
    ROOT / "src" / "chat" / "case_tables.inc": generate_case,
}


def main():
    parser = argparse.ArgumentParser(description="Generate the Unicode tables of src/tokenizer and src/chat.")
    parser.add_argument("--ucd", type=pathlib.Path, default=pathlib.Path("/usr/share/unicode"))
    parser.add_argument("--check", action="store_true", help="compare with the checked-in files, write nothing")
    arguments = parser.parse_args()
    if arguments.check and not (arguments.ucd / "UnicodeData.txt").exists():
        print(f"skipped: {arguments.ucd} is not there (Debian package unicode-data)")
        sys.exit(77)
    for output, write in OUTPUTS.items():
        text = write(arguments.ucd)
        if not arguments.check:
            output.write_text(text, encoding="ascii")
        elif output.read_text(encoding="ascii") != text:
            sys.exit(f"{output} differs from what {arguments.ucd} gives: run scripts/generate_unicode.py")


if __name__ == "__main__":
    main()
