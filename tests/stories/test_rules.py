# SPDX-License-Identifier: Apache-2.0
"""Rules over HTTP: modes, phases, bodies, exclusions, collections, what a rule can do, what it leaves in the logs."""
import select

import pytest
from harness import OK, read_request, wait_until

ATTACK = 'SecRequestBodyAccess On\nSecRule ARGS "@contains attack" "id:10,phase:2,deny,status:403,log,msg:\'an attack\'"\n'


def rules(tmp_path, text, more="", file="own.conf"):
    (tmp_path / file).write_text(text)
    return f"rules: {{ files: [{tmp_path}/{file}], log: {{ path: {tmp_path}/rules.log }}{more} }}"


def answering(body, head=""):
    body = body if isinstance(body, bytes) else body.encode()

    def script(wire):
        while True:
            read_request(wire)
            wire.send(f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return script


def form(text):
    return dict(method="POST", fields=[("Content-Type", "application/x-www-form-urlencoded")], body=text.encode())


def rule_lines(s, count=1):
    wait_until(lambda: s.rule_log.exists() and s.rule_log.read_bytes().count(b"\n") >= count, f"{count} rule lines")
    return s.rule_log.read_text().splitlines()


# ---- modes ----

def test_on_refuses_and_says_so(sidegate, backend, tmp_path):
    app = backend()
    s = sidegate(app.url, rules(tmp_path, ATTACK))
    assert s.ask(target="/?q=attack").status == 403
    assert app.heard == b""
    waf = s.lines()[0]["waf"]
    assert waf["action"] == "block" and waf["mode"] == "on" and waf["rules"] == [10]
    assert s.metric("sidegate_rule_matches_total", rule_id="10") == 1


def test_a_detectors_fingerprint_stands_in_the_log(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, """SecRule ARGS "@detectSQLi" "id:11,phase:2,pass,log,capture,logdata:'%{TX.0}'"
SecRule ARGS "@detectXSS" "id:12,phase:2,pass,log,capture,logdata:'%{TX.0}'"
"""))
    assert s.ask(target="/?q=1%27%20or%20%271%27=%271&r=%3Csvg/onload=x()%3E").status == 200
    sql, script = rule_lines(s, 2)
    assert '[id "11"]' in sql and '[data "s&s=s~"]' in sql
    assert '[id "12"]' in script and '[data "<svg/onload=x()>"]' in script  # the whole value, as ModSecurity has it


def test_detection_only_says_what_it_would_have_refused(sidegate, backend, tmp_path):
    app = backend()
    s = sidegate(app.url, rules(tmp_path, ATTACK, ", mode: detection_only"))
    assert s.ask(target="/?q=attack").status == 200
    waf = s.lines()[0]["waf"]
    assert waf["action"] == "would_block" and waf["mode"] == "detection_only" and waf["rules"] == [10]
    assert '[id "10"]' in rule_lines(s)[0] and "Access denied" not in rule_lines(s)[0]


@pytest.mark.parametrize("more,status", [("", 403), (", on_failure: allow", 200), (", mode: detection_only", 200)])
def test_a_pattern_over_its_limits_is_no_pass(sidegate, backend, tmp_path, more, status):
    hard = 'SecPcreMatchLimit 1000\nSecRule ARGS "@rx ^(a+)+$" "id:10,phase:1,pass,log"\n'
    s = sidegate(backend().url, rules(tmp_path, hard, ", cpu_budget: 30s" + more))
    assert s.ask(target="/?q=" + "a" * 60 + "!").status == status
    line = s.lines()[0]
    assert line["waf"]["limit"] == {"name": "pattern", "phase": 1, "rule": 10, "target": "ARGS:q"}
    assert line["error"] == ("waf_limit" if status == 403 else None)


def test_off_looks_at_nothing(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, ATTACK, ', mode: "off"'))
    assert s.ask(target="/?q=attack").status == 200
    waf = s.lines()[0]["waf"]
    assert waf["action"] == "pass" and waf["mode"] == "off" and waf["rules"] == []


def test_a_directive_sets_the_mode_where_the_settings_do_not(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, "SecRuleEngine DetectionOnly\n" + ATTACK))
    assert s.ask(target="/?q=attack").status == 200
    assert s.lines()[0]["waf"]["action"] == "would_block"


