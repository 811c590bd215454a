# SPDX-License-Identifier: Apache-2.0
"""explain: one request through the parser and the rules, offline, with everything that was seen on the way."""
import json
import subprocess

import pytest
from harness import PROGRAM

RULES = r"""
SecAction "id:1,phase:1,pass,nolog,setvar:tx.paranoia_level=1,setvar:tx.score=0"
SecRule REQUEST_URI "@beginsWith /calm" "id:2,phase:1,pass,nolog,ctl:ruleRemoveById=10,ctl:ruleRemoveTargetById=11;ARGS:note"
SecRule TX:paranoia_level "@lt 2" "id:3,phase:2,pass,nolog,skipAfter:END-LEVEL-2"
SecRule ARGS "@rx evil" "id:4,phase:2,deny,msg:'Level two'"
SecMarker END-LEVEL-2
SecRule ARGS "@rx ev(il)" "id:10,phase:2,pass,t:urlDecodeUni,t:lowercase,msg:'Evil in %{MATCHED_VAR_NAME}',severity:CRITICAL,\
  setvar:tx.score=+5"
SecRule ARGS "@streq hush" "id:11,phase:2,pass,t:none,t:lowercase,msg:'Hush',setvar:tx.score=+3"
SecRule REQUEST_METHOD "@streq GET" "id:12,phase:2,pass,chain,msg:'Chained'"
  SecRule ARGS:second "@streq yes" "t:none"
SecRule ARGS:who "@rbl bl.example" "id:13,phase:2,deny,msg:'Listed'"
SecRule TX:score "@ge 5" "id:20,phase:2,deny,status:406,msg:'Too much: %{TX.score}'"
SecRule REQUEST_METHOD "@streq GET" "id:21,phase:2,deny,msg:'After all'"
SecRule ARGS:sql "@detectSQLi" "id:14,phase:1,pass,t:none,msg:'SQL'"
SecRule ARGS:html "@detectXSS" "id:15,phase:1,pass,t:none,msg:'HTML'"
"""


