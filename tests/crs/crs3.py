# SPDX-License-Identifier: Apache-2.0
"""CRS 3.3.4, modsecurity.conf-recommended and unicode.mapping as Debian ships them: they load unchanged, paranoia 1 to 4 run, and
of the tests of CRS 4's attack families whose rule both sets have, 3.3.4 refuses what CRS 4 refuses, as far as its rules' text lets
it. See README.md."""
import argparse
import collections
import concurrent.futures
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("stories", "crs", "differential")]
import harness  # noqa: E402
import runner  # noqa: E402
from corpus import read  # noqa: E402
from nginx import NGINX_AS_OPEN, PACKAGES, Nginx, unpacked  # noqa: E402
from rule_text import rules_of  # noqa: E402

FILES = ("modsecurity-crs", "libapache2-mod-security2", "libnginx-mod-http-modsecurity")
RECOMMENDED = {  # beside unicode.mapping, which they name
    "v2": "libapache2-mod-security2/etc/modsecurity/modsecurity.conf-recommended",
    "v3": "libnginx-mod-http-modsecurity/etc/nginx/modsecurity.conf",
}
CHECKED = """version: 1
listeners: [{{ name: public, address: "127.0.0.1:1" }}]
upstreams: {{ app: {{ targets: ["http://127.0.0.1:1"] }} }}
rules: {{ before: [{recommended}], crs: {{ folder: {crs} }} }}
"""
CONFIG = """
rules:
  mode: "on"
  before: [{recommended}]
  crs: {{ folder: {crs}, paranoia: {level}, detection_paranoia: {level} }}
  log: {{ path: {rule_log} }}
  request_body: {{ inspect: 1MiB, over_limit: prefix }}
  cpu_budget: 0
limits: {{ both_lengths: reframe, doubtful_paths: pass, underscore_names: pass, url: 16KiB }}
timeouts: {{ drain_delay: 0, body_idle: 1s, request_header: 1s }}
audit_log: {{ path: off }}
"""
FAMILIES = "9(3[0-9]|4[0-4])"  # the attacks
SHARE = 0.95  # of what CRS 4 refuses and the text of 3.3.4 does not leave out
FLOOR = {1: 1550, 2: 1915, 3: 2275, 4: 2390}  # so many tests that CRS 4 refuses are refused by 3.3.4, by paranoia level


def debians_crs(cache, folder):
    """The package's own files, under the names that rules.crs.folder looks for."""
    (folder / "crs3").mkdir(parents=True)
    package = cache / "modsecurity-crs"
    (folder / "crs3" / "rules").symlink_to(package / "usr/share/modsecurity-crs/rules")
    (folder / "crs3" / "crs-setup.conf").symlink_to(package / "etc/modsecurity/crs/crs-setup.conf")
    return folder / "crs3"


def check_loads(cache, crs, root):
    """How many of the recommended configurations do not load with the rules."""
    failed = 0
    for version, file in RECOMMENDED.items():
        config = root / f"check-{version}.yaml"
        config.write_text(CHECKED.format(recommended=cache / file, crs=crs))
        done = subprocess.run([harness.PROGRAM, "check", "-c", str(config)], capture_output=True, text=True, timeout=60)
        said = (done.stdout + done.stderr).strip()
        print(f"modsecurity.conf-recommended of ModSecurity {version[1]}, unicode.mapping, CRS 3.3.4: {said.splitlines()[-1]}")
        if done.returncode != 0:
            failed += 1
            print(said)
    return failed


# ---- one set at one level ----

def visit_all(tests, folder, config, clients):
    """{test name: (refused by a rule, {id: {variables}})}"""
    runner.send(tests, folder, config, clients)
    entries = {}
    for line in (folder / "access.log").read_text("utf-8", "replace").splitlines():
        entry = json.loads(line)
        entries.setdefault(entry["client_address"], entry["waf"])
    lines = runner.read_logs(folder)
    result, number = {}, 0
    for test in tests:
        blocked, matches = False, collections.defaultdict(set)
        for _ in test.stages:
            address, number = runner.address_of(number), number + 1
            blocked |= (entries.get(address) or {}).get("action") == "block"
            for line in lines.get(address, []):
                variable = re.search(r"against variable `([^`]*)'", line)
                matches[int(runner.ID.search(line)[1])].add(variable[1] if variable else "")
        result[test.name] = (blocked, matches)
    return result


def beside(tests, folder, cache, level, clients):
    """{names of those tests that nginx with libmodsecurity refuses with the same rules}"""
    crs, recommended = cache / "modsecurity-crs", cache / RECOMMENDED["v3"]
    rules = folder / "rules.conf"
    rules.write_text(f"Include {recommended}\nSecRuleEngine On\nSecPcreMatchLimit 500000\nSecAuditEngine Off\n"
                     f"Include {crs}/etc/modsecurity/crs/crs-setup.conf\n"
                     f'SecAction "id:9990000,phase:1,pass,nolog,setvar:tx.paranoia_level={level}"\n'
                     f"Include {crs}/usr/share/modsecurity-crs/rules/*.conf\n")
    backend = harness.Backend(runner.reflect)
    nginx = Nginx(folder, cache, rules, backend.url, NGINX_AS_OPEN)
    try:
        stages = [(test, stage) for test in tests for stage in test.stages]
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            statuses = pool.map(lambda i: runner.visit(nginx.port, stages[i][1], runner.address_of(i)), range(len(stages)))
            return {stages[i][0].name for i, status in enumerate(statuses) if status in (400, 403)}
    finally:
        nginx.stop()
        backend.close()


# ---- both ----

