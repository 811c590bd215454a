#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints how many of libinjection's sample inputs the detectors find. It informs and fails nothing: the samples
hold prose, halves of attacks and attacks on browsers long gone.

usage: score.py PROGRAM [--misses]

PROGRAM is main.c of this folder; the samples are waf-libinjection/data below $SIDEGATE_TEST_DATA."""
import glob
import os
import subprocess
import sys
import urllib.parse


def samples(path):
    """One a line, URL-encoded; # begins a comment."""
    with open(path, "rb") as file:
        for line in file.read().splitlines():
            if line and not line.startswith(b"#"):
                yield urllib.parse.unquote_to_bytes(line.replace(b"+", b" "))


def found(program, operator, values):
    orders = "".join(f"O {operator} - {value.hex() or '-'}\n" for value in values)
    run = subprocess.run([program], input=orders, capture_output=True, text=True, check=True)
    return [line.split(" ")[1] == "1" for line in run.stdout.splitlines()]


def main():
    program = sys.argv[1]
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 4)
    data = os.environ.get("SIDEGATE_TEST_DATA", os.path.join(root, "..", "shared", "data"))
    folder = os.path.join(data, "waf-libinjection", "data")
    if not os.path.isdir(folder):
        print(f"{folder}: absent")
        return 0
    for operator, names in (("detectSQLi", "sqli-*.txt"), ("detectXSS", "xss-*.txt"),
                            ("detectSQLi", "false_positives.txt")):
        hits = count = 0
        for path in sorted(glob.glob(os.path.join(folder, names))):
            values = list(samples(path))
            answers = found(program, operator, values)
            hits += sum(answers)
            count += len(values)
            if "--misses" in sys.argv:
                for value, answer in zip(values, answers):
                    if answer == (names == "false_positives.txt"):
                        print(f"{os.path.basename(path)}: {value[:200]!r}")
        print(f"{operator} {names}: {hits} of {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
