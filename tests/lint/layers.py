#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every include against layers.txt: no arrow points up, and includes are written from the root."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_table(text):
    table = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            folder, allowed = line.split(":", 1)
            table[folder] = allowed.split()
    return table


def layer_of(path, table):
    """The deepest folder of the table that the path lies in."""
    fitting = [f for f in table if path == f or path.startswith(f + "/")]
    return max(fitting, key=len) if fitting else None


def faults(path, text, table):
    """Yields (line, sentence) for each include that breaks the table."""
    layer = layer_of(path, table)
    for match in INCLUDE.finditer(text):
        target, line = match.group(1), text.count("\n", 0, match.start(1)) + 1
        aim = layer_of(target, table)
        if aim is None:
            yield line, f"'{target}' is not written from the root"
        elif layer is None:
            yield line, f"the folder of this file is not in layers.txt"
        elif aim != layer and "*" not in table[layer] and aim not in table[layer] and target not in table[layer]:
            yield line, f"{layer} may not include {aim} ('{target}')"


def main():
    table = read_table((TOP / "tests/lint/layers.txt").read_text())
    count = 0
    for path in sorted(p for d in ("rules", "exporters", "sidecar", "tests") for p in (TOP / d).rglob("*.[ch]")):
        name = path.relative_to(TOP).as_posix()
        for line, sentence in faults(name, path.read_text(), table):
            print(f"{name}:{line}: {sentence}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
