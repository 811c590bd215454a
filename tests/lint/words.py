#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions of libc that have no place here: unbounded, not thread-safe, ambiguous about errors, or asleep whatever happens."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BANNED = re.compile(r"\b(sprintf|vsprintf|strcpy|strcat|strtok|gets|atoi|localtime|gmtime|alloca|rand|sleep|usleep|nanosleep|clock_nanosleep)\s*\(")
COMMENT = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"", re.S)


def faults(text):
    blank = COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    for match in BANNED.finditer(blank):
        yield blank.count("\n", 0, match.start()) + 1, match.group(1)


def main():
    count = 0
    for path in sorted(p for d in ("rules", "exporters", "sidecar", "tests") for p in (TOP / d).rglob("*.[ch]")):
        for line, word in faults(path.read_text()):
            print(f"{path.relative_to(TOP)}:{line}: {word}() is not used here")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