def test_a_rule_can_change_the_mode_for_a_request(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(
        tmp_path, 'SecRule REQUEST_FILENAME "@beginsWith /free" "id:1,phase:1,pass,nolog,ctl:ruleEngine=Off"\n'
                  'SecRule REQUEST_FILENAME "@beginsWith /watch" "id:2,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly"\n' + ATTACK))
    assert [s.ask(target=f"/{p}?q=attack").status for p in ("free", "watch", "other")] == [200, 200, 403]


# ---- phases ----

PHASES = """SecResponseBodyAccess On
SecResponseBodyMimeType text/plain
SecRule REQUEST_HEADERS:X-Phase "@streq 1" "id:1,phase:1,deny,status:401,log"
SecRule ARGS:phase "@streq 2" "id:2,phase:2,deny,status:402,log"
SecRule RESPONSE_HEADERS:X-Phase "@streq 3" "id:3,phase:3,deny,status:404,log"
SecRule RESPONSE_BODY "@contains phase 4" "id:4,phase:4,deny,status:405,log"
SecRule RESPONSE_STATUS "@streq 200" "id:5,phase:5,pass,log,msg:'it was 200'"
"""


@pytest.mark.parametrize("phase,ask,answer,status", [
    (1, dict(fields=[("X-Phase", "1")]), answering("x"), 401),
    (2, form("phase=2"), answering("x"), 402),
    (3, {}, answering("x", "Content-Type: text/plain\r\nX-Phase: 3\r\nX-Secret: 1\r\n"), 404),
    (4, {}, answering("a phase 4 body", "Content-Type: text/plain\r\nX-Secret: 1\r\n"), 405),
    (5, {}, answering("x"), 200),
])
def test_each_phase_decides_in_its_time(sidegate, backend, tmp_path, phase, ask, answer, status):
    app = backend(answer)
    s = sidegate(app.url, rules(tmp_path, PHASES, ", response_body: { inspect: 64KiB, types: [text/plain] }"))
    got = s.ask(**ask)
    assert got.status == status
    assert (app.heard == b"") == (phase <= 2)
    assert got["x-secret"] is None and b"phase 4" not in got.body
    line = s.lines()[0]
    assert phase in line["waf"]["rules"] and line["status"] == status
    assert any(f'[id "{phase}"]' in text for text in rule_lines(s))


def test_of_a_refused_answer_not_a_byte_leaves(sidegate, backend, tmp_path):
    body = b"begin " + b"x" * 100_000 + b" leaked secret"
    s = sidegate(backend(answering(body, "Content-Type: text/html; charset=utf-8\r\nSet-Cookie: a=b\r\n")).url, rules(
        tmp_path, 'SecRule RESPONSE_BODY "@contains leaked secret" "id:4,phase:4,deny,status:403,log"\n', ", response_body: { inspect: 512KiB }"))
    client = s.client()
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    heard = client.rest()
    assert heard.startswith(b"HTTP/1.1 403 ") and b"begin" not in heard and b"Set-Cookie" not in heard


def test_answers_of_other_types_flow_uninspected(sidegate, backend, tmp_path):
    s = sidegate(backend(answering("leaked secret", "Content-Type: image/png\r\n")).url, rules(
        tmp_path, 'SecRule RESPONSE_BODY "@contains leaked secret" "id:4,phase:4,deny,log"\n', ", response_body: { inspect: 64KiB }"))
    assert s.ask().body == b"leaked secret"


@pytest.mark.parametrize("over,status", [("prefix", 200), ("pass", 200), ("reject", 502)])
def test_longer_answers_are_treated_as_the_settings_say(sidegate, backend, tmp_path, over, status):
    body = b"x" * 2000 + b" leaked secret"
    s = sidegate(backend(answering(body, "Content-Type: text/html\r\n")).url, rules(
        tmp_path, 'SecRule RESPONSE_BODY "@contains leaked secret" "id:4,phase:4,deny,log"\n',
        f", response_body: {{ inspect: 1KiB, over_limit: {over} }}"))
    answer = s.ask()
    assert answer.status == status and (answer.body == body) == (status == 200)


