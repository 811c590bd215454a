# SPDX-License-Identifier: Apache-2.0
"""A WAFv2 web ACL, as AWS's API prints it, in the access list: what it blocks, what it lets on, what the log says of it."""
import base64
import json
import signal
import subprocess
import threading

import pytest
from harness import PROGRAM, always_ok, wait_until

FORM = "application/x-www-form-urlencoded"
NONE = [{"Priority": 0, "Type": "NONE"}]
VISIBILITY = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "shop"}


def starts(field, text):
    return {"ByteMatchStatement": {"SearchString": base64.b64encode(text.encode()).decode(), "FieldToMatch": field,
                                   "TextTransformations": NONE, "PositionalConstraint": "STARTS_WITH"}}


def rule(priority, name, statement, action, **more):
    return {"Name": name, "Priority": priority, "Statement": statement, "VisibilityConfig": VISIBILITY, **action, **more}


def seen(name, value):
    return {"Action": {"Count": {"CustomRequestHandling": {"InsertHeaders": [{"Name": name, "Value": value}]}}}}


SLOW = {"Action": {"Block": {"CustomResponse": {"ResponseCode": 429, "CustomResponseBodyKey": "slow",
                                                 "ResponseHeaders": [{"Name": "Retry-After", "Value": "30"}]}}}}
BLOCK, ALLOW = {"Action": {"Block": {}}}, {"Action": {"Allow": {}}}
PATH, BODY = {"UriPath": {}}, {"Body": {"OversizeHandling": "CONTINUE"}}
OFFICE = {"IPSetReferenceStatement": {"ARN": "arn:aws:wafv2:eu-central-1:123456789012:regional/ipset/office/1"}}
SQL = {"SqliMatchStatement": {"FieldToMatch": BODY, "TextTransformations": [{"Priority": 0, "Type": "URL_DECODE"}]}}


def document(*rules, default="Allow"):
    arn = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/shop/1"
    acl = {"Name": "shop", "Id": "1", "ARN": arn, "DefaultAction": {default: {}}, "Rules": list(rules), "Capacity": 31,
           "VisibilityConfig": VISIBILITY, "LabelNamespace": "awswaf:123456789012:webacl:shop:",
           "CustomResponseBodies": {"slow": {"ContentType": "TEXT_PLAIN", "Content": "slower"}}}
    return json.dumps({"WebACL": acl, "LockToken": "x"}, indent=2)


HEAD_RULES = (rule(0, "office", OFFICE, ALLOW), rule(1, "admin", starts(PATH, "/admin"), BLOCK),
              rule(2, "slow", starts(PATH, "/slow"), SLOW),
              rule(3, "beta", starts(PATH, "/beta"), seen("beta", "yes"), RuleLabels=[{"Name": "beta"}]))
BODY_RULES = (*HEAD_RULES, rule(4, "sqli", SQL, BLOCK))


class Shop:
    def __init__(self, s, backend, file):
        self.s, self.backend, self.file, self.asked = s, backend, file, 0

    def ask(self, method="GET", target="/", client="192.0.2.1", body=b""):
        fields = [("X-Forwarded-For", client)] + ([("Content-Length", str(len(body))), ("Content-Type", FORM)] if body else [])
        answer = self.s.ask(method, target, fields=fields, body=body)
        self.asked += 1
        line = self.s.lines(self.asked)[-1]
        return answer, [(d["name"], d["decision"], d["reason"]) for d in line["decisions"]], line


@pytest.fixture
def shop(sidegate, backend, tmp_path):
    def start(*rules, config="", entry="web_acl: web-acl.json", default="Allow"):
        file = tmp_path / "web-acl.json"
        file.write_text(document(*rules, default=default))
        behind = backend(always_ok)
        sets = "ip_sets: { office: { addresses: [198.51.100.0/24] } }\n"
        return Shop(sidegate(behind.url, f"{sets}access: [{{ {entry} }}]\n{config}", trusted="127.0.0.1"), behind, file)
    return start


def test_a_block_answers_as_the_gateway_does_and_the_log_has_the_rule(shop):
    answer, decisions, line = shop(*HEAD_RULES).ask(target="/admin/x")
    assert (answer.status, answer.body, answer["content-type"]) == (403, b'{"message":"Forbidden"}', "application/json")
    assert answer["x-amzn-errortype"] == "ForbiddenException"
    assert decisions == [("shop", "block", "admin")] and line["error"] == "access_denied" and line["upstream"] is None


def test_a_custom_response(shop):
    answer, decisions, _ = shop(*HEAD_RULES).ask(target="/slow")
    assert (answer.status, answer.body, answer["retry-after"]) == (429, b"slower", "30")
    assert answer["content-type"] == "text/plain" and decisions == [("shop", "block", "slow")]


