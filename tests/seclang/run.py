#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every word of SecLang: what its row in the sheets claims, tried. Usage: run.py MODSECURITY_CASE [WORD...]"""
import re
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sheet import KINDS, read_sheets
from trial import TrialFailed, try_row

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent


def words_of(kind):
    """The words of a table, as `DIRECTIVE(SecRule, ...` or `ACTION(ID, "id", ...` have them."""
    path, macro = KINDS[kind]
    text = (TOP / path).read_text()
    if kind in ("directive", "operator", "transformation"):
        return re.findall(rf'^{macro}\("?(\w+)"?,', text, re.M)
    return re.findall(rf'^{macro}\(\w+, "(\w+)"', text, re.M)


def check_tables(rows):
    """Each word of a table has a row; what is in no table is refused, or said to have no effect; no claim stands twice."""
    for kind in KINDS:
        words = words_of(kind)
        if len(words) < 10:
            raise TrialFailed(f"{KINDS[kind][0]} has only {len(words)} words")
        told = {row.word for row in rows if row.kind == kind}
        missing = [w for w in words if w not in told]
        if missing:
            raise TrialFailed(f"no row for {', '.join(missing)} in {kind}s.txt")
        stray = [r.word for r in rows if r.kind == kind and r.word not in words and r.claim == "supported"]
        if stray:
            raise TrialFailed(f"{', '.join(stray)} of {kind}s.txt is in no table")
    seen = set()
    for row in rows:
        if row.name in seen:
            raise TrialFailed(f"{row.name} stands twice")
        seen.add(row.name)


def check_settings(rows):
    """What a sentence sends people to is an option that there is."""
    options = re.findall(r'^OPTION\("([^"]+)"', (TOP / "sidecar/config/options.tbl").read_text(), re.M)
    sections = {option.split(".")[0].rstrip("[]") for option in options}
    sentences = [(row.word, text) for row in rows for text in row.all("sentence")]
    for path, _ in KINDS.values():
        sentences += [(path, text) for text in (TOP / path).read_text().splitlines()]
    named = [(who, name) for who, text in sentences for name in re.findall(r"([a-z_.]+) of the settings", text)]
    if len(named) < 5:
        raise TrialFailed("no sentence names an option any more")
    for who, name in named:
        if name not in options and name not in sections:
            raise TrialFailed(f"{who}: there is no option {name}")


def tried(program, row):
    """A row in a folder of its own; "" where it holds, else why not."""
    with tempfile.TemporaryDirectory(prefix="sidegate-seclang-") as folder:
        return why_not(lambda: try_row(program, row, Path(folder), TOP))


def why_not(trial):
    try:
        trial()
        return ""
    except TrialFailed as why:
        return str(why)


def main():
    program, only = str(Path(sys.argv[1]).resolve()), set(sys.argv[2:])
    rows = read_sheets(HERE)
    results = [("every word of the tables has a row", why_not(lambda: check_tables(rows))),
               ("a sentence names options that there are", why_not(lambda: check_settings(rows)))]
    chosen = [row for row in rows if not only or row.word in only]
    with ThreadPoolExecutor(2) as pool:
        results += zip([row.name for row in chosen], pool.map(lambda row: tried(program, row), chosen))
    for name, why in results:
        print(f"FAIL  {name}\n      {why}" if why else f"ok    {name}")
    claims = Counter(row.claim for row in rows)
    failed = sum(1 for _, why in results if why)
    print(", ".join(f"{count} {claim}" for claim, count in sorted(claims.items())))
    print(f"{len(results) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
