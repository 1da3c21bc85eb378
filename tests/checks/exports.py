#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# exports.py LIBLINNET_SO: what the shared library exports = bindings/c/symbols.txt = what linnet.h declares; its
# SONAME; and what it needs at run time: libc, libm and pthreads only.
import re
import subprocess
import sys

import project

LIBRARIES = re.compile(r"(libc|libm|libpthread|ld-linux[\w-]*)\.so\.\d+$")
SYMBOLS = "bindings/c/symbols.txt"
HEADER = "include/linnet.h"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


library = sys.argv[1]
exported = {}
for line in run("nm", "-D", "--defined-only", "--with-symbol-versions", library).splitlines():
    kind, name = line.split()[-2:]
    name, _, node = name.replace("@@", "@").partition("@")
    if kind != "A":  # the version nodes themselves
        exported[name] = node

listed = {}
for number, line in enumerate((project.ROOT / SYMBOLS).read_text().splitlines(), 1):
    if line and not line.startswith("#"):
        name, node = line.split()
        if name in listed:
            project.report(f"{SYMBOLS}:{number}", f"{name} stands twice")
        listed[name] = (node, number)

text = project.code_only((project.ROOT / HEADER).read_text())
declared = {}
for match in re.finditer(r"^LINNET_API\b[^;{]*?\b(linnet_\w+)\s*\(", text, re.MULTILINE):
    declared[match.group(1)] = text.count("\n", 0, match.start(1)) + 1

for name, (node, number) in listed.items():
    if name not in exported:
        project.report(f"{SYMBOLS}:{number}", f"{name} is not exported by {library}")
    elif exported[name] != node:
        project.report(f"{SYMBOLS}:{number}", f"{name} is exported in node '{exported[name]}', not {node}")
    if name not in declared:
        project.report(f"{SYMBOLS}:{number}", f"{name} is not declared in {HEADER}")
for name in exported.keys() - listed.keys():
    project.report(library, f"exports {name}, which is not in {SYMBOLS}")
for name in declared.keys() - listed.keys():
    project.report(f"{HEADER}:{declared[name]}", f"{name} is not in {SYMBOLS}")

dynamic = run("readelf", "-dW", library)
needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
for name in needed:
    if not LIBRARIES.match(name):
        project.report(library, f"needs {name} at run time")
major = re.search(r"#define LINNET_ABI_MAJOR (\d+)", (project.ROOT / HEADER).read_text()).group(1)
soname = re.search(r"\(SONAME\).*\[(.+)\]", dynamic).group(1)
if soname != f"liblinnet.so.{major}":
    project.report(library, f"SONAME is {soname}, not liblinnet.so.{major}")
if re.search(r"\((TEXTREL|RPATH|RUNPATH)\)", dynamic):
    project.report(library, "has text relocations or a run path")

project.finish(f"{len(exported)} functions; needs {' '.join(needed)}")