def test_who_is_allowed_meets_none_of_its_rules(shop):
    answer, decisions, _ = shop(*HEAD_RULES).ask(target="/admin/x", client="198.51.100.7")
    assert (answer.status, decisions) == (200, [("shop", "allow", "office")])


def test_the_backend_gets_the_inserted_field_and_not_the_clients_own(shop):
    s = shop(*HEAD_RULES)
    s.s.ask("GET", "/beta", fields=[("x-amzn-waf-beta", "forged")])
    assert b"x-amzn-waf-beta: yes" in s.backend.heard and b"forged" not in s.backend.heard
    assert s.s.lines(1)[0]["decisions"][0]["reason"] == "beta"


def test_names_that_it_inserts_are_its_own_however_they_are_written(shop):
    s, before = shop(*HEAD_RULES, config="limits: { underscore_names: pass }"), 0
    for target in ("/beta", "/"):
        s.s.ask("GET", target, fields=[("X_Amzn_Waf_Beta", "forged"), ("X-Amzn-Waf_BETA", "forged"), ("x-amzn-waf-other", "kept")])
        heard, before = s.backend.heard[before:].lower(), len(s.backend.heard)
        assert b"forged" not in heard and b"kept" in heard and (b"x-amzn-waf-beta: yes" in heard) == (target == "/beta")


def test_in_detection_only_it_takes_no_field_out(shop):
    s = shop(*HEAD_RULES, entry="web_acl: web-acl.json, mode: detection_only")
    s.s.ask("GET", "/beta", fields=[("x-amzn-waf-beta", "the client's")])
    assert b"the client's" in s.backend.heard and b"x-amzn-waf-beta: yes" not in s.backend.heard


def test_the_default_action(shop):
    s = shop(*HEAD_RULES, default="Block")
    assert s.ask()[1] == [("shop", "block", "Default_Action")]
    assert s.ask(client="198.51.100.7")[0].status == 200


def test_a_body_is_looked_at_without_any_rules(shop):
    s = shop(*BODY_RULES)
    answer, decisions, line = s.ask("POST", "/form", body=b"id=1+union+select+1,2")
    assert (answer.status, decisions) == (403, [("shop", "block", "sqli")]) and line["upstream"] is None
    body = b"name=Ann&" + b"x" * 100_000
    assert s.ask("POST", "/form", body=body)[0].status == 200
    assert s.backend.heard.endswith(body)


def test_beside_rules_both_have_their_say(shop, tmp_path):
    (tmp_path / "own.conf").write_text('SecRequestBodyAccess On\nSecRule REQUEST_BODY "@contains attack" '
                                       '"id:1,phase:2,deny,status:418,log,msg:\'an attack\'"\n')
    s = shop(*BODY_RULES, config="rules: { files: [own.conf] }")
    assert s.ask("POST", "/", body=b"a=attack")[0].status == 418
    assert s.ask("POST", "/", body=b"a=1+union+select+1,2")[1] == [("shop", "block", "sqli")]
    assert s.ask("POST", "/admin", client="198.51.100.7", body=b"a=attack")[0].status == 418
    assert s.ask("POST", "/", body=b"a=well")[0].status == 200


def explained(s, method, target, fields, body):
    """What explain says of the same request."""
    head = "".join(f"{name}: {value}\r\n" for name, value in [("Host", "a"), ("Content-Length", len(body)), *fields])
    said = subprocess.run([PROGRAM, "explain", "-c", s.s.config, "-", "--json"], check=True, timeout=60, capture_output=True,
                          input=f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body).stdout
    return json.loads(said)


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("over, length, status, decided", [
    ("prefix", 5000, 403, True), ("pass", 5000, 403, True), ("reject", 5000, 413, False), ("prefix", 20_000, 200, False),
    ("prefix", 500, 403, True)])
