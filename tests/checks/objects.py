#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# objects.py LIST...: the object files of the library, one `<isa or -> <object>` per line.
# An ISA's object exports one symbol, its table. Nothing that it shares with other objects (weak and unique symbols,
# which the linker merges) may exist elsewhere, else code compiled for one CPU would run on another.
# Every object: no static constructors, no mutable globals.
import pathlib
import re
import subprocess
import sys

import project

# Compilers call these of their own accord; the C library has them for every CPU. The mathematical ones are exact.
MAY_NEED = set("memcpy memmove memset memcmp strlen fma fmaf rint rintf nearbyint nearbyintf lrint lrintf sqrt sqrtf "
               "floor floorf ceil ceilf trunc truncf _GLOBAL_OFFSET_TABLE_ __stack_chk_fail".split())


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(path):
    """(name, nm's letter) of each symbol."""
    for line in run("nm", "--format=posix", path).splitlines():
        fields = line.split()
        if len(fields) >= 2:
            yield fields[0], fields[1]


objects = []
for line in "".join(pathlib.Path(path).read_text() for path in sys.argv[1:]).splitlines():
    isa, path = line.split(maxsplit=1)
    objects.append((isa, path, list(symbols(path))))

homes = {}  # weak symbol -> objects that define it
for isa, path, table in objects:
    for name, kind in table:
        if kind in "WVu":
            homes.setdefault(name, []).append(path)

for isa, path, table in objects:
    short = re.sub(r"^.*\.dir/", "", path)
    if isa != "-":
        strong = [name for name, kind in table if kind in "TDRBSGC"]
        if len(strong) != 1:
            project.report(short, f"exports {len(strong)} symbols instead of one table: {' '.join(strong[:8])}")
        mangled = f"{len(isa)}{isa}"
        for name, kind in table:
            if kind in "WVu" and mangled not in name and "5xsimd" not in name:
                project.report(short, f"weak symbol outside of namespace {isa}: {name}")
            elif kind in "WVu" and len(homes[name]) > 1:
                project.report(short, f"weak symbol which other objects define, too: {name}")
            elif kind in "Uw" and name not in MAY_NEED:
                project.report(short, f"needs {name}")
    for line in run("objdump", "-h", path).splitlines():
        section = line.split()[1] if re.match(r"\s*\d+ \.", line) else ""
        if re.match(r"\.(init_array|ctors)", section):
            project.report(short, "has a static constructor")
    for line in run("objdump", "-t", path).splitlines():
        match = re.match(r"[0-9a-f]+ (.{7}) (\S+)\t([0-9a-f]+) +(?:\.\w+ )?(\S+)$", line)
        if not match:
            continue
        flags, section, size, name = match.groups()
        writable = re.match(r"\.(data|bss|tdata|tbss)\b(?!\.rel\.ro)", section)
        data = "O" in flags or section.startswith(".t")  # thread-local symbols carry no flag
        if writable and data and not name.startswith(".") and int(size, 16) and not name.startswith("DW.ref."):
            project.report(short, f"mutable global {name}")

isas = [isa for isa, _, _ in objects if isa != "-"]
if not isas:
    project.report(sys.argv[1], "no ISA object")
project.finish(f"{len(objects)} objects, instruction sets {' '.join(isas)}")
