#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds transformations and operators against the vectors of secrules-language-tests.

usage: vectors.py PROGRAM [FOLDER]

PROGRAM is main.c of this folder; FOLDER is where the vectors are, by default
waf-secrules-language-tests below $SIDEGATE_TEST_DATA. The closing line counts."""
import json
import os
import re
import subprocess
import sys

CSS = ("test\\a\\b\\f\\n\\r\\t\\v\\?\\'\\\"\\\0\\12\\123\\1234\\12345\\123456\\ff01\\ff5e"
       "\\\n\\\0  string")
# (name, argument or None, input) -> why we differ. Each says which engine is right.
DIFFERENT = {
    ("validateByteRange", "xxx", "TestCase"): "refused when rules are loaded, as ModSecurity 3 does",
    ("validateByteRange", "xxx", "\0"): "refused when rules are loaded, as ModSecurity 3 does",
    ("ipMatch", "10.0.0.0/100", "10.10.10.11"): "refused when rules are loaded: no such prefix",
    ("containsWord", "def", "abc\\0def ghi"): "the vector means NUL and has a backslash and a zero, "
    "which is part of a word in ModSecurity 2",
    ("cssDecode", None, CSS): "the vector means the escape \\0, which takes one of the two spaces, and "
    "has a backslash and NUL",
}
SKIPPED = {
    "phpArgsNames": "no engine has this transformation",
}
NAMES = {"cmd_line": "cmdLine"}


def unescape(text):
    """The vectors' own escapes, on top of JSON's, as ModSecurity's test runner reads them."""
    data = text.encode("utf-8", "surrogateescape")

    def byte(match):
        digits = re.match(rb"[0-9a-fA-F]*", match.group(1)).group(0)
        return bytes([int(digits, 16) & 0xFF if digits else 0])

    data = re.sub(rb"\\x([a-zA-Z0-9]{2})", byte, data)
    return re.sub(rb"\\u([a-zA-Z0-9]{4})", byte, data)


def load(folder, kind):
    for name in sorted(os.listdir(os.path.join(folder, kind))):
        if name.endswith(".json"):
            path = os.path.join(folder, kind, name)
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                yield from json.load(file, strict=False)


def order(vector):
    name = NAMES.get(vector["name"], vector["name"])
    value = unescape(vector["input"]).hex() or "-"
    if vector["type"] == "tfn":
        return f"T {name} {value}"
    argument = unescape(vector.get("param", "")).replace(
        b"test-cases/secrules-language-tests/", b"")
    return f"O {name} {argument.hex() or '-'} {value}"


def is_right(vector, answer):
    if answer[0] != "=":
        return False
    words = answer[1 if vector["type"] == "tfn" else 2:]
    texts = [bytes.fromhex("" if word == "-" else word) for word in words]
    if vector["type"] == "tfn":
        return texts == [unescape(vector["output"])]
    matches = "0" if answer[1] == "U" else answer[1]  # what nobody can be asked is no match
    if matches != str(vector["ret"]):
        return False
    groups = [unescape(group) for group in vector.get("re_groups", [])]
    return texts[:len(groups)] == groups


def main():
    program = os.path.abspath(sys.argv[1])
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 4)
    data = os.environ.get("SIDEGATE_TEST_DATA", os.path.join(root, "..", "shared", "data"))
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.join(data, "waf-secrules-language-tests")
    if not os.path.isdir(folder):
        print(f"{folder}: absent")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    vectors = [*load(folder, "operators"), *load(folder, "transformations")]
    orders = "".join(order(vector) + "\n" for vector in vectors)
    run = subprocess.run([program], input=orders, capture_output=True, text=True, cwd=folder)
    answers = run.stdout.splitlines()
    if run.returncode != 0 or len(answers) != len(vectors):
        print(f"{program} answered {len(answers)} of {len(vectors)}, status {run.returncode}")
        print(run.stderr)
        return 1
    passed = failed = skipped = 0
    for vector, answer in zip(vectors, answers):
        key = (vector["name"], vector.get("param"), vector["input"])
        if vector["name"] in SKIPPED or key in DIFFERENT:
            skipped += 1
        elif is_right(vector, answer.split(" ")):
            passed += 1
        else:
            failed += 1
            print(f"FAIL {json.dumps(vector)[:400]}\n     {answer[:400]}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