def test_it_sees_as_much_as_it_asks_for_where_rules_look_at_less(shop, tmp_path, over, length, status, decided, framing):
    (tmp_path / "own.conf").write_text('SecRequestBodyAccess On\nSecRule REQUEST_BODY "@contains far" "id:1,phase:2,deny,status:418"\n')
    s = shop(*BODY_RULES, config=f"rules: {{ files: [own.conf], request_body: {{ inspect: 1KiB, over_limit: {over} }} }}\n")
    body = b"a=" + b"x" * length + b"far&id=1+union+select+1,2"
    if length < 1000:
        body = body.replace(b"far", b"")
    fields = [("X-Forwarded-For", "192.0.2.1"), ("Content-Type", FORM)]
    if framing == "length":
        answer = s.s.ask("POST", "/", fields=[*fields, ("Content-Length", str(len(body)))], body=body)
        line = s.s.lines(1)[-1]
    else:
        chunked = [*fields, ("Transfer-Encoding", "chunked")]
        answer = s.s.ask("POST", "/", fields=chunked, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        line = s.s.lines(1)[-1]
    assert answer.status == status
    assert [d["reason"] for d in line["decisions"]] == (["sqli"] if decided else [])
    if framing == "length":
        said = explained(s, "POST", "/", fields, body)
        assert (said["status"], said["decisions"]) == (status, line["decisions"])
    if status == 200:
        assert s.backend.heard.endswith(body[-100:] if framing == "length" else b"0\r\n\r\n")


def test_in_detection_only_it_says_what_it_would_do(shop):
    answer, decisions, _ = shop(*HEAD_RULES, entry="name: trial, web_acl: web-acl.json, mode: detection_only").ask(target="/admin")
    assert (answer.status, decisions) == (200, [("trial", "would_block", "admin")])


def test_explain_comes_to_the_same(shop):
    s = shop(*BODY_RULES)
    for target, body in (("/admin", b""), ("/beta", b""), ("/", b"id=1+union+select+1,2"), ("/", b"id=1")):
        answer, _, line = s.ask("POST", target, body=body)
        said = explained(s, "POST", target, [("X-Forwarded-For", "192.0.2.1")], body)
        assert (said["status"], said["decisions"]) == (answer.status, line["decisions"])


def test_check_shows_what_it_costs_and_a_fault_has_a_path(shop):
    s = shop(*BODY_RULES)
    check = [PROGRAM, "check", "-c", s.s.config]
    said = subprocess.run(check, capture_output=True, text=True, check=True, timeout=60).stdout
    assert f"web ACL: shop ({s.file}): rules 5, capacity 37 WCU\n" in said
    s.file.write_text(s.file.read_text().replace("SqliMatchStatement", "SqlMatchStatement"))
    said = subprocess.run(check, capture_output=True, text=True, timeout=60).stderr
    assert "Rules[4].Statement: 'SqlMatchStatement' is no statement (did you mean 'SqliMatchStatement'?)" in said
    s.s.signal(signal.SIGHUP)
    wait_until(lambda: "'SqlMatchStatement'" in s.s.errors(), "the fault")
    assert s.ask(target="/admin")[0].status == 403


MINE = "arn:aws:wafv2:eu-central-1:1:regional/rulegroup/mine/3"
GROUPS = (rule(0, "own", {"RuleGroupReferenceStatement": {"ARN": MINE}}, {"OverrideAction": {"None": {}}}),
          rule(1, "aws", {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}},
               {"OverrideAction": {"None": {}}}))


