# SPDX-License-Identifier: Apache-2.0
"""The OWASP CRS's regression tests against the running program.

Each stage is sent from a loopback address of its own, so that its request can be told in the logs whatever becomes of it and
without one byte more in the request. The access log's first line for that address names the request; the rule log's lines with
that id are what the stage is judged by. They are read after the program has ended in order: nothing is late, so `retry_once`
has nothing to do.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "stories"))
sys.path.insert(0, str(HERE))
import harness  # noqa: E402
from backend import reflect  # noqa: E402
from corpus import read  # noqa: E402

CONFIG = """
rules:
  mode: detection_only
  crs: {{ folder: {crs} }}
  before: [{setup}]
  log: {{ path: {rule_log} }}
  request_body: {{ inspect: 1MiB, over_limit: prefix }}
  response_body: {{ inspect: 512KiB, types: [text/html, text/plain, text/xml, application/json, application/octet-stream] }}
  cpu_budget: 0
limits: {{ both_lengths: reframe, doubtful_paths: pass, underscore_names: pass, url: 16KiB }}
timeouts: {{ drain_delay: 0, body_idle: 1s, request_header: 1s }}
"""
ID = re.compile(r'\[id "(\d+)"\]')
CLIENT = re.compile(r"\[client ([0-9.]+)\]")
UNIQUE = re.compile(r'\[unique_id "([^"]+)"\]')
KINDS = ("positive", "negative", "answer")


class Visitor(harness.Client):
    """A client at an address of its own."""

    def __init__(self, port, address):
        sock = socket.create_connection(("127.0.0.1", port), 10, source_address=(address, 0))
        harness.Wire.__init__(self, sock, 10)


def address_of(number):
    """127.1.0.1, 127.1.0.2...: one for each stage."""
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


def visit(port, stage, address):
    """The status that came back; 0 where no answer came."""
    visitor = Visitor(port, address)
    try:
        try:
            visitor.send(stage.request)
        except OSError:
            pass  # refused before all was sent; the answer may be there
        while True:
            answer = visitor.answer(stage.method)
            if answer.status >= 200:
                return answer.status
    except (harness.Broken, OSError, ValueError, IndexError):
        return 0
    finally:
        visitor.close()


def crs_folder(data, folder):
    """The rule files under the names that an installed rule set has."""
    shutil.copytree(data / "rules", folder / "crs" / "rules")
    shutil.copy(data / "crs-setup.conf.example", folder / "crs" / "crs-setup.conf")
    return folder / "crs"


def send_all(tests, data, folder, clients):
    """Sends every stage to the program with the CRS beside the tests; {address: status}."""
    return send(tests, folder, CONFIG.format(crs=crs_folder(data, folder), setup=HERE / "setup.conf", rule_log=folder / "rules.log"), clients)


def send(tests, folder, config, clients):
    """Sends every stage to the program with this configuration; {address: status}."""
    backend = harness.Backend(reflect)
    program = harness.Sidegate(folder, backend.url, config)
    try:
        stages = [stage for test in tests for stage in test.stages]
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            statuses = pool.map(lambda i: visit(program.port, stages[i], address_of(i)), range(len(stages)))
            result = {address_of(i): status for i, status in enumerate(statuses)}
        dropped = program.metric("sidegate_export_dropped_total")
        if dropped:
            raise SystemExit(f"{dropped:.0f} log lines were dropped: nothing can be judged")
    finally:
        program.stop()
        backend.close()
    return result


def read_logs(folder):
    """{address: [rule log line]}, of each address's first request."""
    first, lines = {}, collections.defaultdict(list)
    for line in (folder / "access.log").read_text("utf-8", "replace").splitlines():
        entry = json.loads(line)
        first.setdefault(entry["client_address"], entry["request_id"])
    for line in (folder / "rules.log").read_text("utf-8", "replace").splitlines():
        client, unique = CLIENT.search(line), UNIQUE.findall(line)
        if client and unique and first.get(client[1]) == unique[-1]:
            lines[client[1]].append(line)
    return lines


def judge(stage, status, lines):
    """Why the stage fails; empty where it passes."""
    if stage.expect_error:
        return [] if status == 0 else [f"answered {status}, expected no answer"]
    if status == 0:
        return ["no answer"]
    why = []
    ids = {int(i) for line in lines for i in ID.findall(line)}
    if stage.status and status != stage.status:
        why.append(f"status {status}, expected {stage.status}")
    if stage.expect_ids - ids:
        why.append(f"missing {sorted(stage.expect_ids - ids)}")
    if stage.no_expect_ids & ids:
        why.append(f"unwanted {sorted(stage.no_expect_ids & ids)}")
    if stage.match_regex and not any(re.search(stage.match_regex, line) for line in lines):
        why.append(f"no line matches {stage.match_regex}")
    if stage.no_match_regex and any(re.search(stage.no_match_regex, line) for line in lines):
        why.append(f"a line matches {stage.no_match_regex}: {sorted(ids)}")
    return why


