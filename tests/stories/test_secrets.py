# SPDX-License-Identifier: Apache-2.0
"""What rules have named as secret: it goes to the backend as it came, and into no log, trace, metric or audit record."""
import base64
import gzip
import json
import signal

import pytest

from harness import always_ok, read_request, run, wait_until
from log_receivers import Firehose, Syslog
from otlp import Collector
from signers import KEY_ID, SECRET, Signed

RULES = """
SecAction "id:1,phase:1,pass,nolog,ctl:auditEngine=On,sanitiseRequestHeader:Authorization,sanitiseRequestHeader:Cookie"
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS_NAMES "@rx password" "id:3,phase:2,pass,nolog,sanitiseArg:password,sanitiseArg:json.password"
SecAction "id:4,phase:5,pass,nolog,sanitiseResponseHeader:Set-Cookie"
SecRule ARGS:card "@rx [0-9]{16}" "id:5,phase:2,pass,log,auditlog,capture,sanitiseMatchedBytes:0/4,msg:'card %{TX.0}'"
SecRule ARGS:pin "@rx ." "id:6,phase:2,pass,log,auditlog,sanitiseMatched,logdata:'%{MATCHED_VAR}'"
SecRule ARGS|REQUEST_HEADERS|REQUEST_BODY|REQUEST_URI|REQUEST_LINE "@rx hunter|opensesame" "id:7,phase:2,pass,log,auditlog,msg:'%{MATCHED_VAR}',logdata:'%{MATCHED_VAR_NAME}: %{MATCHED_VAR}',tag:'%{MATCHED_VAR}'"
SecRule RESPONSE_HEADERS:Set-Cookie "@contains zeta" "id:8,phase:3,pass,log,auditlog,msg:'%{MATCHED_VAR}'"
"""
SECRETS = ("hunter2", "hunter%32", "h%75nter", "opensesame", "b3BlbnNlc2FtZQ", "zeta9", "4111111111111111", "987654", "sess-77")
URLENCODED = ("application/x-www-form-urlencoded", b"password=hunter2&card=4111111111111111&pin=987654&note=h%75nter2")
MULTIPART = ("multipart/form-data; boundary=B", b'--B\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n'
             b'--B\r\nContent-Disposition: form-data; name="card"\r\n\r\n4111111111111111\r\n'
             b'--B\r\nContent-Disposition: form-data; name="pin"\r\n\r\n987654\r\n--B--\r\n')
JSON = ("application/json", b'{"password": "hunter2", "note": "hunt\\u0065r2"}')


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


def pushed(s, collector):
    """Log records and metrics, as they came; at the latest at the end, the metrics once at least."""
    s.stop()
    assert any(b"sidegate.request" in body for body in collector.others) and any(b"sidegate.stage" in body for body in collector.others)
    return b"".join(collector.others).decode("latin-1")


def everything_of(spans):
    return json.dumps([[span.name, span.tags, span.events] for span in spans])