def test_detection_only_refuses_no_long_answer_and_sees_its_beginning(sidegate, backend, tmp_path):
    body = b"leaked secret" + b"x" * 2000
    s = sidegate(backend(answering(body, "Content-Type: text/html\r\n")).url, rules(
        tmp_path, 'SecRule RESPONSE_BODY "@contains leaked secret" "id:4,phase:4,deny,log"\n',
        ", mode: detection_only, response_body: { inspect: 1KiB, over_limit: reject }"))
    answer = s.ask()
    assert (answer.status, answer.body) == (200, body)
    assert s.lines()[0]["waf"]["action"] == "would_block"


def test_the_beginning_of_a_longer_answer_is_seen(sidegate, backend, tmp_path):
    s = sidegate(backend(answering(b"leaked secret" + b"x" * 2000, "Content-Type: text/html\r\n")).url, rules(
        tmp_path, 'SecRule RESPONSE_BODY "@contains leaked secret" "id:4,phase:4,deny,log"\n',
        ", response_body: { inspect: 1KiB, over_limit: prefix }"))
    assert s.ask().status == 403


# ---- bodies ----

@pytest.mark.parametrize("over,early,late", [("reject", 413, 413), ("prefix", 403, 200), ("pass", 200, 200)])
@pytest.mark.parametrize("chunked", [False, True])
def test_longer_bodies_are_treated_as_the_settings_say(sidegate, backend, tmp_path, over, early, late, chunked):
    got = []

    def keep(wire):
        while True:
            got.append(read_request(wire)[2])
            wire.send(OK)

    s = sidegate(backend(keep).url, rules(tmp_path, ATTACK, f", request_body: {{ inspect: 1KiB, over_limit: {over} }}"))
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    for body, status in ((b"a=attack&b=" + b"x" * 3000, early), (b"b=" + b"x" * 3000 + b"&a=attack", late)):
        if chunked:
            client = s.client()
            client.send(f"POST / HTTP/1.1\r\nHost: a\r\n{kind[0]}: {kind[1]}\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n")
            client.send(body + b"\r\n0\r\n\r\n")
            assert client.answer().status == status
        else:
            assert s.ask("POST", fields=[kind], body=body).status == status
        if status == 200:
            assert got.pop() == body
    assert not got


@pytest.mark.parametrize("fields", [[], [("Transfer-Encoding", "chunked")]])
def test_detection_only_refuses_no_long_body_and_sees_its_beginning(sidegate, backend, tmp_path, fields):
    heads = 'SecRule REQUEST_METHOD "@streq PUT" "id:9,phase:1,pass,log"\n'
    s = sidegate(backend().url, rules(tmp_path, heads + ATTACK, ", mode: detection_only, request_body: { inspect: 1KiB, over_limit: reject }"))
    body = b"a=attack&b=" + b"x" * 3000
    if fields:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    assert s.ask("POST", fields=[("Content-Type", "application/x-www-form-urlencoded"), *fields], body=body).status == 200
    waf = s.lines()[0]["waf"]
    assert waf["action"] == "would_block" and waf["rules"] == [10]
    assert waf["limit"] == {"name": "request_body", "phase": 1, "rule": None, "target": None}


MULTIPART = ("--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n%s\r\n"
             "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"%s\"\r\nContent-Type: text/plain\r\n\r\nfile text\r\n--B--\r\n")


@pytest.mark.parametrize("kind,body,status", [
    ("application/x-www-form-urlencoded", "a=x&b=att%61ck", 403),
    ("application/x-www-form-urlencoded", "a=x&b=harmless", 200),
    ("application/x-www-form-urlencoded; charset=utf-8", "b=attack", 403),
    ("APPLICATION/X-WWW-FORM-URLENCODED", "b=attack", 403),
    ("multipart/form-data; boundary=B", MULTIPART % ("attack", "name"), 403),
    ("multipart/form-data; boundary=B", MULTIPART % ("calm", "name"), 200),
    ("multipart/form-data; boundary=B", MULTIPART % ("calm", "evil.exe"), 404),
    ("multipart/form-data; boundary=B", (MULTIPART % ("calm", "name")).replace("--B--", "--B"), 400),
    ("application/json", '{"a": {"b": ["x", "att\\u0061ck"]}}', 403),
    ("application/json", '{"a": {"b": ["x", "calm"]}}', 200),
    ("application/json", '{"a": ', 400),
    ("text/plain", "b=attack", 200),
])
def test_bodies_are_read_as_their_type_says(sidegate, backend, tmp_path, kind, body, status):
    s = sidegate(backend().url, rules(tmp_path, """
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" "id:2,phase:2,deny,status:400,log,msg:'%{reqbody_error_msg}'"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:3,phase:2,deny,status:400,log"
SecRule FILES "@endsWith .exe" "id:4,phase:2,deny,status:404,log"
""" + ATTACK))
    assert s.ask("POST", fields=[("Content-Type", kind)], body=body.encode()).status == status