def judge_all(tests, statuses, lines):
    """{test name: [why]} of those that fail."""
    failed, number = {}, 0
    for test in tests:
        for stage in test.stages:
            address = address_of(number)
            number += 1
            why = judge(stage, statuses[address], lines.get(address, []))
            if why:
                failed.setdefault(test.name, []).append((stage, statuses[address], lines.get(address, []), why))
    return failed


def tell_table(tests, failed):
    count = collections.Counter()
    for test in tests:
        outcome = "failed" if test.name in failed else "passed"
        for family in (test.family, "all"):
            count[family, test.kind, outcome] += 1
            count[family, "every", outcome] += 1
    print(f"{'family':8}{'passed':>8}{'failed':>8}" + "".join(f"{kind + ' +':>13}{kind + ' -':>13}" for kind in KINDS))
    for family in sorted({t.family for t in tests}) + ["all"]:
        cells = "".join(f"{count[family, k, 'passed']:13}{count[family, k, 'failed']:13}" for k in KINDS)
        print(f"{family:8}{count[family, 'every', 'passed']:8}{count[family, 'every', 'failed']:8}{cells}")
    return count


def tell_failures(failed, verbose):
    for name, stages in failed.items():
        print(f"failed {name}: " + "; ".join(w for _, _, _, why in stages for w in why))
        for stage, status, lines, _ in stages if verbose else ():
            print(f"    sent {stage.request[:2000]!r}\n    status {status}")
            for line in lines:
                print(f"    {line[:400]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=harness.DATA / "crs-4", help="rules, tests, crs-setup.conf.example")
    parser.add_argument("--only", default="", help="a pattern that test names match from the start: 942, '920100-4$'")
    parser.add_argument("--verbose", action="store_true", help="show what failing tests sent and what was logged")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--floor", type=int, default=int((HERE / "floor").read_text()), help="so many .yaml tests pass")
    parser.add_argument("--keep", type=Path, help="leave configuration and logs in this new folder")
    args = parser.parse_args()
    if not (args.data / "tests").is_dir():
        print(f"skipped: there is no {args.data / 'tests'} (SIDEGATE_TEST_DATA)\n0 passed, 0 failed, 1 skipped")
        return 0
    tests = [t for t in read(args.data / "tests") if re.match(args.only, t.name)]
    if args.keep and args.keep.exists():
        parser.error(f"{args.keep} exists already")
    folder = args.keep or Path(tempfile.mkdtemp(prefix="crs-"))
    folder.mkdir(exist_ok=True)
    began = time.monotonic()
    try:
        statuses = send_all(tests, args.data, folder, args.clients)
        failed = judge_all(tests, statuses, read_logs(folder))
    finally:
        if not args.keep:
            shutil.rmtree(folder)
    return tell(tests, failed, args, time.monotonic() - began)


def tell_special(tests, failed):
    """Tests of two kinds that are easily left out, counted by name."""
    kinds = (("look at the text of log lines", lambda s: s.match_regex or s.no_match_regex),
             ("may be sent once more (retry_once), but were not", lambda s: s.retry_once))
    for what, is_so in kinds:
        names = [t.name for t in tests if any(map(is_so, t.stages))]
        if names:
            print(f"{sum(n not in failed for n in names)} of {len(names)} tests pass that {what}: {' '.join(names)}")


def tell(tests, failed, args, seconds):
    tell_failures(failed, args.verbose)
    count = tell_table(tests, failed)
    tell_special(tests, failed)
    yaml_tests = [t for t in tests if t.file.suffix == ".yaml"]
    passed = sum(t.name not in failed for t in yaml_tests)
    print(f"{passed} of {len(yaml_tests)} tests in .yaml pass, {count['all', 'every', 'passed']} of {len(tests)} in all, "
          f"in {seconds:.0f} s; those that fail are listed above")
    floor = 0 if args.only else args.floor
    if passed < floor:
        print(f"the floor is {floor} (tests/crs/floor)")
    print(f"{count['all', 'every', 'passed']} passed, {max(0, floor - passed)} failed by the floor of {floor}")
    return 1 if passed < floor else 0


if __name__ == "__main__":
    sys.exit(main())
