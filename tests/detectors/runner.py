#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our detectors beside libinjection's verdicts. See README.md."""
import argparse
import collections
import os
import subprocess
import sys
from pathlib import Path

import inputs
import judged
import peer
import verdicts

DATA = Path(os.environ.get("SIDEGATE_TEST_DATA", inputs.TOP.parent / "shared" / "data"))
PROGRAM = os.environ["MATCH_VECTORS"]


def ask(operator, values):
    """[(verdict, capture)] of our operator; a crash ends the run."""
    orders = "".join(f"O {operator} - {value.hex() or '-'}\n" for value in values)
    done = subprocess.run([PROGRAM], input=orders, capture_output=True, text=True)
    answers = [line.split() for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(answers) != len(values):
        sys.exit(f"{PROGRAM} ended with {done.returncode} after {len(answers)} of {len(values)} inputs\n{done.stderr}0 passed, 1 failed")
    return [(words[1] == "1", bytes.fromhex(words[2].strip("-")) if len(words) > 2 else b"") for words in answers]


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, holds, sentence):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        if not holds:
            print(f"FAIL  {sentence}")

    def skip(self, sentence):
        self.skipped += 1
        print(f"skipped: {sentence}")


def by_line(values, answers):
    """{line: answer}; `answers` has one for each input."""
    rest = iter(answers)
    return {i + 1: next(rest) for i, value in enumerate(values) if value is not None}


def given(values):
    return [value for value in values if value is not None]


def measure(lists):
    """{(list, operator): {line: verdict}} of libinjection."""
    flat = [value for values in lists.values() for value in given(values)]
    rest = iter(peer.verdicts(flat))
    found = {}
    for name, values in lists.items():
        both = by_line(values, rest)
        for i, operator in enumerate(verdicts.OPERATORS):
            found[name, operator] = {line: pair[i] for line, pair in both.items()}
    return found


def recorded(lists, tally):
    """The same from libinjection.txt, but for lists that are others than those measured."""
    rows = verdicts.read()
    found = {}
    for name, values in lists.items():
        for operator in verdicts.OPERATORS:
            mark, most, others = rows.get((name, operator), (None, None, None))
            if mark != verdicts.digest(values):
                tally.check(False, f"{name}: not the inputs that libinjection.txt was measured with")
                continue
            found[name, operator] = {i + 1: most != (i + 1 in others) for i, v in enumerate(values) if v is not None}
    return found


def compare(lists, theirs, tally, verbose):
    used, alarms = collections.Counter(), collections.Counter()
    ours = {(name, operator): by_line(values, ask(operator, given(values)))
            for name, values in lists.items() for operator in verdicts.OPERATORS}
    for (name, operator), verdict in theirs.items():
        differ = []
        for line, found in verdict.items():
            mine, print_ = ours[name, operator][line]
            alarms[name, operator, "theirs"] += found
            alarms[name, operator, "ours"] += mine
            if mine == found:
                continue
            reason = judged.reason(name, operator, line, mine, ours[name, "detectXSS"][line][0])
            used.update([reason] if reason else [])
            if reason is None or verbose:
                differ.append(f"{line}: theirs {int(found)}, ours {int(mine)} {print_.decode('latin-1')} "
                              f"{lists[name][line - 1][:200]!r} ({reason or 'not judged'})")
        unjudged = [text for text in differ if text.endswith("(not judged)")]
        tally.check(not unjudged, f"{operator} {name}\n      " + "\n      ".join(unjudged))
        if verbose and differ:
            print(f"      {operator} {name}", *differ, sep="\n      ")
    return used, alarms


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--peer", action="store_true", help="ask libinjection again and hold libinjection.txt against it")
    options.add_argument("--measure", action="store_true", help="ask it and write libinjection.txt")
    options.add_argument("--verbose", action="store_true", help="print every difference with its reason")
    chosen = options.parse_args()
    tally = Tally()
    lists = inputs.samples(DATA)
    if not lists:
        tally.skip(f"there is no {DATA}/waf-libinjection (SIDEGATE_TEST_DATA)")
    try:
        lists.update(inputs.prose())
    except RuntimeError as error:
        tally.skip(f"prose: {error}")

    if chosen.measure:
        measured = measure(lists)
        verdicts.FILE.write_text(verdicts.HEAD + "".join(verdicts.row(*key, lists[key[0]], found) for key, found in measured.items()))
    theirs = recorded(lists, tally)
    if chosen.peer:
        for key, found in measure(lists).items():
            tally.check(theirs.get(key) == found, f"{' '.join(key)}: libinjection says otherwise than libinjection.txt")

    used, alarms = compare(lists, theirs, tally, chosen.verbose)
    for name in inputs.HONEST:
        for operator in verdicts.OPERATORS if name in lists else ():
            ours, others = alarms[name, operator, "ours"], alarms[name, operator, "theirs"]
            print(f"{operator} {name}: {ours} alarms, libinjection {others}")
            tally.check(ours < others or ours == others == 0, f"{operator} {name}: fewer alarms than libinjection")
    if len(lists) > 2:
        for key in judged.stale(used):
            tally.check(False, f"{key}: is judged, and does not differ")
    naughty = inputs.naughty(DATA)
    if naughty:
        alarmed = [sum(found for found, _ in ask(operator, naughty)) for operator in verdicts.OPERATORS]
        print(f"naughty strings: {len(naughty)}, SQL in {alarmed[0]}, script in {alarmed[1]}")
        tally.check(True, "naughty strings")
    for name, count in judged.totals(used):
        print(f"{count:5d} {name}")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return tally.failed > 0


if __name__ == "__main__":
    sys.exit(main())