# ---- exclusions ----

def test_ctl_takes_rules_and_targets_out_for_a_request(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, """
SecRule REQUEST_FILENAME "@streq /by-id" "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=10"
SecRule REQUEST_FILENAME "@streq /by-tag" "id:2,phase:1,pass,nolog,ctl:ruleRemoveByTag=own"
SecRule REQUEST_FILENAME "@streq /by-target" "id:3,phase:1,pass,nolog,ctl:ruleRemoveTargetById=10;ARGS:free"
""" + ATTACK.replace("id:10,", "id:10,tag:own,")))
    statuses = {target: s.ask(target=target).status for target in (
        "/by-id?q=attack", "/by-tag?q=attack", "/by-target?free=attack", "/by-target?q=attack", "/?free=attack")}
    assert statuses == {"/by-id?q=attack": 200, "/by-tag?q=attack": 200, "/by-target?free=attack": 200, "/by-target?q=attack": 403,
                        "/?free=attack": 403}


def test_directives_take_rules_and_targets_out_for_all(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(
        tmp_path, ATTACK + 'SecRule ARGS "@contains other" "id:11,phase:2,deny"\nSecRuleRemoveById 11\nSecRuleUpdateTargetById 10 "!ARGS:free"\n'))
    assert [s.ask(target=t).status for t in ("/?q=other", "/?free=attack", "/?q=attack")] == [200, 200, 403]


# ---- collections ----

def test_a_collection_counts_over_requests_and_reloads(sidegate, backend, tmp_path):
    text = """
SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
SecRule REQUEST_FILENAME "@streq /login" "id:2,phase:1,pass,nolog,setvar:ip.tries=+1,expirevar:ip.tries=3600"
SecRule IP:TRIES "@gt 3" "id:3,phase:1,deny,status:429,log"
"""
    config = rules(tmp_path, text)
    s = sidegate(backend().url, config)
    assert [s.ask(target="/login").status for _ in range(5)] == [200, 200, 200, 429, 429]
    assert s.ask(target="/other").status == 429
    (tmp_path / "own.conf").write_text(text + 'SecRule ARGS:x "@streq y" "id:4,phase:1,deny"\n')
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    assert s.ask(target="/other").status == 429


def test_global_is_one_for_all_clients_without_initcol(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, """
SecAction "id:1,phase:1,pass,nolog,setvar:global.n=+1"
SecRule GLOBAL:N "@gt 2" "id:2,phase:1,deny,status:429,log"
"""), trusted="127.0.0.0/8")
    assert [s.ask(fields=[("X-Forwarded-For", f"192.0.2.{i}")]).status for i in range(4)] == [200, 200, 429, 429]


def test_a_rule_may_ask_for_the_environment(sidegate, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("STAGE", "closed")
    s = sidegate(backend().url, rules(tmp_path, """
SecRule ENV:STAGE "@streq closed" "id:1,phase:1,deny,status:404,log"
"""))
    assert s.ask().status == 404


def test_a_variable_of_a_collection_ends_with_its_time(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, """
SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
SecRule IP:BLOCKED "@eq 1" "id:2,phase:1,deny,status:429,log"
SecRule REQUEST_FILENAME "@streq /bad" "id:3,phase:1,deny,status:403,log,setvar:ip.blocked=1,expirevar:ip.blocked=1"
"""))
    assert [s.ask(target=t).status for t in ("/bad", "/")] == [403, 429]
    wait_until(lambda: s.ask().status == 200, "the second is over")