@pytest.fixture
def explain(tmp_path):
    """explain(request, *options) -> (exit code, stdout, stderr)."""
    (tmp_path / "rules.conf").write_text(RULES)
    (tmp_path / "a.yaml").write_text("""version: 1
listeners: [{ address: 127.0.0.1:8080 }]
upstreams: { app: { targets: ["http://127.0.0.1:3000"] } }
rules: { mode: on, files: [rules.conf] }
""")

    def call(request, *options, name="r.http"):
        if name != "-":
            (tmp_path / name).write_bytes(request)
        done = subprocess.run([PROGRAM, "explain", "-c", "a.yaml", name, *options], cwd=tmp_path, capture_output=True,
                              input=request, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return call


def get(target):
    return f"GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n".encode()


def why(explain, target, rule):
    code, out, err = explain(get(target), "--rule", str(rule))
    assert code == 0, err
    return out.splitlines()[-2]


def test_the_detectors_say_what_they_found(explain):
    _, out, _ = explain(get("/?sql=1%27%20or%20%271%27=%271&html=%3Csvg/onload=x()%3E"))
    assert '    found                "s&s=s~: a comparison behind AND or OR"\n' in out
    assert '    in                   "<«svg»/onload=x()>"\n' in out


def test_a_match_shows_each_transformation_the_mark_and_the_sum(explain, tmp_path):
    code, out, _ = explain(get("/?a=An%2545VIL"))
    assert code == 0
    assert out == f"""r.http: "GET /?a=An%2545VIL HTTP/1.1"

10  phase 2, critical  Evil in ARGS:a
  {tmp_path}/rules.conf:7
  ARGS:a
    as it came           "An%45VIL"
    urlDecodeUni         "AnEVIL"
    lowercase            "anevil"
    matched              @rx "ev(il)"
    in                   "an«evil»"
  sets TX:score "0" -> "5"

20  phase 2  Too much: 5
  {tmp_path}/rules.conf:13
  TX:score
    as it came           "5"
    matched              @ge "5"
  action: deny

decision: blocked with 406 by rule 20; score 0, outbound 0, 2 logged
"""


def test_each_way_of_not_matching_has_its_reason(explain):
    assert why(explain, "/?a=evil", 10) == "rule 10 matched"
    assert why(explain, "/?a=good&b=fine", 10) == "rule 10 did not match: the operator did not match any of 2 values: ARGS"
    assert why(explain, "/", 10) == "rule 10 did not match: none of its targets is in the request, or all are excluded: ARGS"
    assert why(explain, "/calm?a=evil", 10).startswith(
        "rule 10 was not run: removed for this request by ctl:ruleRemoveById=10 (rule 2, ")
    assert "; ctl:ruleRemoveTargetById=11;ARGS:note took a target away (rule 2, " in why(explain, "/calm?note=hush", 11)
    assert why(explain, "/?a=evil", 99) == "rule 99 is not loaded"
    assert why(explain, "/?a=1", 12) == ("rule 12 did not match: link 2 of its chain failed: none of its targets is in the "
                                         "request, or all are excluded: ARGS:second")
    assert why(explain, "/?second=no", 12) == ("rule 12 did not match: link 2 of its chain failed: the operator did not match "
                                               "the only value: ARGS:second")
    assert why(explain, "/?a=evil", 21) == "rule 21 was not reached: rule 20 had refused the request before it"


def test_what_a_block_list_says_is_unknown_offline(explain):
    assert why(explain, "/?who=192.0.2.1", 13) == "rule 13 did not match: what a block list says is unknown here, " \
                                                  "for nobody is asked: ARGS:who"


def test_a_paranoia_level_that_is_not_on_is_named(explain, tmp_path):
    assert why(explain, "/?a=evil", 4).startswith(
        'rule 4 was not run: skipped, for its paranoia level is not on: TX:paranoia_level @lt "2" (rule 3, ')
    (tmp_path / "rules.conf").write_text(RULES.replace("tx.paranoia_level=1", "tx.paranoia_level=2"))
    assert why(explain, "/?a=evil", 4) == "rule 4 matched"


def test_the_values_that_did_not_match_are_shown_for_the_rule_that_was_asked_for(explain):
    out = explain(get("/?a=GOOD"), "--rule", "10")[1]
    assert '    lowercase            "good"\n    did not match        @rx "ev(il)"\n' in out


def test_what_a_client_sends_never_reaches_the_terminal_as_it_is(explain):
    out = explain(get("/?%1b[2J=evil%1b[31m%0d%0a"))[1]
    assert "\x1b" not in out and "\r" not in out
    assert "Evil in ARGS:\\x1b[2J" in out and '"«evil»\\x1b[31m\\r\\n"' in out


def test_what_only_the_running_program_has_is_named(explain, tmp_path):
    code, out, _ = explain(get("/"))
    assert code == 0 and "not looked at" not in out
    with open(tmp_path / "a.yaml", "a") as file:
        file.write("ip_sets: { tor: { url: 'http://127.0.0.1:1/list', on_failure: allow }, office: { addresses: [10.0.0.0/8] } }\n"
                   "access: [{ name: tor, match: { ip_set: tor }, action: block }, { name: many, match: { path: / }, action: block, "
                   "rate: { limit: 1, window: 60s } }]\n")
    said = ["ip_sets.tor.url: the list that the running program has fetched; taken as if none ever came (on_failure: allow)",
            "ip_sets: addresses that were put into the running program's (`sidegate ip-sets list` shows them)",
            "rates and quotas: what the running program has counted; this request stands for itself"]
    lines = explain(get("/"))[1].splitlines()
    assert [line for line in lines if line.startswith("not looked at: ")] == ["not looked at: " + one for one in said]
    assert lines[-1].startswith("decision: ")
    assert json.loads(explain(get("/"), "--json")[1])["not_looked_at"] == said


def test_json_says_the_same(explain):
    said = json.loads(explain(get("/?a=An%2545VIL"), "--json", "--rule", "12")[1])
    assert said["status"] == 406 and said["error"] == "waf_blocked" and said["rule"].startswith("rule 12 did not match")
    assert said["waf"] == {"action": "block", "mode": "on", "score": 0, "outbound_score": 0, "decided_by": 20, "rules": [10, 20]}
    first = said["matches"][0]
    assert first["id"] == 10 and first["message"] == "Evil in ARGS:a"
    assert first["changes"] == [{"name": "TX:score", "before": "0", "value": "5"}]
    assert first["values"] == [{
        "link": 1, "matched": True, "variable": "ARGS:a", "raw": "An%45VIL", "value": "anevil", "found": "evil", "found_at": 2,
        "transformations": [{"name": "urlDecodeUni", "value": "AnEVIL"}, {"name": "lowercase", "value": "anevil"}]}]


def test_rules_that_are_not_logged_are_shown_when_asked_for(explain):
    assert "(not logged)" not in explain(get("/"))[1]
    out = explain(get("/"), "--all")[1]
    assert '1  phase 1\n' in out and "(not logged)" in out and 'sets TX:score "0"' in out


def test_bodies_are_inspected_in_both_framings(explain):
    head = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    for rest in (b"Content-Length: 6\r\n\r\na=evil", b"Transfer-Encoding: chunked\r\n\r\n3\r\na=e\r\n3\r\nvil\r\n0\r\n\r\n"):
        assert "blocked with 406 by rule 20" in explain(head + rest)[1]
    assert "answered 408 (request_body_timeout), not by a rule" in explain(head + b"Content-Length: 9\r\n\r\na=1")[1]


def test_a_head_that_is_refused_says_so(explain):
    out = explain(b"GET /?a=evil HTTP/1.1\nHost: a.example\n\n")[1]
    assert "its lines end with LF alone" in out and "answered 400 (bare_line_feed), not by a rule; no rule looked at it" in out
    assert "blocked with 406" in explain(b"GET /?a=evil HTTP/1.1\nHost: a.example\n\n", "--crlf")[1]
    assert "answered 400 (no_host)" in explain(b"POST / HTTP/1.1\r\n\r\n")[1]


def test_a_request_comes_in_by_a_pipe_too(explain):
    assert '\ndecision: blocked with 406 by rule 20' in explain(get("/?a=evil"), name="-")[1]


def test_the_exit_code_tells_what_was_wrong(explain, tmp_path):
    assert explain(get("/"), "--rule", "x")[0] == 2
    assert explain(get("/"), "--client", "nowhere")[0] == 2
    assert explain(get("/"), "missing.http")[0] == 1
    (tmp_path / "rules.conf").write_text("SecRul ARGS x\n")
    code, out, err = explain(get("/"))
    assert code == 3 and out == "" and "rules.conf:1:1" in err
