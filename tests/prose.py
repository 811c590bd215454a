#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Honest text to measure false alarms with: lines of Debian's documentation as they stand, prose and what stands between it
(examples, addresses, tables). The packages are unpacked into the cache (`sidecar/setup`), nothing is installed.

    from prose import lines         lines(5000): always the same ones, no two alike
    tests/prose.py [N]              prints them"""
import gzip
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
SHORTEST = 20  # bytes: what is shorter is a heading or a page number
DOCUMENTS = (("debian-policy", "debian-policy/policy.txt.gz"), ("debian-policy", "debian-policy/fhs/fhs-3.0.txt.gz"),
             ("debian-faq", "debian/FAQ/debian-faq.en.txt.gz"), ("developers-reference", "developers-reference.txt.gz"),
             ("maint-guide", "maint-guide/maint-guide.en.txt.gz"))


def unpacked():
    """The folder that the packages were unpacked into."""
    packages = " ".join(sorted({package for package, _ in DOCUMENTS}))
    script = f'top={TOP}; . {TOP}/sidecar/setup; unpack {packages} && echo "$cache"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the documentation could not be fetched: {done.stderr.strip()}")
    return Path(done.stdout.strip())


def document(cache, package, name):
    path = next((cache / package / "usr/share").glob(f"**/{name}"))
    return gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()


def lines(count=5000):
    """`count` lines, taken evenly from the whole."""
    cache = unpacked()
    whole = dict.fromkeys(line.strip() for where in DOCUMENTS for line in document(cache, *where))
    kept = [line for line in whole if len(line) >= SHORTEST]
    if count > len(kept):
        raise ValueError(f"there are {len(kept)} lines, not {count}")
    return [kept[i * len(kept) // count] for i in range(count)]


if __name__ == "__main__":
    print("\n".join(lines(*map(int, sys.argv[1:2]))))
