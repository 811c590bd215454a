# SPDX-License-Identifier: Apache-2.0
"""What the baseline blocks of the OWASP CRS's positive tests, and whether it leaves honest requests alone."""
import argparse
import collections
import concurrent.futures
import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "crs"), str(HERE.parent / "stories")]
import harness  # noqa: E402
import honest  # noqa: E402
import runner as crs  # noqa: E402
from corpus import read  # noqa: E402

FAMILIES = range(930, 945)
# Limits are out of the way, so that what is refused is refused by a rule.
CONFIG = """
rules:
  mode: MODE
  baseline: on
  log: {{ path: {rule_log} }}
  request_body: {{ inspect: 1MiB }}
  cpu_budget: 0
limits: {{ both_lengths: reframe, doubtful_paths: pass, underscore_names: pass, url: 16KiB }}
timeouts: {{ drain_delay: 0, body_idle: 1s, request_header: 1s }}
"""
RULE = re.compile(r"\bid:'?(\d+)")
BATCH = 25  # requests that are under way on one connection
CLIENTS = 4


# ---- attacks ----

def ordinary_rules(folder):
    """The ids of the CRS's rules at paranoia level 1."""
    text = "".join(p.read_text("utf-8") for p in sorted(Path(folder).glob("*.conf"))).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if "'paranoia-level/1'" in line and not line.startswith("#")]
    return {int(RULE.search(line)[1]) for line in lines}


def with_baseline(mode, run, *arguments):
    """Calls the CRS's runner with the baseline in the place of the CRS."""
    config, crs.CONFIG = crs.CONFIG, CONFIG.replace("MODE", mode)
    try:
        return run(*arguments)
    finally:
        crs.CONFIG = config


def entries(folder):
    """The access log's."""
    return [json.loads(line) for line in (folder / "access.log").read_text("utf-8", "replace").splitlines()]


def rules_of(entry):
    return (entry.get("waf") or {}).get("rules", [])


def send_tests(tests, data, folder, mode):
    """{test name: (was one of its requests blocked, rules that matched)}"""
    statuses = with_baseline(mode, crs.send_all, tests, data, folder, CLIENTS)
    logged, outcome, number = {entry["client_address"]: entry for entry in entries(folder)}, {}, 0
    for test in tests:
        blocked, rules = False, []
        for _ in test.stages:
            address = crs.address_of(number)
            number += 1
            entry = logged.get(address, {})
            said = (entry.get("waf") or {}).get("action")
            blocked = blocked or (said == "block" and statuses[address] in (400, 403)) or said == "would_block"
            rules += rules_of(entry)
        outcome[test.name] = (blocked, rules)
    return outcome


def tell_families(tests, outcome, kept):
    """The table, and the share of all."""
    count = collections.Counter()
    for test in tests:
        for family in (test.family, "all"):
            count[family, "tests"] += 1
            count[family, "blocked"] += outcome[test.name][0]
    print(f"{'family':8}{'tests':>7}{'blocked':>9}{'%':>7}")
    for family in sorted({t.family for t in tests}) + ["all"]:
        of, blocked = count[family, "tests"], count[family, "blocked"]
        print(f"{family:8}{of:7}{blocked:9}{100 * blocked / of:7.1f}")
    for test in tests if kept else ():
        if not outcome[test.name][0]:
            print(f"passed {test.name}: {test.stages[-1].request[:600]!r}")
    return count["all", "blocked"], count["all", "tests"]


def attacks(args, folder):
    rules = ordinary_rules(args.data / "rules")
    tests = [t for t in read(args.data / "tests") if int(t.family) in FAMILIES and re.match(args.only, t.name) and
             any(s.expect_ids & rules for s in t.stages)]
    outcome = send_tests(tests, args.data, folder, "on")
    print("Positive tests of the CRS's rules at paranoia level 1, and how many of them the baseline blocks:")
    return tell_families(tests, outcome, args.verbose)


def silent_tests(args, folder):
    """Tests in which a rule of the CRS must not match: no attack as a rule, but many only lack what one rule asks for."""
    tests = [t for t in read(args.data / "tests") if int(t.family) in FAMILIES and t.kind == "negative" and re.match(args.only, t.name)]
    outcome = send_tests(tests, args.data, folder, "detection_only")
    alarms = [t for t in tests if outcome[t.name][1]]
    print(f"For information: {len(alarms)} of the CRS's {len(tests)} negative tests in these families alarm the baseline.")
    for test in alarms if args.verbose else ():
        print(f"alarm {test.name} {outcome[test.name][1]}: {test.stages[-1].request[:600]!r}")


