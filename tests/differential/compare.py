#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same rules and requests through Debian's nginx with libmodsecurity and through the program: every request whose decision or
ids differ, by reason. See README.md."""
import argparse
import collections
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote_to_bytes

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / name) for name in ("stories", "crs", "differential")]
import engine  # noqa: E402
import harness  # noqa: E402
from backend import reflect  # noqa: E402
from nginx import NGINX_AS_OPEN, Nginx, unpacked  # noqa: E402
from requests_of import crafted, regression  # noqa: E402
from reasons import FOLLOWS, ROWS, number_of  # noqa: E402
from rule_text import rules_of  # noqa: E402
from runner import address_of, crs_folder, visit  # noqa: E402

HERE = Path(__file__).resolve().parent
BATCH = 50  # requests
DATA_MOST = 480  # characters of what rules say; ours are cut there
PROGRAM = """
rules: {{ files: [{rules}], cpu_budget: 0 }}
limits: {{ both_lengths: reframe, doubtful_paths: pass, underscore_names: pass, url: 60KiB, header_bytes: 256KiB }}
timeouts: {{ drain_delay: 0, body_idle: 1s, request_header: 1s }}
"""
# Behind modsecurity.conf-recommended, on both sides.
COMMON = """Include {recommended}
SecRuleEngine {engine}
SecRequestBodyLimit 1048576
SecPcreMatchLimit 500000
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecAuditEngine On
SecAuditLogParts ABHZ
SecAuditLogFormat JSON
SecAuditLogType Serial
SecAuditLog {log}
"""


class Outcome:
    """What became of one request on one side: the answer's status (0: none) and {id: {variables that it matched}}."""

    def __init__(self, status, matches):
        self.status, self.matches = status, matches
        self.ids = frozenset(matches)

    def __eq__(self, other):
        return (self.status, self.ids) == (other.status, other.ids)


class Difference:
    """One request that the two sides judge differently; what the rows of reasons.py look at."""

    def __init__(self, run, rules, request, theirs, ours):
        self.run, self.rules, self.name, self.request = run, rules, request.name, request.bytes
        self.theirs, self.ours = theirs, ours
        self.test = request.name.split(".")[0]
        self.expected_status, self.is_attack = request.status, request.is_attack
        self.only_theirs, self.only_ours = theirs.ids - ours.ids, ours.ids - theirs.ids
        self.head, _, self.body = request.bytes.partition(b"\r\n\r\n")
        self.target = self.head.split(b"\r\n")[0].decode("latin-1")
        self.is_form = b"x-www-form-urlencoded" in self.head.lower()
        self.text = self.target + self.body.decode("latin-1")
        self.is_multipart = b"multipart/form-data" in self.head.lower()
        self.is_xml = b"text/xml" in self.head
        self.has_lines = b"\n" in unquote_to_bytes(self.target) + unquote_to_bytes(self.body).replace(b"\\n", b"\n")
        self.is_refused = 403 in (theirs.status, ours.status) or 400 in (theirs.status, ours.status)
        self.explained = {}  # thing -> row's name

    @property
    def things(self):
        return [*sorted(self.only_theirs | self.only_ours, key=str)] + ["status"] * (self.theirs.status != self.ours.status)

    def variables(self, thing):
        return (self.theirs if thing in self.only_theirs else self.ours).matches.get(thing, set())

    def rule(self, thing):
        """The text of a rule and of its chain."""
        rule = self.rules.get(number_of(thing))
        return rule.text if rule else ""

    def said(self, thing):
        """What the two sides said where a rule asks what the engine makes of a value: (theirs, ours), None where it did not match."""
        number = number_of(thing)
        return tuple(next((key[1] for key in side.matches if isinstance(key, tuple) and key[0] == number), None)
                     for side in (self.theirs, self.ours))

    def explain(self):
        """What no row takes."""
        for rows in (ROWS, FOLLOWS):
            if rows is FOLLOWS and not self.explained:
                break
            for thing in self.things:
                found = next((name for name, _, holds in rows if thing not in self.explained and holds(self, thing)), None)
                if found:
                    self.explained[thing] = found
        return [thing for thing in self.things if thing not in self.explained]

    def tell(self, things):
        words = []
        if "status" in things:
            words.append(f"theirs answered {self.theirs.status}, ours {self.ours.status}")
        for side, ids in (("theirs", self.only_theirs), ("ours", self.only_ours)):
            told = {i: sorted(self.variables(i)) for i in sorted(ids, key=str) if i in things}
            words += [f"only {side} {told}"] if told else []
        return f"{self.run} {self.name}: " + "; ".join(words)


def included(file):
    """The files that a rules file includes, and itself."""
    patterns = [Path(p) for p in re.findall(r"^Include (\S+)", file.read_text(), re.M)]
    return [file, *(f for p in patterns for f in sorted(p.parent.glob(p.name)))]


def records(log):
    """{client address: {id: {variables}}} of each address's first record."""
    found = {}
    for line in log.read_bytes().decode("utf-8", "replace").splitlines():
        record = json.loads(line, strict=False)["transaction"]
        matches = {}
        for message in record.get("messages", []):
            details = message["details"]
            variable = re.search(r"against variable `([^`]*)'", details["match"])
            number = int(details["ruleId"])
            # rules with this message ask what the engine makes of a value: the answer is a part of the match
            key = (number, " ".join(sorted(details["data"].split()))[:DATA_MOST]) if message["message"] == "data" else number
            matches.setdefault(key, set()).add(variable[1] if variable else details["match"])
        found.setdefault(record["client_ip"], matches)
    return found


