# SPDX-License-Identifier: MIT
# What the checks share: the files of the project, reporting with file:line, and source text without comments.
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = {".c", ".cpp", ".h", ".hpp", ".inl", ".inc"}
SKIPPED = 77  # exit status that CTest shows as "skipped"

_found = []


def sources(*folders, suffixes=CODE):
    """All source files below the folders, sorted, as paths relative to the root."""
    files = []
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in suffixes and path.is_file() and "target" not in path.parts:
                files.append(path.relative_to(ROOT))
    return sorted(files)


def report(place, text):
    """place: 'file' or 'file:line'."""
    _found.append(f"{place}: {text}")


def finish(summary):
    """Ends the check: prints what was found, or the summary of what was looked at."""
    for line in _found:
        print(line)
    if _found:
        print(f"{len(_found)} problem(s)")
        sys.exit(1)
    print(f"ok: {summary}")
    sys.exit(0)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


_TOKEN = re.compile(
    r"""//[^\n]*                                   # line comment
      | /\*.*?\*/                                  # block comment
      | R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)" # raw string
      | "(?:\\.|[^"\\\n])*"                        # string
      | (?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'       # character; not a digit separator
    """,
    re.VERBOSE | re.DOTALL,
)


def code_only(text):
    """The text with comments and literals blanked; line numbers stay. #include lines keep their names."""

    def blank(match):
        token = match.group(0)
        line_start = text.rfind("\n", 0, match.start()) + 1
        if token.startswith('"') and re.match(r"\s*#\s*include", text[line_start : match.start()]):
            return token
        return re.sub(r"[^\n]", " ", token)

    return _TOKEN.sub(blank, text)