@pytest.mark.parametrize("form", ["json", "native"])
@pytest.mark.parametrize("type_and_body", [URLENCODED, MULTIPART, JSON], ids=["urlencoded", "multipart", "json"])
def test_what_is_sanitised_appears_in_no_log_trace_metric_or_audit(sidegate, backend, collector, tmp_path, form, type_and_body):
    heard = []

    def answer(wire):
        while True:
            heard.append(read_request(wire))
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: id=zeta9\r\nContent-Length: 2\r\n\r\nok")

    (tmp_path / "own.conf").write_text(RULES)
    s = sidegate(backend(answer).url, config=(
        f"rules: {{ files: [{tmp_path}/own.conf], log: {{ path: {tmp_path}/rules.log }}, response_body: {{ inspect: 64KiB }} }}\n"
        f"audit_log: {{ path: {tmp_path}/audit, parts: ABCEFHIJKZ, format: {form} }}\nwaf_log: {{ path: {tmp_path}/waf }}\n"
        f"execution_log: {{ path: {tmp_path}/execution, level: info, data_trace: on }}\n"
        f'otlp: {{ endpoint: "{collector.url}" }}\nlogs: {{ otlp: [requests, events] }}\nmetrics: {{ exporter: otlp }}\n'
        f"traces: {{ exporter: [otlp, xray], xray: {{ path: {tmp_path}/segments }} }}\n"))
    kind, body = type_and_body
    fields = [("Authorization", "Basic b3BlbnNlc2FtZQ=="), ("Cookie", "s=sess-77"), ("Content-Type", kind)]
    assert s.ask("POST", "/in?password=hunter%32&q=opensesame%20and%20hunter2", fields, body).status == 200
    end = b"\n" if form == "json" else b"---Z--\n\n"
    wait_until(lambda: (tmp_path / "audit").exists() and end in (tmp_path / "audit").read_bytes(), "the audit record")
    wait_until(lambda: (tmp_path / "rules.log").exists() and (tmp_path / "rules.log").read_bytes().count(b"\n") >= 2, "the rule log")
    wait_until(lambda: any(span.kind == "server" for span in collector.spans), "the spans")
    wait_until(lambda: (tmp_path / "waf").read_bytes().count(b"\n") >= 1, "the WAF log")
    wait_until(lambda: b"Method completed" in (tmp_path / "execution").read_bytes(), "the execution log")
    places = {"waf": (tmp_path / "waf").read_text(), "execution": (tmp_path / "execution").read_text(), "audit": (tmp_path / "audit").read_text(), "rules": (tmp_path / "rules.log").read_text(),
              "access": json.dumps(s.lines(1)), "errors": s.errors(), "traces": everything_of(collector.spans), "segments": wait_until((tmp_path / "segments").read_text, "the segment"),
              "metrics": s.status("/metrics")[1], "series": s.status("/api/v1/metrics", s.admin_port)[1], "pushed": pushed(s, collector)}
    for name, text in places.items():
        for secret in SECRETS:
            if secret == "opensesame" and name in ("audit", "waf", "execution", "rules", "access", "traces", "segments", "pushed"):
                continue  # as ?q= it is no secret: only the field that holds it in base64 is
            assert secret not in text, (name, secret)
    assert "opensesame" in places["audit"]  # what is no secret stays
    assert body in heard[0][2] and "hunter%32" in heard[0][0]


