#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Every source is as clang-format 14 with the project's .clang-format leaves it.
import re
import shutil
import subprocess

import project

program = shutil.which("clang-format-14") or shutil.which("clang-format")
if program is None:
    project.skip("no clang-format")
version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
if " version 14." not in version:
    project.skip(f"clang-format 14 decides; this is {version.strip()}")

files = project.sources("include", "src", "kernels", "bindings", "tools", "examples", "benchmarks", "tests",
                        suffixes=project.CODE - {".inc"})
run = subprocess.run([program, "--dry-run", "--ferror-limit=1", *map(str, files)], cwd=project.ROOT,
                     capture_output=True, text=True)
for match in re.finditer(r"^(.+?:\d+):\d+: (?:warning|error): ", run.stderr, re.MULTILINE):
    project.report(match.group(1), f"run: {program} -i {match.group(1).split(':')[0]}")
if run.returncode != 0:
    project.report(".clang-format", run.stderr.strip())
project.finish(f"{len(files)} files")