def test_collections_are_apart_for_each_client(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, """
SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
SecAction "id:2,phase:1,pass,nolog,setvar:ip.n=+1"
SecRule IP:N "@gt 1" "id:3,phase:1,deny,status:429,log"
"""), trusted="127.0.0.0/8")
    ask = lambda address: s.ask(fields=[("X-Forwarded-For", address)]).status
    assert [ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.3")] == [200, 200, 429, 429, 200]


# ---- what a rule can do ----

def test_a_redirect_names_its_place(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(
        tmp_path, 'SecRule ARGS:q "@streq go" "id:1,phase:1,redirect:\'https://test.example/sorry?was=%{REQUEST_FILENAME}\',status:302,log"\n'))
    answer = s.ask(target="/x?q=go")
    assert (answer.status, answer["location"]) == (302, "https://test.example/sorry?was=/x")


def test_a_drop_ends_the_connection_without_a_word(sidegate, backend, tmp_path):
    app = backend()
    s = sidegate(app.url, rules(tmp_path, 'SecRule ARGS:q "@streq gone" "id:1,phase:1,drop,log"\n'))
    client = s.client()
    client.send("GET /?q=gone HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.rest() == b""
    assert app.heard == b""
    line = s.lines()[0]
    assert line["waf"]["action"] == "block" and line["status"] in (0, None)


def test_allow_ends_the_rules(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(
        tmp_path, 'SecRule REMOTE_ADDR "@ipMatch 127.0.0.0/8" "id:1,phase:1,allow,nolog,chain"\n  SecRule REQUEST_HEADERS:X-Pass "@streq yes"\n' + ATTACK))
    assert s.ask(target="/?q=attack", fields=[("X-Pass", "yes")]).status == 200
    assert s.ask(target="/?q=attack").status == 403


def test_a_score_is_added_up_and_refused_at_its_threshold(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, """
SecRule ARGS "@contains one" "id:1,phase:2,pass,log,setvar:tx.score=+2"
SecRule ARGS "@contains two" "id:2,phase:2,pass,log,setvar:tx.score=+3"
SecRule TX:SCORE "@ge 5" "id:3,phase:2,deny,status:403,log,msg:'score %{tx.score}'"
"""))
    assert [s.ask(target=t).status for t in ("/?a=one", "/?a=two", "/?a=one&b=two")] == [200, 200, 403]
    assert s.lines(3)[2]["waf"]["rules"] == [1, 2, 3]
    assert '[msg "score 5"]' in rule_lines(s, 5)[-1]


# ---- logs ----

def test_a_rule_line_has_modsecuritys_form_and_one_line_a_match(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(
        tmp_path, "SecRule ARGS \"@contains attack\" \"id:10,phase:2,deny,status:403,log,rev:'2',ver:'own/1',severity:CRITICAL,tag:'a/b',tag:'c',"
                  "msg:'an attack',logdata:'%{MATCHED_VAR}'\"\n"))
    answer = s.ask(target='/p?q=attack%0a%22x%22%1b[31m', fields=[("Host", "test.example:8080")])
    lines = rule_lines(s)
    assert len(lines) == 1
    for part in ("Access denied with code 403 (phase 2).", "[client 127.0.0.1]", '[id "10"]', '[rev "2"]', '[msg "an attack"]', '[severity "CRITICAL"]',
                 '[ver "own/1"]', '[tag "a/b"]', '[tag "c"]', '[uri "/p', f'[unique_id "{answer["x-request-id"]}"]', '[hostname "test.example',
                 f'[file "{tmp_path}/own.conf"]', '[line "1"]', r'\n\"x\"\x1b'):
        assert part in lines[0], (part, lines[0])


def test_nolog_is_silent_and_still_refuses(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, ATTACK.replace(",log,", ",nolog,") + 'SecRule ARGS "@contains loud" "id:11,phase:2,deny,log"\n'))
    assert [s.ask(target=t).status for t in ("/?q=attack", "/?q=loud")] == [403, 403]
    lines = rule_lines(s)
    assert len(lines) == 1 and '[id "11"]' in lines[0]


# ---- limits ----

# No literal that would rule them out at once, and quadratic work for each value before it turns out not to match.
HEAVY = "SecRequestBodyAccess On\n" + "".join(
    f'SecRule ARGS "@rx ([ab])[ab]*\\1[0-9]{{4,{5 + i}}}$" "id:{100 + i},phase:2,deny,log"\n' for i in range(40))


