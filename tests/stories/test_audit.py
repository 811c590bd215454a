# SPDX-License-Identifier: Apache-2.0
"""The audit log: what is in it, which transactions, where it goes, and who has the last word about that."""
import hashlib
import json
import signal
from pathlib import Path

import pytest

from harness import read_request, wait_until

RULES = """
SecRule ARGS "@contains attack" "id:1001,phase:2,deny,status:403,log,auditlog,msg:'An attack',logdata:'%{MATCHED_VAR}'"
SecRule ARGS "@contains quiet" "id:1002,phase:2,pass,log,noauditlog,msg:'Not for the audit log'"
SecRule ARGS "@contains never" "id:1003,phase:1,pass,nolog,ctl:auditEngine=Off"
SecRule ARGS "@contains always" "id:1004,phase:1,pass,nolog,ctl:auditEngine=On"
SecRule ARGS "@contains little" "id:1005,phase:1,pass,nolog,ctl:auditLogParts=-BFH"
SecRule RESPONSE_BODY "@contains leak" "id:1006,phase:4,deny,status:403,log,auditlog"
"""


def config(tmp_path, audit, more=""):
    (tmp_path / "own.conf").write_text(RULES + more)
    return f"rules: {{ files: [{tmp_path}/own.conf], response_body: {{ inspect: 64KiB }} }}\n{audit}"


def records(path, count):
    wait_until(lambda: Path(path).exists() and Path(path).read_bytes().count(b"\n") >= count, f"{count} records")
    return [json.loads(line)["transaction"] for line in Path(path).read_text().splitlines()]