def audited(sidegate, backend, tmp_path, text, kind, body, fields=(), answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
    """The audit record and the rule log of one POST."""
    def reply(wire):
        while True:
            read_request(wire)
            wire.send(answer)

    (tmp_path / "own.conf").write_text("SecRequestBodyAccess On\n" + text)
    s = sidegate(backend(reply).url, config=(
        f"rules: {{ files: [{tmp_path}/own.conf], log: {{ path: {tmp_path}/rules.log }}, response_body: {{ inspect: 64KiB }} }}\n"
        f"audit_log: {{ path: {tmp_path}/audit, when: always, parts: ABCEFHIJKZ }}\n"))
    assert s.ask("POST", "/in", [("Content-Type", kind), *fields], body).status == 200
    wait_until(lambda: (tmp_path / "audit").exists() and b"\n" in (tmp_path / "audit").read_bytes(), "the audit record")
    return json.loads((tmp_path / "audit").read_text())["transaction"]


@pytest.mark.parametrize("type_and_body", [URLENCODED, MULTIPART, JSON], ids=["urlencoded", "multipart", "json"])
def test_an_argument_that_is_sanitised_before_its_body_came_appears_nowhere(sidegate, backend, tmp_path, type_and_body):
    record = audited(sidegate, backend, tmp_path, 'SecAction "id:1,phase:1,pass,nolog,sanitiseArg:password,sanitiseArg:json.password"\n'
                     'SecRule ARGS|REQUEST_BODY "@contains hunter" "id:2,phase:2,pass,log,auditlog,logdata:\'%{MATCHED_VAR}\'"\n', *type_and_body)
    assert [m["details"]["ruleId"] for m in record["messages"]]
    assert "hunter2" not in json.dumps(record) and "hunter2" not in (tmp_path / "rules.log").read_text()


def test_a_body_in_a_coding_is_hidden_whole_where_it_may_hold_a_secret(sidegate, backend, tmp_path):
    answer = gzip.compress(b"you said hunter2")
    record = audited(sidegate, backend, tmp_path, 'SecAction "id:1,phase:2,pass,nolog,sanitiseArg:password"\n', URLENCODED[0],
                     gzip.compress(b"password=hunter2"), [("Content-Encoding", "gzip")],
                     b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
    assert (record["request"]["body"], record["request"]["fake_body"], record["response"]["body"]) == ("REDACTED",) * 3


def test_a_secret_in_an_odd_place_of_an_address_is_in_no_log(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS "@contains attack" "id:1,phase:1,deny,status:403,log,auditlog"\n')
    s = sidegate(backend(always_ok).url, config=(
        f"rules: {{ files: [{tmp_path}/own.conf] }}\naudit_log: {{ path: {tmp_path}/audit, parts: ABCEFHIJKZ }}\n"))
    for target in ("/orders;v=2?password=hunter2&q=attack", "/?ghp_0123456789hunter2ABCDEFGHIJ=1&q=attack", "/?next=%2Freset%3Ftoken%3Dhunter2&q=attack"):
        assert s.ask(target=target, fields=[("Referer", "https://x/a=b?password=hunter2")]).status == 403
    wait_until(lambda: (tmp_path / "audit").exists() and (tmp_path / "audit").read_text().count("\n") == 3, "three audit records")
    said = (tmp_path / "audit").read_text() + json.dumps(s.lines(3))
    assert "q=attack" in said and "REDACTED" in said and "hunter2" not in said


def test_an_argument_beyond_the_limit_of_arguments_is_hidden_by_its_name(sidegate, backend, tmp_path):
    record = audited(sidegate, backend, tmp_path, 'SecArgumentsLimit 1\nSecAction "id:1,phase:2,pass,nolog,sanitiseArg:password"\n',
                     URLENCODED[0], b"a=1&password=hunter2")
    assert record["request"]["body"] == "a=1&password=REDACTED"


# ---- what a request brings to say whom it comes from: nobody has to name it ----

CALLERS = f"""
aws_keys: {{ file: aws-keys.yaml }}
policies: {{ api: "arn:aws:execute-api:eu-west-1:123456789012:shop/prod" }}
authorizers:
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: jwks.json }}
  aws: {{ type: sigv4, region: eu-west-1 }}
  other: {{ type: http, url: "http://127.0.0.1:9/", payload: "2.0", identity: [$request.header.X-Door, $request.querystring.door] }}
routes:
  - {{ match: GET /staff, authorizer: staff }}
  - {{ match: ANY /orders, authorizer: aws }}
  - {{ match: GET /other, authorizer: other }}
  - {{ match: GET /open }}
"""
LISTENING = """
SecRuleEngine On
SecRule REQUEST_HEADERS|ARGS|REQUEST_URI|QUERY_STRING "@rx ^(?:Bearer )?(.+)$" "id:1,phase:1,pass,log,auditlog,capture,msg:'%{TX.1}',logdata:'%{MATCHED_VAR}'"
"""


@pytest.mark.parametrize("form", ["json", "native"])
def test_no_token_and_no_signature_appears_in_any_log_trace_metric_or_audit(sidegate, backend, collector, tmp_path, form):
    key = b"a secret that only the issuer has"
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{"kty": "oct", "kid": "k1", "k": base64.urlsafe_b64encode(key).decode().rstrip("=")}]}))
    (tmp_path / "aws-keys.yaml").write_text(f'keys:\n  {KEY_ID}: {{ secret: {SECRET}, principal: "arn:aws:iam::123456789012:user/a", '
                                            'session_token: "of/the+session" }\n')
    (tmp_path / "access-key").write_text("k3y-of-firehose\n")
    for name in ("jwks.json", "aws-keys.yaml", "access-key"):
        (tmp_path / name).chmod(0o600)
    (tmp_path / "own.conf").write_text(LISTENING)
    syslog, firehose = Syslog("tcp"), Firehose("k3y-of-firehose")
    away = f'syslog: {{ address: "{syslog.address}" }}, firehose: {{ url: "{firehose.url}", access_key_file: {tmp_path}/access-key }}'
    s = sidegate(backend(always_ok).url, config=CALLERS.replace("file: aws", f"file: {tmp_path}/aws").replace("jwks.json", f"{tmp_path}/jwks.json") + (
        f"rules: {{ files: [{tmp_path}/own.conf], log: {{ path: {tmp_path}/rules.log, {away} }} }}\n"
        f"audit_log: {{ path: {tmp_path}/audit, parts: ABCEFHIJKZ, format: {form}, when: always, {away} }}\nwaf_log: {{ path: {tmp_path}/waf, {away} }}\n"
        f"access_log: {{ path: {tmp_path}/access.log, {away} }}\n"
        f"execution_log: {{ path: {tmp_path}/execution, {away}, level: info, data_trace: on }}\n"
        f"change_log: {{ path: {tmp_path}/changes }}\n"
        f'otlp: {{ endpoint: "{collector.url}" }}\nlogs: {{ otlp: [requests, events] }}\nmetrics: {{ exporter: otlp }}\n'
        f"traces: {{ exporter: [otlp, xray], xray: {{ path: {tmp_path}/segments }} }}\n"))
    for path in ("/staff", "/open", "/nowhere"):
        s.ask("GET", path, fields=[("Authorization", "Bearer eyJ0b2tlbg.of-somebody.c2lnbmVk")])
    signed = [Signed(token="of/the+session"), Signed(token="of/the+session", by_query=True), Signed(token="of-another-session", by_query=True)]
    for one in signed:
        one.send(s)
    s.ask("GET", "/other?door=spoken-word", fields=[("X-Door", "opensesame")])
    s.lines(7)
    end = b"\n" if form == "json" else b"---Z--\n\n"
    wait_until(lambda: (tmp_path / "audit").exists() and (tmp_path / "audit").read_bytes().count(end) >= 7, "the audit records")
    wait_until(lambda: (tmp_path / "rules.log").exists() and (tmp_path / "rules.log").read_bytes().count(b"\n") >= 7, "the rule log")
    wait_until(lambda: len([x for x in collector.spans if x.kind == "server"]) == 7, "the spans")
    wait_until(lambda: (tmp_path / "segments").read_bytes().count(b"\n") == 7, "the segments")
    wait_until(lambda: (tmp_path / "waf").read_bytes().count(b"\n") >= 7, "the WAF log")
    wait_until(lambda: (tmp_path / "execution").read_bytes().count(b"Method completed") >= 7, "the execution log")
    for log in ("access_log", "rule_log", "audit_log", "waf_log", "execution_log"):
        wait_until(lambda: s.metric("sidegate_export_sent_total", destination=f"{log}.syslog") == s.metric("sidegate_export_sent_total", destination=log), log)
        wait_until(lambda: s.metric("sidegate_export_sent_total", destination=f"{log}.firehose") == s.metric("sidegate_export_sent_total", destination=log), log)
    answers = {path: s.status(path, s.admin_port)[1] for path in ("/api/v1/drops", "/api/v1/config")}
    said = {"access": s.log.read_text(), "execution": (tmp_path / "execution").read_text(), "waf": (tmp_path / "waf").read_text(), "segments": (tmp_path / "segments").read_text(), "own": s.errors(), "audit": (tmp_path / "audit").read_text(), "rules": (tmp_path / "rules.log").read_text(),
        f"change_log: {{ path: {tmp_path}/changes }}\n"
            "spans": everything_of(collector.spans), "metrics": s.status("/metrics")[1], "print": run("config", "print", "-c", str(s.config))[1], "series": s.status("/api/v1/metrics", s.admin_port)[1], "pushed": pushed(s, collector)}
    said |= {"syslog": "".join(m.data + m.text for m in syslog.messages), "firehose": "".join(firehose.lines), **answers}
    assert {m.kind for m in syslog.messages} == {"access_log", "rule_log", "audit_log", "waf_log", "execution_log"} and firehose.lines
    syslog.close()
    firehose.close()
    secrets = ["k3y-of-firehose", "of-somebody", "of/the+session", "of%2Fthe%2Bsession", "of-another-session", "opensesame", "spoken-word", SECRET,
               *(one.signature for one in signed)]
    assert [(where, secret) for where, text in said.items() for secret in secrets if secret in text] == []
    assert "REDACTED" in said["audit"] and "REDACTED" in said["rules"]


def test_an_identity_in_the_query_is_in_no_access_line_and_no_span_where_nothing_else_is_logged(sidegate, backend, collector, tmp_path):
    s = sidegate(backend(always_ok).url, config='authorizers: { other: { type: http, url: "http://127.0.0.1:9/", payload: "2.0", '
                 'identity: [$request.querystring.door] } }\nroutes: [{ match: GET /other, authorizer: other }]\n'
                 f'otlp: {{ endpoint: "{collector.url}" }}\n')
    s.ask("GET", "/other?a=1&door=spoken-word")
    assert s.lines()[0]["query"] == "a=1&door=REDACTED"
    wait_until(lambda: [x for x in collector.spans if x.kind == "server"], "the span")
    assert "spoken-word" not in everything_of(collector.spans)