def heavy_body(count):
    return "&".join(f"x{i}=" + "ab" * 200 + "12345z" for i in range(count))


@pytest.mark.parametrize("policy,status", [("deny", 403), ("allow", 200)])
def test_a_heavy_inspection_is_cut_and_counted(sidegate, backend, tmp_path, policy, status):
    app = backend()
    s = sidegate(app.url, rules(tmp_path, HEAVY, f", cpu_budget: 1ms, on_failure: {policy}"))
    assert s.ask(**form(heavy_body(100))).status == status
    assert (app.heard == b"") == (status == 403)
    line = s.lines()[0]
    assert line["error"] == "waf_limit"
    assert s.metric("sidegate_rule_limits_total", limit="cpu_budget") == 1
    assert s.ask().status == 200


def test_a_heavy_inspection_lets_its_neighbours_through(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, HEAVY, ", cpu_budget: 60s") + "\nprocess: { threads: 1 }")
    neighbour, heavy = s.client(), s.client()
    assert neighbour.ask().status == 200
    body = heavy_body(200)
    heavy.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}")
    for _ in range(10):
        assert neighbour.ask().status == 200
    assert not select.select([heavy.sock], [], [], 0)[0], "the neighbour's ten answers came first"
    heavy.sock.settimeout(60)
    assert heavy.answer().status == 200


WILD = 'SecRule ARGS "@rx ^([ab]+)+a$" "id:1,phase:1,deny,status:404,log"\n'


def test_a_pattern_that_runs_wild_is_no_pass(sidegate, backend, tmp_path):
    app = backend()
    s = sidegate(app.url, rules(tmp_path, WILD))
    assert s.ask(target="/?q=" + "ab" * 30).status == 403
    assert app.heard == b"" and s.lines()[0]["error"] == "waf_limit"
    assert s.metric("sidegate_rule_limits_total", limit="pattern") == 1
    assert s.ask(target="/?q=ababa").status == 404
    assert s.ask(target="/?q=x").status == 200


def test_where_it_may_pass_rules_can_still_refuse_it(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, WILD + 'SecRule TX:/^MSC_/ "!@streq 0" "id:200005,phase:2,deny,status:403,log"\n',
                                      ", on_failure: allow"))
    assert s.ask(target="/?q=" + "ab" * 30).status == 403
    assert s.metric("sidegate_rule_limits_total", limit="pattern") == 1
    assert s.lines()[0]["waf"]["rules"] == [200005]


# ---- the access line ----

def test_the_access_line_tells_the_score_and_all_rules_in_order(sidegate, backend, tmp_path):
    s = sidegate(backend().url, rules(tmp_path, """
SecRule ARGS "@contains one" "id:20,phase:2,pass,log,setvar:tx.inbound_anomaly_score_pl1=+5,setvar:tx.anomaly_score=+5"
SecRule ARGS "@contains one" "id:12,phase:2,pass,log"
"""))
    assert s.ask(target="/?q=one").status == 200
    line = s.lines()[0]
    assert line["waf"]["rules"] == [20, 12] and isinstance(line["waf"]["score"], int)


# ---- the answer of a refusal ----

def test_a_refusal_is_html_for_people_and_json_for_programs_and_tells_nothing_of_the_rule(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text("SecRule ARGS \"@contains attack\" \"id:4711,phase:1,deny,status:403,log,msg:'the secret message'\"\n")
    s = sidegate(backend().url, config=f"rules: {{ files: [{tmp_path}/own.conf] }}\nblock_answer: {{ text: 'Not <here>.' }}")
    html = s.ask(target="/?q=attack", fields=[("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")])
    json_ = s.ask(target="/?q=attack", fields=[("Accept", "application/json")])
    plain = s.ask(target="/?q=attack")
    assert [a.status for a in (html, json_, plain)] == [403] * 3
    assert html["content-type"].startswith("text/html") and b"Not &lt;here&gt;." in html.body
    assert json_["content-type"] == "application/json" and b"Not <here>." in json_.body
    for answer, line in zip((html, json_, plain), s.lines(3)):
        assert answer["x-request-id"].encode() in answer.body and line["request_id"] == answer["x-request-id"]
        for secret in (b"4711", b"secret message", b"ARGS", b"attack"):
            assert secret not in answer.body and secret not in str(answer.fields).encode()
