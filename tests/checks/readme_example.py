#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The C program in the README is examples/minimal.c to the letter, so that it is compiled and run by the tests.
import re

import project

readme = (project.ROOT / "README.md").read_text(encoding="utf-8")
example = (project.ROOT / "examples/minimal.c").read_text(encoding="utf-8")
blocks = [(readme.count("\n", 0, match.start()) + 2, match.group(1))
          for match in re.finditer(r"^```c\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)]
programs = [(line, block) for line, block in blocks if "#include <linnet.h>" in block]
if not programs:
    project.report("README.md:1", "has no ```c block with #include <linnet.h>")
for line, block in programs:
    if block not in example:
        for number, content in enumerate(block.splitlines()):
            if content not in example.splitlines():
                project.report(f"README.md:{line + number}", f"is not in examples/minimal.c: {content}")
                break
        else:
            project.report(f"README.md:{line}", "has the lines of examples/minimal.c in another order")
project.finish(f"{len(programs)} program(s)")