def visit_all(port, requests, after_some=lambda sent: None):
    statuses = []
    with ThreadPoolExecutor(4) as pool:
        for first in range(0, len(requests), BATCH):
            some = range(first, min(first + BATCH, len(requests)))
            statuses += pool.map(lambda i: visit(port, requests[i], address_of(i)), some)
            after_some(len(statuses))
    return statuses


def outcomes(statuses, log):
    found = records(log)
    return [Outcome(status, found.get(address_of(i), {})) for i, status in enumerate(statuses)]


def write_rules(folder, cache, engine, body):
    recommended = cache / "libnginx-mod-http-modsecurity/etc/nginx/modsecurity.conf"
    rules, log = folder / "rules.conf", folder / "audit.log"
    rules.write_text(COMMON.format(recommended=recommended, engine=engine, log=log) + body)
    return rules, log


def through_nginx(folder, cache, run, requests, upstream):
    rules, log = write_rules(folder, cache, *run)
    nginx = Nginx(folder, cache, rules, upstream, NGINX_AS_OPEN)
    try:
        statuses = visit_all(nginx.port, requests)
    finally:
        nginx.stop()
    return outcomes(statuses, log)


def wait_for_log(program, sent):
    """Rules that say so much fill the audit log faster than it is written, and what does not fit is dropped."""
    def is_written():
        if program.metric("sidegate_export_dropped_total"):
            raise SystemExit("log lines were dropped: nothing can be judged")
        return (program.metric("sidegate_export_produced_total", destination="access_log") >= sent
                and program.metric("sidegate_export_queue_records") == 0)
    harness.wait_until(is_written, "the logs are written")


def through_program(folder, cache, run, requests, upstream):
    rules, log = write_rules(folder, cache, *run)
    program = harness.Sidegate(folder, upstream, PROGRAM.format(rules=rules))
    try:
        statuses = visit_all(program.port, requests, lambda sent: wait_for_log(program, sent))
    finally:
        program.stop()
    return outcomes(statuses, log)


def runs(cache, data, root):
    """{name: (SecRuleEngine, rules, requests)}"""
    crs3 = cache / "modsecurity-crs"
    crs4 = crs_folder(data, root)
    paranoia = (HERE.parent / "crs" / "setup.conf")
    three = f"Include {crs3}/etc/modsecurity/crs/crs-setup.conf\n{{}}Include {crs3}/usr/share/modsecurity-crs/rules/*.conf\n"
    four = f"Include {crs4}/crs-setup.conf\n{{}}Include {crs4}/rules/*.conf\n"
    level3 = paranoia.read_text().replace("setvar:tx.blocking_paranoia_level=4", "setvar:tx.paranoia_level=4")
    both = regression(data / "tests") + crafted()
    return {
        "crs4-detect": ("DetectionOnly", four.format(paranoia.read_text()), both),
        "crs3-detect": ("DetectionOnly", three.format(level3), both),
        "crs4-on": ("On", four.format(""), both),
        "crs3-on": ("On", three.format(""), both),
        "engine": ("DetectionOnly", engine.rules(), crafted()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(TOP / "build" / "sidegate"))
    parser.add_argument("--data", type=Path, default=harness.DATA / "crs-4")
    parser.add_argument("--only", default="", help="a pattern that names of runs match from the start")
    parser.add_argument("--keep", type=Path, help="leave configurations and logs in this new folder")
    parser.add_argument("--report", type=argparse.FileType("w"), help="write every request that differs, with what and why, into this file")
    args = parser.parse_args()
    if not (args.data / "tests").is_dir():
        print(f"skipped: there is no {args.data / 'tests'} (SIDEGATE_TEST_DATA)\n0 passed, 0 failed, 1 skipped")
        return 0
    harness.PROGRAM = args.program
    cache = unpacked()
    root = args.keep or Path(tempfile.mkdtemp(prefix="differential-"))
    root.mkdir(exist_ok=True)
    backend = harness.Backend(reflect)
    used, total, unexplained = collections.Counter(), 0, 0
    try:
        for name, run in runs(cache, args.data, root).items():
            if re.match(args.only, name):
                count, left = compare(name, run, cache, root, backend.url, used, args.report)
                total, unexplained = total + count, unexplained + left
    finally:
        backend.close()
        if not args.keep:
            shutil.rmtree(root)
    for name, why, _ in [*ROWS, *FOLLOWS]:
        print(f"{used[name]:5d}  {name}{': ' if why else ''}{why}")
    print(f"{total - unexplained} passed, {unexplained} failed")
    return 1 if unexplained else 0


def compare(name, run, cache, root, upstream, used, report):
    """(requests, those whose difference no row explains)"""
    engine, body, requests = run
    sides = []
    for side, through in (("theirs", through_nginx), ("ours", through_program)):
        folder = root / f"{name}-{side}"
        folder.mkdir()
        sides.append(through(folder, cache, (engine, body), requests, upstream))
    rules, left = rules_of(included(root / f"{name}-ours" / "rules.conf")), 0
    differ = [Difference(name, rules, r, a, b) for r, a, b in zip(requests, *sides) if a != b]
    for d in differ:
        things = d.explain()
        used.update(set(d.explained.values()))
        if report:
            reasons = collections.defaultdict(list)
            for thing in d.things:
                reasons[d.explained.get(thing, "unexplained")].append(thing)
            for why, found in reasons.items():
                report.write(f"{why}: {d.tell(found)}\n")
        if things:
            left += 1
            print("unexplained", d.tell(things))
    print(f"{name}: {len(requests)} requests, {len(differ)} differ, {left} of them unexplained", flush=True)
    return len(requests), left


if __name__ == "__main__":
    sys.exit(main())
