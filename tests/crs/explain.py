# SPDX-License-Identifier: Apache-2.0
"""`sidegate explain` against the running program: for every test of some families of the CRS's regression tests, the ids that
the offline walk logs, its score and its verdict are those of the access log's line for the same bytes. Both modes are tried:
`detection_only`, where every rule runs, and `on`, where one of them decides."""
import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "stories"))
sys.path.insert(0, str(HERE))
import harness  # noqa: E402
import runner  # noqa: E402
from corpus import read  # noqa: E402

SAME = ("action", "mode", "score", "rules")


def logged(folder):
    """{address: the access log's first line}."""
    first = {}
    for line in (folder / "access.log").read_text("utf-8", "replace").splitlines():
        entry = json.loads(line)
        first.setdefault(entry["client_address"], entry)
    return first


def explained(folder, stages):
    """explain's documents, in the stages' order."""
    files = []
    for i, stage in enumerate(stages):
        files.append(folder / f"{i}.http")
        files[-1].write_bytes(stage.request)
    done = subprocess.run([harness.PROGRAM, "explain", "--json", "-c", str(folder / "sidegate.yaml"), *map(str, files)],
                          capture_output=True, timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"explain ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [d["file"] for d in documents] == [str(f) for f in files]
    return documents


def difference(entry, document):
    """What the two do not agree about; empty where they do."""
    if entry is None:
        return [] if document["status"] == 0 else ["nothing in the access log"]
    ran, said = entry["waf"], document["waf"]
    if said is None:
        return [] if ran["rules"] == [] and entry["error"] == document["error"] else [f"no rules, the program: {ran}"]
    why = [f"{key}: explain {said[key]}, the program {ran[key]}" for key in SAME if said[key] != ran[key]]
    if ran["action"] == "block" and entry["status"] != document["status"]:
        why.append(f"status: explain {document['status']}, the program {entry['status']}")
    return why


def compare(tests, data, mode, clients):
    """{test name: [difference]} of those that differ."""
    folder = Path(tempfile.mkdtemp(prefix="explain-"))
    config, runner.CONFIG = runner.CONFIG, runner.CONFIG.replace("mode: detection_only", f"mode: {mode}")
    try:
        runner.send_all(tests, data, folder, clients)
        entries = logged(folder)
        stages = [(test, stage) for test in tests for stage in test.stages]
        differing = {}
        for i, document in enumerate(explained(folder, [stage for _, stage in stages])):
            why = difference(entries.get(runner.address_of(i)), document)
            if why:
                differing.setdefault(stages[i][0].name, []).extend(why)
        return differing
    finally:
        runner.CONFIG = config
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=harness.DATA / "crs-4", help="rules, tests, crs-setup.conf.example")
    parser.add_argument("--only", default="94[12]", help="a pattern that test names match from the start")
    parser.add_argument("--clients", type=int, default=4)
    args = parser.parse_args()
    if not (args.data / "tests").is_dir():
        print(f"skipped: there is no {args.data / 'tests'} (SIDEGATE_TEST_DATA)\n0 passed, 0 failed, 1 skipped")
        return 0
    tests = [t for t in read(args.data / "tests") if re.match(args.only, t.name)]
    failed = 0
    for mode in ("detection_only", "on"):
        began = time.monotonic()
        differing = compare(tests, args.data, mode, args.clients)
        for name, why in differing.items():
            print(f"differs {name} ({mode}): " + "; ".join(why))
        print(f"{mode}: {len(tests) - len(differing)} of {len(tests)} tests agree, in {time.monotonic() - began:.0f} s")
        failed += len(differing)
    print(f"{2 * len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