# ---- honest requests ----

def send_in_order(port, requests, address):
    """[(status, request id)] of requests that one client sends on one connection."""
    visitor, answers = crs.Visitor(port, address), []
    try:
        for start in range(0, len(requests), BATCH):
            visitor.send(b"".join(requests[start:start + BATCH]))
            came = [visitor.answer() for _ in requests[start:start + BATCH]]
            answers += [(answer.status, answer["x-request-id"]) for answer in came]
    finally:
        visitor.close()
    return answers


def send_honest(groups, folder):
    """[(group, what, status, rules)] of every request."""
    backend = harness.Backend()
    program = harness.Sidegate(folder, backend.url, CONFIG.replace("MODE", "detection_only").format(rule_log=folder / "rules.log"))
    sent = [(group, what, request) for group, pairs in groups.items() for what, request in pairs]
    shares = [sent[i::CLIENTS] for i in range(CLIENTS)]
    try:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(lambda i: send_in_order(program.port, [r for _, _, r in shares[i]], crs.address_of(i)), range(CLIENTS)))
    finally:
        program.stop()
        backend.close()
    by_id = {entry["request_id"]: entry for entry in entries(folder)}
    return [(group, what, status, rules_of(by_id[name]))
            for i in range(CLIENTS) for (group, what, _), (status, name) in zip(shares[i], answers[i])]


def tell_honest(result):
    """The false alarms, each with its line; how many there are."""
    wrong = [r for r in result if r[3] or r[2] != 200]
    for group, what, status, rules in wrong:
        print(f"false alarm ({group}): {what!r}: {rules or f'status {status}'}")
    count, bad = collections.Counter(r[0] for r in result), collections.Counter(r[0] for r in wrong)
    for group, number in count.items():
        print(f"{group}: {bad[group]} false alarms in {number} requests")
    return len(wrong)


def read_lines(path):
    return [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]


def in_folder(keep, name, run, *arguments):
    folder = Path(tempfile.mkdtemp(prefix=f"baseline-{name}-", dir=keep))
    try:
        return run(*arguments, folder)
    finally:
        if not keep:
            shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=harness.DATA / "crs-4", help="the CRS's rules and tests")
    parser.add_argument("--only", default="", help="a pattern that test names match from the start: 942, '932140-4$'")
    parser.add_argument("--lines", type=int, default=5000, help="how many lines of prose")
    parser.add_argument("--text", type=Path, help="these lines instead")
    parser.add_argument("--verbose", action="store_true", help="show the attacks that pass and the negative tests that alarm")
    parser.add_argument("--part", choices=("attacks", "honest"), help="only this")
    parser.add_argument("--floor", type=float, default=float((HERE / "floor").read_text()), help="per cent that are blocked")
    parser.add_argument("--keep", type=Path, help="leave configurations and logs in this folder")
    args = parser.parse_args()
    began, passed, failed, skipped = time.monotonic(), 0, 0, 0
    if args.part != "attacks":
        try:
            lines = read_lines(args.text) if args.text else honest.prose.lines(args.lines)
        except RuntimeError as e:
            print(f"skipped: prose: {e}")
            lines, skipped = [], 1
        groups = {**honest.written(lines), **honest.written(honest.typed(), "typed, as "), **honest.visits(200)}
        wrong = tell_honest(in_folder(args.keep, "honest", send_honest, groups))
        failed += wrong
        passed += sum(map(len, groups.values())) - wrong
    if args.part != "honest" and not (args.data / "tests").is_dir():
        print(f"skipped: there is no {args.data / 'tests'} (SIDEGATE_TEST_DATA)")
        skipped += 1
    elif args.part != "honest":
        blocked, of = in_folder(args.keep, "attacks", attacks, args)
        in_folder(args.keep, "silent", silent_tests, args)
        floor = 0 if args.only else args.floor
        enough = 100 * blocked >= floor * of
        print(f"{blocked} of {of} are blocked ({100 * blocked / of:.1f} %); the floor is {floor} % (tests/baseline/floor)")
        passed, failed = passed + enough, failed + (not enough)
    print(f"in {time.monotonic() - began:.0f} s\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