def test_check_and_print_show_what_web_acls_and_groups_cost(shop):
    s = shop()
    whole = json.loads(document(*GROUPS))
    whole["RuleGroups"] = [{"RuleGroup": {"Name": "mine", "ARN": MINE, "Capacity": 50,
                                          "Rules": [rule(0, "admin", starts(PATH, "/admin"), BLOCK)]}}]
    s.file.write_text(json.dumps(whole))
    lines = [f"web ACL: shop ({s.file}): rules 2, capacity 750 WCU; managed groups are rules of ours under AWS's names",
             "  rule group: mine (rule own): capacity 50 WCU, its rules cost 2",
             "  managed rule group: AWSManagedRulesCommonRuleSet (rule aws): capacity 700 WCU"]

    def said(*words):
        return subprocess.run([PROGRAM, *words, "-c", s.s.config], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "\n".join(lines) + "\n" in said("check")
    assert "".join(f"# {line}\n" for line in lines) in said("config", "print")
    assert json.loads(said("check", "--json"))["web_acls"] == [{
        "name": "shop", "rules": 2, "capacity": 750, "managed": True,
        "groups": [{"name": "mine", "rule": "own", "capacity": 50, "counted": 2, "managed": False},
                   {"name": "AWSManagedRulesCommonRuleSet", "rule": "aws", "capacity": 700, "counted": 700, "managed": True}]}]
    s.file.write_text("{}")
    assert "# web ACL: refused; `sidegate check` says why\n" in said("config", "print")


def test_a_reload_reads_the_file_again(shop):
    s = shop(*HEAD_RULES)
    assert s.ask(target="/new")[0].status == 200
    s.file.write_text(document(rule(0, "new", starts(PATH, "/new"), BLOCK)))
    s.s.signal(signal.SIGHUP)
    wait_until(lambda: s.s.ask("GET", "/new").status == 403, "the new web ACL")


JSON_BODY = {"JsonBody": {"MatchPattern": {"All": {}}, "MatchScope": "ALL", "InvalidFallbackBehavior": "MATCH", "OversizeHandling": "CONTINUE"}}


@pytest.mark.parametrize("on_failure, status, decided", [
    ("deny", 403, ("shop", "block", "over a limit: json")), ("allow", 200, ("shop", "count", "over a limit: json"))])
def test_json_that_is_nested_too_deep_is_a_failure_and_on_failure_decides(shop, on_failure, status, decided):
    s = shop(rule(0, "json", starts(JSON_BODY, "attack"), BLOCK), rule(1, "admin", starts(PATH, "/admin"), BLOCK),
             entry=f"web_acl: web-acl.json, on_failure: {on_failure}")
    deep = b"[" * 65 + b"]" * 65
    answer, decisions, line = s.ask("POST", "/", body=deep)
    assert (answer.status, decisions) == (status, [decided])
    said = explained(s, "POST", "/", [("X-Forwarded-For", "192.0.2.1")], deep)
    assert (said["status"], said["decisions"]) == (status, line["decisions"])
    assert s.ask("POST", "/admin", body=deep)[1] == [("shop", "block", "admin")]  # it spares nobody the other rules
    assert s.ask("POST", "/", body=b'["attack"]')[1] == [("shop", "block", "json")]
    assert s.ask("POST", "/", body=b"[]")[0].status == 200


# ---- rate-based rules ----

def fast(limit=10, by="IP", **more):
    return {"RateBasedStatement": {"Limit": limit, "AggregateKeyType": by, **more}}


def statuses(s, target="/", count=1, client="192.0.2.1"):
    return [s.s.ask("GET", target, fields=[("X-Forwarded-For", client)]).status for _ in range(count)]


def test_a_rate_based_rule_blocks_who_comes_too_often_and_says_so(shop):
    s = shop(rule(0, "fast", fast(ScopeDownStatement=starts(PATH, "/login")), SLOW))
    assert statuses(s, "/login", 11) == [200] * 10 + [429] and statuses(s, "/") == [200]
    assert statuses(s, "/login", client="192.0.2.2") == [200]
    line = s.s.lines(11)[10]
    assert [(d["decision"], d["reason"]) for d in line["decisions"]] == [("block", "fast: over 10 in 300 s by IP")]
    assert line["error"] == "access_denied"


def test_two_workers_together_count_exactly(shop):
    s = shop(rule(0, "fast", fast(limit=100), BLOCK), config="process: { threads: 2 }\n")
    found = []

    def ask():
        wire = s.s.client()
        found.extend(wire.ask("GET", "/", fields=[("X-Forwarded-For", "192.0.2.1")]).status for _ in range(25))
    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count(200) == 100 and found.count(403) == 300


def test_a_reload_forgets_only_the_counts_of_a_statement_that_changed(shop):
    def reload(*rules):
        before = s.s.errors().count("is in force")
        s.file.write_text(document(*rules))
        s.s.signal(signal.SIGHUP)
        wait_until(lambda: s.s.errors().count("is in force") > before, "the reload")
    s = shop(rule(0, "fast", fast(), BLOCK))
    assert statuses(s, count=11) == [200] * 10 + [403]
    reload(rule(0, "first", starts(PATH, "/no"), BLOCK), rule(1, "fast", fast(), SLOW))
    assert statuses(s) == [429]
    reload(rule(1, "fast", fast(ScopeDownStatement=starts(PATH, "/")), SLOW))
    assert statuses(s, count=11) == [200] * 10 + [429]
    reload(rule(1, "fast", fast(limit=12, ScopeDownStatement=starts(PATH, "/")), SLOW))
    assert statuses(s, count=13) == [200] * 12 + [429]
    reload(rule(1, "other", fast(limit=12, ScopeDownStatement=starts(PATH, "/")), SLOW))
    assert statuses(s) == [200]


def test_a_web_acl_that_stands_twice_counts_twice_and_each_by_itself(shop):
    entry = "name: one, web_acl: web-acl.json, mode: detection_only }, { name: two, web_acl: web-acl.json"
    s = shop(rule(0, "fast", fast(), BLOCK), entry=entry)
    assert statuses(s, count=11) == [200] * 10 + [403]
    assert [d["name"] for d in s.s.lines(11)[10]["decisions"]] == ["one", "two"]
    s.s.signal(signal.SIGHUP)
    assert statuses(s) == [403]


def test_explain_shows_a_rate_based_rule_and_counts_nothing(shop):
    s = shop(rule(0, "fast", fast(ScopeDownStatement=starts(PATH, "/login")), BLOCK))
    fields = [("X-Forwarded-For", "192.0.2.1")]
    for _ in range(11):
        said = explained(s, "GET", "/login", fields, b"")
        assert [(d["decision"], d["reason"]) for d in said["decisions"]] == [
            ("count", "fast: over 10 in 300 s by IP (nothing is counted here)")]
    assert said["status"] == 200 and explained(s, "GET", "/", fields, b"")["decisions"] == []
