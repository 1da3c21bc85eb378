#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Text of the sources: the licence line first, ASCII only, at most 120 columns, nothing left open.
import re

import project

OPEN = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
FIRST = re.compile(r"(//|#|/\*) SPDX-License-Identifier: MIT")

folders = ("include", "src", "kernels", "bindings", "tools", "examples", "benchmarks", "tests", "scripts", "cmake")
files = project.sources(*folders, suffixes=project.CODE | {".py", ".sh", ".rs", ".cmake"})
for path in files:
    try:
        lines = (project.ROOT / path).read_bytes().decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        line = (project.ROOT / path).read_bytes()[: error.start].count(b"\n") + 1
        project.report(f"{path}:{line}", "not ASCII")
        continue
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if path.suffix != ".inc" and not FIRST.match(first):
        project.report(f"{path}:1", "does not begin with '// SPDX-License-Identifier: MIT'")
    for number, line in enumerate(lines, 1):
        if len(line) > 120 and path.suffix != ".inc":
            project.report(f"{path}:{number}", f"{len(line)} columns")
        if OPEN.search(line) and path.name != "text.py":
            project.report(f"{path}:{number}", "left open: " + line.strip())
project.finish(f"{len(files)} files")
