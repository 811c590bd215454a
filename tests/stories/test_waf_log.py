# SPDX-License-Identifier: Apache-2.0
"""AWS WAF's own log record: one JSON line a request, by its documented fields, redacted and filtered."""
import json
import signal

import pytest
from harness import always_ok, run, wait_until
from test_web_acl import ALLOW, BLOCK, HEAD_RULES, NONE, PATH, document, rule, starts

QUERY_SQL = {"SqliMatchStatement": {"FieldToMatch": {"QueryString": {}}, "TextTransformations": [{"Priority": 0, "Type": "URL_DECODE"}]}}
MANAGED = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesAdminProtectionRuleSet"}}
RULES = (*HEAD_RULES, rule(5, "sqli", QUERY_SQL, BLOCK), rule(6, "managed", MANAGED, {"OverrideAction": {"None": {}}}))
KEYS = ["timestamp", "formatVersion", "webaclId", "terminatingRuleId", "terminatingRuleType", "action", "terminatingRuleMatchDetails",
        "httpSourceName", "httpSourceId", "ruleGroupList", "rateBasedRuleList", "nonTerminatingMatchingRules", "requestHeadersInserted",
        "responseCodeSent", "httpRequest", "labels", "requestBodySize", "requestBodySizeInspectedByWAF"]
ARN = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/shop/1"


def logged(sidegate, backend, tmp_path, access, waf_log="", more=""):
    s = sidegate(backend(always_ok).url, f"service: {{ name: shop }}\nwaf_log: {{ path: {tmp_path}/waf.ndjson{waf_log} }}\naccess:\n{access}\n{more}")
    s.waf = tmp_path / "waf.ndjson"
    return s


def records(s, count):
    lines = wait_until(lambda: (text := s.waf.read_text().splitlines()) and len(text) >= count and text, f"{count} records") if count else []
    return [json.loads(line) for line in lines]


def with_acl(sidegate, backend, tmp_path, *rules, waf_log=""):
    (tmp_path / "acl.json").write_text(document(*rules))
    return logged(sidegate, backend, tmp_path, f"  - {{ web_acl: {tmp_path}/acl.json }}",
                  waf_log, "ip_sets: { office: { addresses: [203.0.113.0/24] } }\n")


def test_every_outcome_of_a_web_acl_is_a_record_with_the_documented_keys(sidegate, backend, tmp_path):
    s = with_acl(sidegate, backend, tmp_path, *RULES)
    for target, status in (("/plain?a=1", 200), ("/admin", 403), ("/slow", 429), ("/beta", 200), ("/x?q=1%27%20or%20%271%27=%271", 403), ("/wp-admin/x", 403)):
        assert s.ask("GET", target, fields=[("X-Shop", "till 7")]).status == status, target
    plain, admin, slow, beta, sqli, managed = records(s, 6)
    for record in (plain, admin, slow, beta, sqli, managed):
        assert list(record) == KEYS and record["webaclId"] == ARN and record["formatVersion"] == 1
        assert (record["httpSourceName"], record["httpSourceId"]) == ("APIGW", "shop")
    assert (plain["action"], plain["terminatingRuleId"], plain["responseCodeSent"]) == ("ALLOW", "Default_Action", None)
    request = plain["httpRequest"]
    assert (request["clientIp"], request["country"], request["uri"], request["args"]) == ("127.0.0.1", "-", "/plain", "a=1")
    assert (request["httpMethod"], request["httpVersion"]) == ("GET", "HTTP/1.1")
    assert {"name": "X-Shop", "value": "till 7"} in request["headers"]
    assert request["requestId"] == s.lines(6)[0]["request_id"]
    assert (admin["action"], admin["terminatingRuleId"], admin["terminatingRuleType"], admin["responseCodeSent"]) == ("BLOCK", "admin", "REGULAR", 403)
    assert (slow["terminatingRuleId"], slow["responseCodeSent"]) == ("slow", 429)
    assert beta["nonTerminatingMatchingRules"] == [{"ruleId": "beta", "action": "COUNT", "ruleMatchDetails": []}]
    assert beta["labels"] == [{"name": "awswaf:123456789012:webacl:shop:beta"}]
    assert beta["requestHeadersInserted"] == [{"name": "x-amzn-waf-beta", "value": "yes"}]
    assert sqli["terminatingRuleMatchDetails"] == [{"conditionType": "SQL_INJECTION", "sensitivityLevel": "LOW", "location": "QUERY_STRING",
                                                    "matchedData": ["q=1", "or", "1", "=", "1"], "matchedFieldName": ""}]
    assert (managed["terminatingRuleId"], managed["terminatingRuleType"]) == ("managed", "MANAGED_RULE_GROUP")
    group = managed["ruleGroupList"][0]
    assert group["ruleGroupId"] == "AWS#AWSManagedRulesAdminProtectionRuleSet"
    assert group["terminatingRule"] == {"ruleId": "AdminProtection_URIPATH", "action": "BLOCK", "ruleMatchDetails": []}


