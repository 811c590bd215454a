# SPDX-License-Identifier: Apache-2.0
"""What is given to the detectors: {name of a list: [value or None, ...]}, the n-th entry being line n + 1 (None: a line without an
input). The 480 test files are one list, in the order of their names."""
import json
import sys
import urllib.parse
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))
from prose import lines  # noqa: E402

TESTS, PROSE = "tests", "prose"
HONEST = (PROSE, "false_positives.txt")


def sample(line):
    """A line of a data file: URL-encoded; # begins a comment."""
    return urllib.parse.unquote_to_bytes(line.replace(b"+", b" ")) if line and not line.startswith(b"#") else None


def test_input(path):
    """The middle one of a test file's three sections."""
    return path.read_bytes().split(b"--INPUT--\n", 1)[1].split(b"--EXPECTED--", 1)[0].rstrip(b"\r\n")


def samples(data):
    """libinjection's own inputs; none where they are not there."""
    folder = data / "waf-libinjection"
    if not folder.is_dir():
        return {}
    found = {path.name: [sample(line) for line in path.read_bytes().splitlines()] for path in sorted((folder / "data").glob("*.txt"))}
    found[TESTS] = [test_input(path) for path in sorted((folder / "tests").glob("*.txt"))]
    return found


def prose():
    return {PROSE: [line.encode() for line in lines(5000)]}


def naughty(data):
    """The big list of naughty strings; none where it is not there."""
    path = data / "waf-blns" / "blns.json"
    return [text.encode("utf-8", "surrogatepass") for text in json.loads(path.read_text())] if path.exists() else []
