# SPDX-License-Identifier: Apache-2.0
"""libinjection's verdicts as a text: one row for a list and an operator, with the verdict that most of its inputs get and the
lines that get the other one. The digest tells whether the inputs are those that were measured."""
import hashlib
from pathlib import Path

OPERATORS = ("detectSQLi", "detectXSS")
FILE = Path(__file__).resolve().parent / "libinjection.txt"
HEAD = ("# Measured: tests/detectors/run --measure (libmodsecurity of Debian 12 in nginx).\n"
        "# list operator inputs digest verdict lines-with-the-other-verdict\n")


def digest(values):
    whole = hashlib.sha256()
    for value in values:
        whole.update(b"-" if value is None else b"+%d:" % len(value) + value)
    return whole.hexdigest()[:16]


def ranges(numbers):
    """1,2,3,7 as 1-3,7."""
    pieces = []
    for n in numbers:
        if pieces and pieces[-1][1] == n - 1:
            pieces[-1][1] = n
        else:
            pieces.append([n, n])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in pieces) or "-"


def numbers(text):
    found = set()
    for piece in text.split(",") if text != "-" else []:
        first, _, end = piece.partition("-")
        found.update(range(int(first), int(end or first) + 1))
    return found


def row(name, operator, values, verdict):
    """`verdict`: {line: bool} of the lines that have an input."""
    most = sum(verdict.values()) * 2 > len(verdict)
    others = ranges(sorted(line for line, found in verdict.items() if found != most))
    return f"{name} {operator} {len(verdict)} {digest(values)} {int(most)} {others}\n"


def read():
    """{(list, operator): (digest, most, {lines that differ})}"""
    rows = [line.split() for line in FILE.read_text().splitlines() if not line.startswith("#")]
    return {(name, operator): (mark, most == "1", numbers(others)) for name, operator, _, mark, most, others in rows}