def difference(number, variables, four, three, level):
    """Why rule `number`, which matched these variables in CRS 4, does not match in CRS 3.3.4 as far as its text says; empty: no reason."""
    if number not in three:
        return "no such rule"
    a, b = four[number], three[number]
    if b.level > level:
        return f"at paranoia {b.level}"
    variables = {re.sub(r"^(MATCHED_VARS:)+", "", v) for v in variables}  # of a chain's later links
    if not any(b.reads(v) or v.startswith("MATCHED_VAR") for v in variables):
        return "does not read " + " or ".join(sorted({v.split(":")[0] if v != "XML://@*" else v for v in variables}))
    if a.operators != b.operators:
        return "another pattern" if not any("@pmFromFile" in str(o) for o in b.operators) else "other phrases"
    return "other transformations" if a.transformations != b.transformations else ""


class Comparison:
    """Both sets at one paranoia level, over the same tests."""

    def __init__(self, level, tests, four, three, texts):
        self.level, self.tests = level, tests
        self.blocked = [t for t in tests if four[t.name][0]]
        self.lost = {t.name: self.reasons(four[t.name][1], three[t.name][1], texts) for t in self.blocked if not three[t.name][0]}
        self.unexplained = sorted(name for name, why in self.lost.items() if "" in why.values())

    def reasons(self, four, three, texts):
        """{rule that scored in CRS 4 alone: why not in 3.3.4}"""
        scoring = {n: v for n, v in four.items() if re.match("9[1-4]", str(n)) and n // 1000 != 949 and n not in three}
        return {n: difference(n, v, *texts, self.level) for n, v in scoring.items()}

    def tell(self, theirs):
        kept, own = len(self.blocked) - len(self.lost), len(self.lost) - len(self.unexplained)
        allowed = len(self.blocked) - own
        self.is_good = kept / max(1, allowed) >= SHARE and kept >= FLOOR[self.level]
        print(f"paranoia {self.level}: of {len(self.tests)} tests CRS 4 refuses {len(self.blocked)}, and of these CRS 3.3.4 {kept}, {kept / len(self.blocked):.1%}; "
              f"{own} the text of its rules leaves out: {kept} of {allowed} others, {kept / max(1, allowed):.1%}; the floor is {FLOOR[self.level]}")
        if theirs is not None:
            known = {t.name for t in self.blocked}
            print(f"    libmodsecurity with the same files refuses {len(known & theirs)}; of those that are not refused here it refuses "
                  f"{len(theirs & set(self.lost))}: {' '.join(sorted(theirs & set(self.lost)))}")
        for name in self.unexplained:
            print(f"    {name}: nothing in the text of {', '.join(str(n) for n, why in self.lost[name].items() if not why)} says why it is not refused")

    def tell_rules(self):
        """Rule by rule, for the tests of which rule what is missing."""
        table = collections.defaultdict(collections.Counter)
        for name, why in self.lost.items():
            number = int(name.split("-")[0])
            table[number][why.get(number, "the same in both; other rules score in CRS 4")] += 1
        for number, reasons in sorted(table.items()):
            print(f"    {number}: " + ", ".join(f"{count} {why or 'unexplained'}" for why, count in reasons.most_common()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=harness.DATA / "crs-4", help="rules, tests, crs-setup.conf.example")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rules", action="store_true", help="show rule by rule what CRS 3.3.4 does not refuse, and why")
    parser.add_argument("--beside", action="store_true", help="the same through Debian's nginx with libmodsecurity")
    parser.add_argument("--keep", type=Path, help="leave configurations and logs in this new folder")
    args = parser.parse_args()
    if not (args.data / "tests").is_dir():
        print(f"skipped: there is no {args.data / 'tests'} (SIDEGATE_TEST_DATA)\n0 passed, 0 failed, 1 skipped")
        return 0
    cache = unpacked((*PACKAGES, "libapache2-mod-security2") if args.beside else FILES)
    root = args.keep or Path(tempfile.mkdtemp(prefix="crs3-"))
    root.mkdir(exist_ok=True)
    began = time.monotonic()
    try:
        passed, failed = compare(args, cache, root)
    finally:
        if not args.keep:
            shutil.rmtree(root)
    print(f"in {time.monotonic() - began:.0f} s\n{passed} passed, {failed} failed")
    return 1 if failed else 0


def compare(args, cache, root):
    """(passed, failed): two files that load, and four levels."""
    crs3, crs4 = debians_crs(cache, root), runner.crs_folder(args.data, root)
    failed = check_loads(cache, crs3, root)
    texts = [rules_of((crs / "rules").glob("*.conf")) for crs in (crs4, crs3)]
    tests = [t for t in read(args.data / "tests") if re.match(FAMILIES, t.name) and t.kind == "positive"
             and int(t.name.split("-")[0]) in texts[0].keys() & texts[1].keys()]
    for level in FLOOR:
        results = []
        for name, crs in (("crs4", crs4), ("crs3", crs3)):
            folder = root / f"{name}-{level}"
            folder.mkdir()
            config = CONFIG.format(recommended=cache / RECOMMENDED["v3"], crs=crs, level=level, rule_log=folder / "rules.log")
            results.append(visit_all(tests, folder, config, args.clients))
        theirs = None
        if args.beside:
            (root / f"beside-{level}").mkdir()
            theirs = beside(tests, root / f"beside-{level}", cache, level, args.clients)
        comparison = Comparison(level, tests, *results, texts)
        comparison.tell(theirs)
        if args.rules:
            comparison.tell_rules()
        failed += not comparison.is_good
    return len(RECOMMENDED) + len(FLOOR) - failed, failed


if __name__ == "__main__":
    sys.exit(main())
