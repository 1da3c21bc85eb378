#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The host survives and its streams are its own: library code neither ends the process, nor prints, nor reads the
# environment or the locale, nor uses std::regex (recursion on input).
import re

import project

CALLS = (
    "abort exit _exit _Exit quick_exit atexit terminate raise kill signal sigaction system assert "
    "printf fprintf vprintf vfprintf dprintf puts fputs putchar fputc perror "
    "getenv setenv setlocale rand srand random strerror alloca longjmp setjmp"
).split()
CALL = re.compile(r"(?<![\w.])(?<!->)(" + "|".join(CALLS) + r")\s*\(")
STREAM = re.compile(r"\bstd\s*::\s*(cout|cerr|clog|cin|print|println|regex)\b|\bfmt\s*::\s*print\b|\b(stdout|stderr)\b")
HEADER = re.compile(r"#\s*include\s*<(iostream|cassert|assert\.h|regex|clocale|locale)>")
DECLARATION = re.compile(r"\b(void|bool|int|auto)\s+$")  # a member that happens to have such a name

files = project.sources("src", "kernels", "bindings/c")
for path in files:
    text = project.code_only((project.ROOT / path).read_text(encoding="utf-8"))
    for line, content in enumerate(text.split("\n"), 1):
        for match in CALL.finditer(content):
            if not DECLARATION.search(content[: match.start()]):
                project.report(f"{path}:{line}", f"calls {match.group(1)}()")
        for pattern in (STREAM, HEADER):
            for match in pattern.finditer(content):
                project.report(f"{path}:{line}", f"uses {match.group(0)}")
project.finish(f"{len(files)} files")
