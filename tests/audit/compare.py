#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The audit log of 50 transactions, field by field, beside that of libmodsecurity in nginx. See README.md."""
import argparse
import collections
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / name) for name in ("stories", "audit", "differential")]
from exceptions import EXCEPTIONS, masks  # noqa: E402
from harness import Backend, Broken, Client, free_port, read_request, wait_until  # noqa: E402
from nginx import Nginx, listens, unpacked  # noqa: E402
from transactions import ANSWERS, transactions  # noqa: E402

Pair = collections.namedtuple("Pair", "theirs ours")

DIRECTIVES = """SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess On
SecResponseBodyMimeType text/html application/json text/plain
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecAuditEngine RelevantOnly
SecAuditLogRelevantStatus "^(?:5|4(?!04))"
SecAuditLogParts ABCEFHIJKZ
SecAuditLogType Serial
SecAuditLogFormat {format}
SecAuditLog {log}
"""


def answer(wire):
    """The backend: /STATUS/KIND."""
    while True:
        line, _, _ = read_request(wire)
        _, status, kind = re.split("[/?]", line.split()[1])[:3]
        media, body = ANSWERS.get(kind, ANSWERS["html"])
        more = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n" if kind == "cookies" else ""
        wire.send(f"HTTP/1.1 {status} X\r\nContent-Type: {media}\r\n{more}X-App: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def write_rules(folder, cache, name, form):
    log = folder / f"{name}-{form.lower()}.log"
    crs = cache / "modsecurity-crs"
    own = folder / f"{name}-{form.lower()}.conf"
    own.write_text(DIRECTIVES.format(format=form, log=log) + f"Include {crs}/etc/modsecurity/crs/crs-setup.conf\n"
                   f"Include {crs}/usr/share/modsecurity-crs/rules/*.conf\n")
    return own, log


def start_program(folder, program, rules, upstream):
    port, status, admin = free_port(), free_port(), free_port()
    (folder / "sidegate.yaml").write_text(
        f'version: 1\nprocess: {{ threads: 1 }}\nlisteners: [{{ name: public, address: "127.0.0.1:{port}" }}]\n'
        f"status: {{ address: 127.0.0.1:{status} }}\nadmin: {{ address: 127.0.0.1:{admin} }}\naccess_log: {{ path: off }}\n"
        f'upstreams: {{ app: {{ targets: ["{upstream}"] }} }}\nrules: {{ files: [{rules}], cpu_budget: 0 }}\n'
        f"timeouts: {{ drain_delay: 0 }}\n")
    said = open(folder / "sidegate.said", "wb")
    return port, subprocess.Popen([program, "run", "-c", str(folder / "sidegate.yaml")], stdout=said, stderr=said)


def start(name, folder, cache, rules, upstream, program):
    """(port, process)"""
    if name == "ours":
        return start_program(folder, program, rules, upstream)
    nginx = Nginx(folder, cache, rules, upstream)
    return nginx.port, nginx.process


def send_all(port, process):
    wait_until(lambda: listens(port, process), "the server listens", 60)
    for i, (_, method, target, fields, body) in enumerate(transactions()):
        client = Client(port)
        try:
            client.ask(method, target, [*fields, ("X-Case", str(i))], body)
        except Broken:
            pass  # nginx cuts the connection where an answer's body is refused
        client.close()
    process.terminate()
    process.wait(30)


# ---- reading ----

def flat(value, path=""):
    """{path: value}; names of fields in lower case."""
    if isinstance(value, dict):
        lower = path.endswith("headers")
        pieces = [(k.lower() if lower else k, v) for k, v in value.items()]
    elif isinstance(value, list) and not path.startswith("response.headers."):
        pieces = [(str(i), v) for i, v in enumerate(value)]
    else:
        return {path: value}
    found = {}
    for key, inner in pieces:
        found.update(flat(inner, f"{path}.{key}" if path else key))
    return found


def read_json(log):
    records = {}
    for line in log.read_text().splitlines():
        record = json.loads(line)["transaction"]
        records.setdefault(int(record["request"]["headers"]["X-Case"]), []).append(record)
    return records


def read_native(log):
    """The sections of each record; of H the rules that spoke, in order."""
    records = {}
    for text in re.split(rb"(?m)^---\w{8}---A--\n", log.read_bytes())[1:]:
        pieces = re.split(rb"(?m)^---\w{8}---([A-Z])--\n", text)
        parts = {"A": pieces[0], **{letter.decode(): body for letter, body in zip(pieces[1::2], pieces[2::2])}}
        parts = {letter: body.decode("latin-1").strip("\n") for letter, body in parts.items()}
        case = re.search(r"X-Case: (\d+)", parts["B"])
        _, _, client, _, server, _ = re.sub(r"^\[.*?\]", "[]", parts["A"]).split()
        records.setdefault(int(case.group(1)), []).append({
            "client": client, "server": server, "B": parts["B"], "C": parts.get("C"), "E": parts.get("E", ""),
            "F": parts["F"].splitlines()[0], "H": list(dict.fromkeys(re.findall(r'\[id "(\d+)"\]', parts["H"]))), "parts": sorted(parts)})
    return records


# ---- comparing ----

APART = ("time_stamp", "unique_id", "server_id", "client_port", "host_port")


def once(messages, ours, used):
    """libmodsecurity has a message for each variable that a rule matched; ours has one for each rule. The one that ours chose."""
    variables = {m["details"]["ruleId"]: re.findall("against variable `([^`]*)'", m["details"]["match"]) for m in ours}
    kept = {}
    for message in messages:
        rule = message["details"]["ruleId"]
        chosen = re.findall("against variable `([^`]*)'", message["details"]["match"]) == variables.get(rule)
        used["one message"] += rule in kept
        if rule not in kept or chosen:
            kept[rule] = message
    return list(kept.values())


def differences(theirs, ours, used):
    """What no exception covers, as sentences."""
    theirs = {**theirs, "messages": once(theirs["messages"], ours["messages"], used)}
    a, b = flat(theirs), flat(ours)
    found = []
    for path in sorted({*a, *b} - {*APART}):
        if a.get(path) == b.get(path):
            continue
        pair = Pair(theirs, ours)
        name = next((n for n, _, holds in EXCEPTIONS if holds(path, a.get(path), b.get(path), pair)), None)
        if name:
            used[name] += 1
        else:
            found.append(f"{path}: theirs {a.get(path)!r:.300}, ours {b.get(path)!r:.300}")
    return found


def in_order(head):
    """nginx hands some fields on before others: the order is not libmodsecurity's, so it is taken away on both sides."""
    line, *fields = head.splitlines()
    return [line, *sorted(fields)]


def native_differences(theirs, ours, _):
    refused = ours["F"].endswith(" 403")
    skipped = {"E"} if refused else set()
    theirs, ours = ({**record, "B": in_order(record["B"])} for record in (theirs, ours))
    found = [f"{key}: theirs {theirs[key]!r:.300}, ours {ours[key]!r:.300}" for key in theirs
             if key not in skipped | {"parts", "C"} and theirs[key] != ours[key] and not masks(theirs[key], ours[key])]
    if (theirs["C"] or "") != (ours["C"] or ""):
        found.append(f"C: theirs {theirs['C']!r:.300}, ours {ours['C']!r:.300}")
    missing = set("ABEFHIJKZ") - set(ours["parts"])
    return found + ([f"parts {missing} are missing"] if missing else [])


def compare(form, logs, used):
    read, differ = (read_json, differences) if form == "JSON" else (read_native, native_differences)
    theirs, ours = (read(log) for log in logs)
    passed, failed = 0, 0
    for i, (name, *_) in enumerate(transactions()):
        a, b = theirs.get(i, []), ours.get(i, [])
        if len(a) != len(b):
            found = [f"theirs has {len(a)} records, ours {len(b)}"]
        else:
            found = [line for x, y in zip(a, b) for line in differ(x, y, used)]
        passed, failed = passed + (not found), failed + bool(found)
        if found:
            print(f"FAIL  {form} {name}", *found, sep="\n      ")
    return passed, failed


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--program", default=str(TOP / "build" / "sidegate"))
    options.add_argument("--keep", help="a folder for logs and configurations")
    given = options.parse_args()
    cache = unpacked()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(given.keep or temporary).resolve()
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.log"):
            old.unlink()
        backend = Backend(answer)
        passed = failed = 0
        used = collections.Counter()
        for form in ("JSON", "Native"):
            logs = []
            for name in ("theirs", "ours"):
                rules, log = write_rules(folder, cache, name, form)
                send_all(*start(name, folder, cache, rules, backend.url, given.program))
                logs.append(log)
            good, bad = compare(form, logs, used)
            passed, failed = passed + good, failed + bad
        backend.close()
    for name, reason, _ in [*EXCEPTIONS, ("one message", "libmodsecurity has one for each variable that a rule matched", None)]:
        print(f"{used[name]:5d} fields differ: {name}: {reason}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