def statuses(wire):
    """A backend that answers with the status that the path asks for."""
    while True:
        line, _, _ = read_request(wire)
        status = line.split()[1].strip("/").split("?")[0] or "200"
        wire.send(f"HTTP/1.1 {status} X\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                  "Content-Length: 9\r\n\r\n<p>hi</p>")


def test_a_blocked_request_is_audited_and_an_honest_one_is_not(sidegate, backend, tmp_path):
    s = sidegate(backend(statuses).url, config=config(
        tmp_path, f"audit_log: {{ path: {tmp_path}/audit.ndjson, parts: ABCEFHIJKZ }}"))
    assert s.ask(target="/200?q=honest").status == 200
    assert s.ask(target="/200?q=quiet").status == 200
    answer = s.ask("POST", "/200?q=attack", [("Content-Type", "application/x-www-form-urlencoded")], b"a=1&b=2")
    assert answer.status == 403
    only = records(tmp_path / "audit.ndjson", 1)
    assert len(only) == 1
    record = only[0]
    assert record["unique_id"] == answer["x-request-id"] and record["client_ip"] == "127.0.0.1"
    assert record["request"]["uri"] == "/200?q=attack" and record["request"]["body"] == "a=1&b=2"
    assert record["request"]["headers"]["Host"] == "test.example"
    assert record["response"]["http_code"] == 403 and record["response"]["body"] == answer.body.decode()
    assert [m["details"]["ruleId"] for m in record["messages"]] == ["1001"]
    assert record["messages"][0]["message"] == "An attack" and record["messages"][0]["details"]["data"] == "attack"
    assert [m["ruleId"] for m in record["matched_rules"]] == ["1001"]


def test_what_is_for_the_audit_log_alone_is_in_no_other_log(sidegate, backend, tmp_path):
    s = sidegate(backend(statuses).url, config=config(
        tmp_path, f"audit_log: {{ path: {tmp_path}/audit.ndjson }}",
        'SecRule ARGS "@contains apart" "id:1007,phase:1,pass,nolog,auditlog,msg:\'Apart\'"\n'))
    assert s.ask(target="/200?q=apart").status == 200
    only = records(tmp_path / "audit.ndjson", 1)
    assert [m["message"] for m in only[0]["messages"]] == ["Apart"]
    assert s.lines(1)[0]["waf"]["rules"] == []


def test_a_relevant_status_makes_a_transaction_relevant(sidegate, backend, tmp_path):
    s = sidegate(backend(statuses).url, config=config(
        tmp_path, f'audit_log: {{ path: {tmp_path}/a, relevant_status: "^(?:5|4(?!04))", parts: ABEFZ }}'))
    for status in (200, 404, 410, 500):
        assert s.ask(target=f"/{status}").status == status
    got = records(tmp_path / "a", 2)
    assert [r["response"]["http_code"] for r in got] == [410, 500]
    assert got[0]["response"]["body"] == "<p>hi</p>"
    assert got[0]["response"]["headers"]["Set-Cookie"] == ["a=REDACTED", "b=REDACTED"]


def test_rules_turn_the_audit_of_one_transaction_on_off_and_down(sidegate, backend, tmp_path):
    s = sidegate(backend(statuses).url, config=config(tmp_path, f"audit_log: {{ path: {tmp_path}/a, parts: ABFHZ }}"))
    s.ask(target="/200?q=never&r=attack")
    s.ask(target="/200?q=always")
    s.ask(target="/200?q=little&r=attack")
    always, little = records(tmp_path / "a", 2)
    assert always["request"]["uri"] == "/200?q=always" and "headers" in always["request"]
    assert "headers" not in little["request"] and "messages" not in little


def test_a_file_of_its_own_for_each_transaction_and_an_index(sidegate, backend, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    s = sidegate(backend(statuses).url, config=config(
        tmp_path, f"audit_log: {{ path: {tmp_path}/index, when: always, type: concurrent, storage_dir: {store}, format: native }}"))
    ids = [s.ask(target=f"/200?n={i}")["x-request-id"] for i in range(3)]
    wait_until(lambda: (tmp_path / "index").read_bytes().count(b"\n") == 3, "three lines")
    lines = (tmp_path / "index").read_text().splitlines()
    for line, unique in zip(lines, ids):
        name, start, size, digest = line.split()[-4:]
        content = Path(name).read_bytes()
        assert f" {unique} - " in line and name.endswith(unique) and Path(name).is_relative_to(store)
        assert int(size) == len(content) and start == "0" and digest == "md5:" + hashlib.md5(content).hexdigest()
        assert content.startswith(b"---") and b"---A--\n[" in content and content.endswith(b"---Z--\n\n")


def test_seclang_alone_makes_a_native_log(sidegate, backend, tmp_path):
    s = sidegate(backend(statuses).url, config=config(
        tmp_path, "", f"SecAuditEngine RelevantOnly\nSecAuditLog {tmp_path}/modsec_audit.log\nSecAuditLogParts ABHZ\n"))
    s.ask(target="/200?q=attack")
    log = tmp_path / "modsec_audit.log"
    wait_until(lambda: log.exists() and b"---Z--" in log.read_bytes(), "a record")
    text = log.read_text()
    assert "---B--\nGET /200?q=attack HTTP/1.1\nHost: test.example\n" in text
    assert '---H--\nModSecurity: Access denied with code 403 (phase 2). Matched "Operator' in text and "---F--" not in text


def test_seclang_alone_makes_a_concurrent_log_with_the_modes_it_names(sidegate, backend, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    s = sidegate(backend(statuses).url, config=config(
        tmp_path, "", "SecAuditEngine RelevantOnly\nSecAuditLogRelevantStatus ^(?:5|4(?!04))\nSecAuditLogType Concurrent\n"
        f"SecAuditLogFormat JSON\nSecAuditLog {tmp_path}/index\nSecAuditLogStorageDir {store}\nSecAuditLogParts AFZ\n"
        "SecAuditLogDirMode 0775\nSecAuditLogFileMode 0664\n"))
    for status in (200, 404, 410):
        assert s.ask(target=f"/{status}").status == status
    wait_until(lambda: (tmp_path / "index").exists() and (tmp_path / "index").read_bytes().count(b"\n") == 1, "a line")
    name = Path((tmp_path / "index").read_text().split()[-4])
    assert json.loads(name.read_text())["transaction"]["response"]["http_code"] == 410
    assert name.stat().st_mode & 0o777 == 0o664
    assert name.parent.stat().st_mode & 0o777 == name.parent.parent.stat().st_mode & 0o777 == 0o775
    assert len([path for path in store.rglob("*") if path.is_file()]) == 1


def test_modes_without_files_of_their_own_are_said_to_have_no_effect(sidegate, backend, tmp_path):
    s = sidegate(backend(statuses).url, config=config(
        tmp_path, "", f"SecAuditEngine On\nSecAuditLog {tmp_path}/audit\nSecAuditLogFileMode 0600\n"))
    assert "SecAuditLogFileMode has no effect" in s.errors()


def test_the_yaml_wins_over_seclang(sidegate, backend, tmp_path):
    s = sidegate(backend(statuses).url, config=config(
        tmp_path, f"audit_log: {{ path: {tmp_path}/mine, format: json }}",
        f"SecAuditEngine RelevantOnly\nSecAuditLog {tmp_path}/theirs\nSecAuditLogFormat Native\nSecAuditLogParts ABZ\n"))
    s.ask(target="/200?q=attack")
    record = records(tmp_path / "mine", 1)[0]
    assert "messages" not in record and not (tmp_path / "theirs").exists()
    assert "audit_log.path wins over SecAuditLog" in s.errors()


def test_what_is_sanitised_is_in_no_log(sidegate, backend, tmp_path):
    more = """
SecAction "id:1,phase:2,pass,nolog,sanitiseArg:password,sanitiseRequestHeader:Authorization"
SecAction "id:4,phase:5,pass,nolog,sanitiseResponseHeader:Set-Cookie"
SecRule ARGS:password "@rx ^h.nt" "id:2,phase:2,pass,log,auditlog,msg:'%{MATCHED_VAR}',logdata:'%{MATCHED_VAR}'"
SecRule REQUEST_HEADERS:Authorization "@contains token" "id:3,phase:2,pass,log,auditlog,logdata:'%{MATCHED_VAR}'"
"""
    app = backend(statuses)
    logs = f"audit_log: {{ path: {tmp_path}/audit, parts: ABCEFHIJKZ }}"
    s = sidegate(app.url, config=config(tmp_path, logs, more).replace("rules: {", f"rules: {{ log: {{ path: {tmp_path}/rules }},"))
    fields = [("Authorization", "Bearer t0ken-token"), ("Content-Type", "application/x-www-form-urlencoded")]
    s.ask("POST", "/200?password=hunter2&a=h%75nter2", fields, b"b=1&password=hunter3&c=HUNTER3")
    record = records(tmp_path / "audit", 1)[0]
    wait_until(lambda: (tmp_path / "rules").exists() and (tmp_path / "rules").read_bytes().count(b"\n") == 2, "the rule log")
    said = "".join(p.read_text() for p in (tmp_path / "audit", tmp_path / "rules")) + json.dumps(s.lines())
    for secret in ("hunter", "HUNTER", "h%75nter", "t0ken", "a=1", "b=2"):
        assert secret not in said, secret
    assert record["request"]["uri"] == "/200?password=REDACTED&a=REDACTED"
    assert record["request"]["body"] == "b=1&password=REDACTED&c=REDACTED"


def test_the_log_is_opened_anew_on_usr1(sidegate, backend, tmp_path):
    s = sidegate(backend(statuses).url, config=config(tmp_path, f"audit_log: {{ path: {tmp_path}/a, when: always }}"))
    s.ask(target="/200?n=1")
    records(tmp_path / "a", 1)
    (tmp_path / "a").rename(tmp_path / "a.1")
    s.signal(signal.SIGUSR1)
    wait_until(lambda: s.ask(target="/200?n=2").status == 200 and (tmp_path / "a").exists(), "a new file")
    assert len(records(tmp_path / "a.1", 1)) >= 1 and len(records(tmp_path / "a", 1)) >= 1


@pytest.mark.parametrize("kilobytes", [100, 400])
def test_large_bodies_are_audited_as_far_as_there_is_room(sidegate, backend, tmp_path, kilobytes):
    s = sidegate(backend(statuses).url, config=(config(tmp_path, f"audit_log: {{ path: {tmp_path}/a, when: always, parts: ACZ }}")
                                                .replace("response_body:", "request_body: { inspect: 1MiB }, response_body:")))
    body = b"\x01" * (kilobytes * 1024)
    assert s.ask("POST", "/200", [("Content-Type", "application/octet-stream")], body).status == 200
    got = records(tmp_path / "a", 1)[0]["request"]["body"]
    assert got == "\x01" * min(len(body), 128 * 1024)
