#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Files stay small enough to be read: over 600 lines needs a reason in large_files.txt, over 1,000 is refused, and the
# median stays below 8 kB. Generated tables (*.inc) are exempt.
import statistics

import project

reasons = {}
for number, line in enumerate((project.ROOT / "tests/checks/large_files.txt").read_text().split("\n"), 1):
    if not line or line.startswith("#"):
        continue
    name, separator, reason = line.partition(": ")
    if not separator or not reason.strip():
        project.report(f"tests/checks/large_files.txt:{number}", "not '<file>: <reason>'")
    reasons[name] = number

sizes = []
for path in project.sources("include", "src", "kernels", "bindings", "tools", "examples", "benchmarks", "tests",
                            suffixes=project.CODE - {".inc"} | {".py", ".rs"}):
    data = (project.ROOT / path).read_bytes()
    lines = data.count(b"\n")
    if path.parts[0] != "tests":
        sizes.append(len(data))
    listed = reasons.pop(path.as_posix(), None)
    if lines > 1000:
        project.report(f"{path}:1001", f"{lines} lines; 1,000 is the limit")
    elif lines > 600 and listed is None:
        project.report(f"{path}:601", f"{lines} lines; over 600 needs a reason in tests/checks/large_files.txt")
    elif lines <= 600 and listed is not None:
        project.report(f"tests/checks/large_files.txt:{listed}", f"{path} has {lines} lines and needs no reason")
for name, number in reasons.items():
    project.report(f"tests/checks/large_files.txt:{number}", f"there is no file {name}")

median = statistics.median(sizes)
if median >= 8000:
    project.report("src", f"the median file has {median:.0f} bytes; it should stay below 8,000")
project.finish(f"{len(sizes)} files, median {median:.0f} bytes, largest {max(sizes)} bytes")