def test_matched_data_are_the_pieces_of_an_attack_and_hold_no_secret(sidegate, backend, tmp_path):
    script = {"XssMatchStatement": {"FieldToMatch": {"SingleHeader": {"Name": "x-note"}}, "TextTransformations": NONE}}
    s = with_acl(sidegate, backend, tmp_path, rule(0, "script", script, BLOCK), rule(1, "sqli", QUERY_SQL, BLOCK))
    for note in ("<script>alert(1)</script>", '" onfocus=alert(1) x="', "a <frameset x>"):
        assert s.ask("GET", "/x", fields=[("X-Note", note)]).status == 403
    assert s.ask("GET", "/x?a=10%20AND%201=1&password=hunter2").status == 403
    assert s.ask("GET", "/x?password=hunter2'%20or%201=1").status == 403
    found = [record["terminatingRuleMatchDetails"][0] for record in records(s, 5)]
    assert [one["matchedData"] for one in found[:3]] == [["<", "script"], ["onfocus"], ["<", "frameset"]]
    assert {(one["conditionType"], one["location"], one["matchedFieldName"]) for one in found[:3]} == {("XSS", "HEADER", "x-note")}
    assert "sensitivityLevel" not in found[0] and found[3]["sensitivityLevel"] == "LOW"
    assert "hunter2" not in s.waf.read_text(), found


def test_a_rate_based_rule_says_what_it_counts(sidegate, backend, tmp_path):
    rate = {"RateBasedStatement": {"Limit": 10, "EvaluationWindowSec": 60, "AggregateKeyType": "IP"}}
    s = with_acl(sidegate, backend, tmp_path, rule(0, "flood", rate, BLOCK))
    while s.ask().status == 200:
        pass
    last = records(s, 11)[-1]
    assert (last["terminatingRuleId"], last["terminatingRuleType"]) == ("flood", "RATE_BASED")
    assert last["rateBasedRuleList"] == [{"rateBasedRuleId": "flood", "rateBasedRuleName": "flood", "limitKey": "IP", "limitValue": "127.0.0.1",
                                          "maxRateAllowed": 10, "evaluationWindowSec": 60}]


