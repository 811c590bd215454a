# SPDX-License-Identifier: Apache-2.0
"""Runs ModSecurity's regression cases through the libraries and judges them; see README.md."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import corpus
import references
import sentences
from differences import DIFFERENCES

HERE = Path(__file__).resolve().parent


# What ModSecurity's own harness puts there.
ENVIRONMENT = {**os.environ, "MODSECURITY": "ModSecurity regression tests"}


def facts_of(program, case, folder):
    done = subprocess.run([program], input=corpus.framed(case), cwd=folder, env=ENVIRONMENT, capture_output=True, timeout=60,
                          check=False)
    if done.returncode != 0:
        return None, done.stderr.decode("latin-1")[-2000:]
    return [json.loads(line) for line in done.stdout.decode("latin-1").splitlines()], ""


def status_of(facts):
    """What the client was answered; ModSecurity's harness counts a dropped connection as 403."""
    verdict = next((f for f in facts if f["fact"] == "verdict"), None)
    if any(f["fact"] == "over limit" for f in facts):
        return 403, ""
    if verdict is None or verdict["action"] == 0:
        return 200, ""
    return verdict["status"] or 403, verdict["redirect"]


def judge(case, facts):
    """Empty where every expectation holds, else the first that does not."""
    expected = case.expected
    faults = [f for f in facts if f["fact"] == "fault"]
    if "parser_error" in expected:
        return "" if faults else "the rules were to be refused"
    if faults and sentences.says(expected.get("debug_log") or "(?!)", sentences.fault_text(faults)):
        return ""
    if faults:
        return f"refused: {faults[0]['message']}"
    status, redirect = status_of(facts)
    if status != expected.get("http_code", 200):
        return f"status {status}, expected {expected.get('http_code', 200)}"
    if expected.get("redirect_url", redirect) != redirect:
        return f"redirect {redirect}"
    for key, text in (("debug_log", sentences.debug_text(case, facts)), ("error_log", sentences.error_text(facts)),
                      ("audit_log", sentences.audit_text(case, facts))):
        pattern = expected.get(key, "")
        if pattern and not sentences.says(pattern, text) and not references.says(pattern, case, facts):
            return f"{key} does not say {pattern!r}"
    return ""


def left_out(facts):
    """The sentence of the fault by which a case is left out: what is not supported, and said when rules are loaded."""
    for fact in facts:
        if fact["fact"] == "fault" and "not supported" in fact["message"]:
            return fact["message"]
    return ""


def run_case(program, case, folder):
    facts, trouble = facts_of(program, case, folder)
    if facts is None:
        return "failed", "ended badly: " + trouble
    reason = left_out(facts) if "parser_error" not in case.expected else ""
    if reason:
        return "skipped", reason
    why = judge(case, facts)
    if case.name in DIFFERENCES:
        return ("differs", DIFFERENCES[case.name]) if why else ("failed", "it passes, but stands in differences.py")
    return ("failed", why) if why else ("passed", "")


LEFT_OUT_MOST = 45


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="", help="cases whose name holds this")
    options.add_argument("--verbose", action="store_true", help="rules and facts of what fails")
    asked = options.parse_args()
    data = Path(os.environ.get("SIDEGATE_TEST_DATA", HERE / "../../../shared/data")) / "waf-modsecurity-regression"
    if not data.is_dir():
        print(f"left out: there is no {data}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    program = os.environ["MODSECURITY_CASE"]
    cases = [c for c in corpus.load(data / "regression") if asked.only in c.name]
    count = {"passed": 0, "failed": 0, "skipped": 0, "differs": 0}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        (Path(folder) / "test-cases").mkdir()
        (Path(folder) / "test-cases" / "data").symlink_to((data / "data").resolve())
        for case, (how, why) in zip(cases, pool.map(lambda c: run_case(program, c, folder), cases)):
            count[how] += 1
            if how != "passed":
                print(f"{how}: {case.name} ({case.title}): {why}")
            if how == "failed" and asked.verbose:
                print(case.rules, json.dumps(case.raw.get("request"), indent=1), case.expected, sep="\n")
                for fact in facts_of(program, case, folder)[0] or []:
                    print("   ", fact)
    if asked.only:
        print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped, {count['differs']} differ on purpose")
        return 0 if count["failed"] == 0 else 1
    floor = int((HERE / "floor").read_text())
    if count["passed"] < floor:
        print(f"the floor is {floor} (tests/modsecurity/floor)")
    wrong = max(count["failed"], floor - count["passed"]) + max(0, count["skipped"] - LEFT_OUT_MOST)
    print(f"{count['passed']} passed, {wrong} failed, {count['skipped']} skipped by a named fault, "
          f"{count['differs']} differ on purpose, of {sum(count.values())}")
    return 0 if wrong == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