def test_the_access_list_and_seclang_are_in_it_too(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text("SecRule ARGS:q \"@detectSQLi\" \"id:7,phase:1,deny,log,msg:'no'\"\n")
    s = logged(sidegate, backend, tmp_path, "  - { name: office, match: { path: /office }, action: allow }\n"
               "  - { name: seen, match: { path: /seen }, action: block, mode: detection_only }", more=f"rules: {{ files: [{tmp_path}/own.conf] }}\n")
    for target in ("/office", "/seen", "/x?q=1%27%20or%20%271%27=%271"):
        s.ask("GET", target)
    office, seen, refused = sorted(records(s, 3), key=lambda record: record["httpRequest"]["uri"])
    assert (office["webaclId"], office["action"], office["terminatingRuleId"]) == ("shop", "ALLOW", "office")
    assert (seen["action"], seen["terminatingRuleId"]) == ("ALLOW", "Default_Action")
    assert seen["nonTerminatingMatchingRules"] == [{"ruleId": "seen", "action": "COUNT", "overriddenAction": "BLOCK", "ruleMatchDetails": []}]
    assert (refused["action"], refused["terminatingRuleId"], refused["terminatingRuleType"]) == ("BLOCK", "seclang", "GROUP")
    rule_of_group = refused["ruleGroupList"][0]["terminatingRule"]
    assert (rule_of_group["ruleId"], rule_of_group["ruleMatchDetails"][0]["location"]) == ("7", "ALL_QUERY_ARGS")
    assert rule_of_group["ruleMatchDetails"][0]["matchedFieldName"] == "q"


def test_what_is_named_is_redacted_and_credentials_are_without_being_named(sidegate, backend, tmp_path):
    s = with_acl(sidegate, backend, tmp_path, waf_log=", redacted_fields: [method, query_string, uri_path, header:x-shop]")
    s.ask("GET", "/private?a=of-nobody", fields=[("X-Shop", "till-seven"), ("Authorization", "Bearer opensesame"), ("Cookie", "sid=s3ssion")])
    request = records(s, 1)[0]["httpRequest"]
    assert {request[key] for key in ("uri", "args", "httpMethod")} == {"REDACTED"}
    text = s.waf.read_text()
    assert [word for word in ("private", "of-nobody", "till-seven", "opensesame", "s3ssion") if word in text] == []


FILTERS = [
    (", default: drop, filters: [{ behavior: keep, conditions: [action:block] }]", ["/admin"]),
    (", filters: [{ behavior: drop, conditions: [action:allow] }]", ["/admin"]),
    (", default: drop, filters: [{ behavior: keep, conditions: [action:count, action:block] }]", ["/admin", "/beta"]),
    (", default: drop, filters: [{ behavior: keep, requirement: meets_all, conditions: [action:count, 'label:awswaf:123456789012:webacl:shop:beta'] }]", ["/beta"]),
    (", filters: [{ behavior: keep, conditions: ['label:awswaf:123456789012:webacl:shop:beta'] }, { behavior: drop, conditions: [action:allow, action:block] }]", ["/beta"]),
]


@pytest.mark.parametrize("waf_log,kept", FILTERS)
def test_a_filter_keeps_and_drops_by_action_and_label(sidegate, backend, tmp_path, waf_log, kept):
    s = with_acl(sidegate, backend, tmp_path, *HEAD_RULES, waf_log=waf_log)
    for target in ("/plain", "/admin", "/beta"):
        s.ask("GET", target)
    s.lines(3)
    s.stop()
    assert [json.loads(line)["httpRequest"]["uri"] for line in s.waf.read_text().splitlines()] == kept


def test_a_reload_changes_what_is_redacted_and_where_it_goes(sidegate, backend, tmp_path):
    s = with_acl(sidegate, backend, tmp_path, *HEAD_RULES)
    s.ask("GET", "/one")
    records(s, 1)
    text = s.config.read_text()
    s.config.write_text(text.replace("waf.ndjson", "waf2.ndjson, redacted_fields: uri_path"))
    s.signal(signal.SIGHUP)
    wait_until(lambda: "configuration 2 is in force" in s.errors(), "the reload")
    s.ask("GET", "/two")
    s.waf = tmp_path / "waf2.ndjson"
    assert records(s, 1)[0]["httpRequest"]["uri"] == "REDACTED"
    assert s.metric("sidegate_export_sent_total", destination="waf_log") == 2


@pytest.mark.parametrize("wrong,why", [
    ("redacted_fields: [uri_pat]", "found 'uri_pat', expected method, query_string, uri_path or header:NAME (did you mean 'uri_path'?)"),
    ("redacted_fields: ['header:a b']", "found 'header:a b'"),
    ("filters: [{ behavior: keep, conditions: [action:deny] }]", "found 'action:deny'"),
    ("filters: [{ behavior: keep, conditions: [] }]", "waf_log.filters[].conditions"),
    ("filters: [{ conditions: [action:block] }]", "behavior"),
    ("filters: [{ behavior: hold, conditions: [action:block] }]", "drop or keep")])
def test_what_makes_no_sense_is_refused_with_its_place(tmp_path, wrong, why):
    (tmp_path / "c.yaml").write_text(f"version: 1\nlisteners: [{{ address: 127.0.0.1:0 }}]\nupstreams: {{ a: {{ targets: [\"http://127.0.0.1:9\"] }} }}\n"
                                     f"waf_log: {{ path: waf.log, {wrong} }}\n")
    code, _, said = run("check", "-c", str(tmp_path / "c.yaml"))
    assert code == 3 and why in said and "c.yaml:4:" in said


def test_config_print_gives_it_back(tmp_path):
    (tmp_path / "c.yaml").write_text("version: 1\nlisteners: [{ address: 127.0.0.1:0 }]\nupstreams: { a: { targets: [\"http://127.0.0.1:9\"] } }\n"
                                     "waf_log: { path: waf.log, redacted_fields: [method, header:x-a], default: drop, "
                                     "filters: [{ behavior: keep, conditions: [action:block, 'label:a:b'] }] }\n")
    printed = run("config", "print", "-c", str(tmp_path / "c.yaml"))[1]
    (tmp_path / "again.yaml").write_text(printed)
    assert "redacted_fields: [method, header:x-a]" in printed and "default: drop" in printed
    assert run("config", "print", "-c", str(tmp_path / "again.yaml"))[1] == printed
