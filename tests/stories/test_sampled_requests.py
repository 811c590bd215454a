# SPDX-License-Identifier: Apache-2.0
"""Sampled requests, as AWS WAF's GetSampledRequests shows them: by the metric names of rules, of the last three hours."""
import json
import signal
import time
import urllib.parse

import pytest
from harness import always_ok, run, wait_until
from test_web_acl import ALLOW, BLOCK, OFFICE, PATH, seen, starts

ARN = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/shop/1"
GROUP = "arn:aws:wafv2:eu-central-1:123456789012:regional/rulegroup/own/1"
MANAGED = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesAdminProtectionRuleSet"}}
OWN = {"RuleGroupReferenceStatement": {"ARN": GROUP}}
GROUPED = {"OverrideAction": {"None": {}}}
SETS = "ip_sets: { office: { addresses: [198.51.100.0/24] } }\n"


def visible(metric, sampled=True):
    return {"SampledRequestsEnabled": sampled, "CloudWatchMetricsEnabled": True, "MetricName": metric}


def rule(priority, name, statement, action, metric=None, sampled=True, **more):
    return {"Name": name, "Priority": priority, "Statement": statement, "VisibilityConfig": visible(metric or f"m-{name}", sampled), **action, **more}


RULES = (rule(0, "office", OFFICE, ALLOW), rule(1, "admin", starts(PATH, "/admin"), BLOCK),
         rule(2, "beta", starts(PATH, "/beta"), seen("beta", "yes"), RuleLabels=[{"Name": "beta"}]),
         rule(3, "quiet", starts(PATH, "/quiet"), BLOCK, sampled=False), rule(4, "managed", MANAGED, GROUPED), rule(5, "own", OWN, GROUPED))


def document(*rules, default="default"):
    group = {"Name": "own", "ARN": GROUP, "Capacity": 10, "VisibilityConfig": visible("unused"),
             "Rules": [rule(0, "inside", starts(PATH, "/inside"), BLOCK)]}
    acl = {"Name": "shop", "ARN": ARN, "DefaultAction": {"Allow": {}}, "Rules": list(rules), "VisibilityConfig": visible(default),
           "LabelNamespace": "awswaf:123456789012:webacl:shop:"}
    return json.dumps({"WebACL": acl, "RuleGroups": [group]})


class Shop:
    def __init__(self, s, file):
        self.s, self.file, self.asked = s, file, 0

    def ask(self, target="/", client="192.0.2.1", times=1, fields=()):
        statuses = [self.s.ask("GET", target, fields=[("X-Forwarded-For", client), *fields]).status for _ in range(times)]
        self.asked += times
        self.s.lines(self.asked)  # which are written after a sample was kept
        return statuses[-1]

    def sampled(self, **arguments):
        """(status, what it says)"""
        query = "?" + urllib.parse.urlencode(arguments) if arguments else ""
        status, text = self.s.status(f"/api/v1/sampled_requests{query}", self.s.admin_port)
        return status, json.loads(text)

    def samples(self, rule, **more):
        status, answer = self.sampled(rule=rule, **more)
        assert status == 200, answer
        assert sum(sample["Weight"] for sample in answer["SampledRequests"]) in (0, answer["PopulationSize"])
        return answer["SampledRequests"]

    def command(self, *words):
        return run("sampled-requests", *words, "--admin", f"127.0.0.1:{self.s.admin_port}")

    def reload(self, text):
        self.s.config.write_text(text)
        number = self.s.errors().count("is in force")
        self.s.signal(signal.SIGHUP)
        wait_until(lambda: self.s.errors().count("is in force") > number, "the reload")


@pytest.fixture
def shop(sidegate, backend, tmp_path):
    def start(*rules, access=None, config=""):
        file = tmp_path / "web-acl.json"
        file.write_text(document(*rules))
        access = access or "[{ web_acl: web-acl.json }]"
        return Shop(sidegate(backend(always_ok).url, f"{SETS}access: {access}\n{config}", trusted="127.0.0.1"), file)
    return start


def test_every_action_is_sampled_under_the_metric_name_of_its_rule(shop):
    s = shop(*RULES)
    assert [s.ask("/admin/x?a=1"), s.ask("/any", client="198.51.100.7"), s.ask("/beta"), s.ask("/plain")] == [403, 200, 200, 200]
    (admin,), (office,), (beta,), default = (s.samples(name) for name in ("m-admin", "m-office", "m-beta", "default"))
    assert (admin["Action"], admin["ResponseCodeSent"], admin["Weight"]) == ("BLOCK", 403, 1)
    request = admin["Request"]
    assert (request["ClientIP"], request["Country"], request["URI"]) == ("192.0.2.1", "-", "/admin/x?a=1")
    assert (request["Method"], request["HTTPVersion"]) == ("GET", "HTTP/1.1")
    assert {"Name": "X-Forwarded-For", "Value": "192.0.2.1"} in request["Headers"]
    assert abs(time.time() - time.mktime(time.strptime(admin["Timestamp"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 60
    assert (office["Action"], office["Request"]["ClientIP"]) == ("ALLOW", "198.51.100.7") and "ResponseCodeSent" not in office
    assert (beta["Action"], beta["Labels"]) == ("COUNT", [{"Name": "awswaf:123456789012:webacl:shop:beta"}])
    assert beta["RequestHeadersInserted"] == [{"Name": "x-amzn-waf-beta", "Value": "yes"}]
    assert [(sample["Action"], sample["Request"]["URI"]) for sample in default] == [("ALLOW", "/beta"), ("ALLOW", "/plain")]


def test_a_group_is_sampled_under_the_rule_that_names_it_and_says_which_of_its_rules(shop):
    s = shop(*RULES)
    assert [s.ask("/wp-admin/x"), s.ask("/inside")] == [403, 403]
    assert [sample["RuleNameWithinRuleGroup"] for sample in s.samples("m-managed")] == ["AWS#AWSManagedRulesAdminProtectionRuleSet#AdminProtection_URIPATH"]
    for metric in ("m-own", "m-inside"):
        assert [(sample["RuleNameWithinRuleGroup"], sample["Action"]) for sample in s.samples(metric)] == [("own#inside", "BLOCK")]


def test_what_only_detects_counts_and_says_what_it_would_have_done(shop):
    s = shop(*RULES, access="[{ web_acl: web-acl.json, mode: detection_only }]")
    assert s.ask("/admin") == 200
    assert [(sample["Action"], sample["OverriddenAction"]) for sample in s.samples("m-admin")] == [("COUNT", "BLOCK")]


def test_of_many_at_most_as_many_as_asked_for_whose_weights_sum_to_all(shop):
    s = shop(*RULES)
    s.ask("/admin", times=230)
    for most in (1, 7, 100):
        status, answer = s.sampled(rule="m-admin", max=most)
        assert status == 200 and answer["PopulationSize"] == 230
        assert 0.9 * most <= len(answer["SampledRequests"]) <= most
        assert sum(sample["Weight"] for sample in answer["SampledRequests"]) == 230
    times = [sample["Timestamp"] for sample in s.samples("m-admin", max=500)]
    assert times == sorted(times)


def test_a_window_holds_what_came_in_it(shop):
    s = shop(*RULES)
    now = int(time.time())
    s.ask("/admin", times=3)
    at = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds))
    assert len(s.samples("m-admin", start=at(-60), end=at(60))) == 3
    assert len(s.samples("m-admin", start=now - 60)) == 3
    assert s.samples("m-admin", start=at(-600), end=at(-60)) == []
    _, answer = s.sampled(rule="m-admin", start=now - 86400)
    assert answer["TimeWindow"]["StartTime"] >= at(-3 * 3600) and answer["TimeWindow"]["EndTime"] <= at(60)


def test_without_sampled_requests_enabled_nothing_is_kept_and_asking_says_why(shop):
    s = shop(*RULES)
    assert s.ask("/quiet") == 403
    status, answer = s.sampled(rule="m-quiet")
    assert status == 404 and "its VisibilityConfig does not say SampledRequestsEnabled" in answer["detail"]
    assert s.samples("m-own") == [] and s.samples("default") == []


def test_credentials_secrets_and_what_is_redacted_are_in_no_sample(shop, tmp_path):
    (tmp_path / "own.conf").write_text('SecAction "id:1,phase:1,pass,nolog,sanitiseArg:q,sanitiseRequestHeader:X-Pin"\n')
    s = shop(*RULES, config=f"waf_log: {{ redacted_fields: [header:x-shop] }}\nrules: {{ mode: on, files: [{tmp_path}/own.conf] }}\n")
    s.ask("/plain?q=of-nobody&password=hunter2&b=1", fields=[
        ("X-Shop", "till-seven"), ("Authorization", "Bearer opensesame"), ("Cookie", "sid=s3ssion"), ("X-Pin", "4711-0815"),
        ("X-Api-Key", "k3y-of-mine"), ("Referer", "https://a.example/?token=t0ken")])
    s.ask("/note", fields=[("X-Note", "ghp_0123456789abcdefghijABCDEFGHIJ456789")])  # by pattern alone
    for text in (s.sampled(rule="default")[1], s.command("default", "--json")[1]):
        assert "till-seven" not in str(text) and "/plain?" in str(text) and "b=1" in str(text)
        assert [word for word in ("of-nobody", "hunter2", "opensesame", "s3ssion", "4711-0815", "k3y-of-mine", "t0ken", "ghp_0123") if word in str(text)] == []
    text = s.s.config.read_text()
    s.reload(text.replace("[header:x-shop]", "[uri_path, query_string, method]"))
    s.ask("/private?a=1")
    request = s.samples("default")[-1]["Request"]
    assert (request["URI"], request["Method"]) == ("REDACTED?REDACTED", "REDACTED")


def test_secrets_in_fields_that_rules_insert_are_in_no_sample_and_no_log(shop, tmp_path):
    secrets = {"x-api-key": "k3y-of-mine", "note": "ghp_0123456789abcdefghijABCDEFGHIJ456789", "session": "s3cr3t-one", "shade": "of grey"}
    insert = {"Action": {"Count": {"CustomRequestHandling": {"InsertHeaders": [{"Name": n, "Value": v} for n, v in secrets.items()]}}}}
    s = shop(rule(0, "note", starts(PATH, "/noted"), insert), config=f"waf_log: {{ path: {tmp_path}/waf.log }}\n")
    s.ask("/noted")
    log = wait_until(lambda: (tmp_path / "waf.log").read_text(), "a line")
    for said in (str(s.sampled(rule="m-note")[1]), str(s.sampled(rule="default")[1]), log):
        assert "x-amzn-waf-x-api-key" in said and "of grey" in said
        assert [name for name, secret in secrets.items() if secret in said and name != "shade"] == []


def test_a_reload_keeps_the_samples_of_rules_that_are_still_there(shop):
    s = shop(*RULES)
    s.ask("/admin")
    s.file.write_text(document(*RULES[1:], rule(9, "new", starts(PATH, "/new"), BLOCK)))
    s.reload(s.s.config.read_text())
    s.ask("/admin"), s.ask("/new")
    assert [len(s.samples(name)) for name in ("m-admin", "m-new")] == [2, 1]
    s.reload(s.s.config.read_text() + "sampled_requests: { of: off }\n")
    assert s.sampled(rule="m-admin") == (404, {"status": 404, "title": "Not Found", "detail": "sampled_requests.of is off"})
    s.ask("/admin")
    s.reload(s.s.config.read_text().replace("of: off", "of: web_acls"))
    assert s.samples("m-admin") == []


def test_all_has_entries_of_the_access_list_and_rules_of_seclang(shop, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS:q "@streq bad" "id:1001,phase:1,deny,log"\nSecRule ARGS:q "@streq odd" "id:1002,phase:1,pass,log"\n')
    entries = "[{ name: abusers, match: { path: /secret/* }, action: block }, { name: watched, match: { path: /w }, action: block, mode: detection_only }]"
    s = shop(access=entries, config=f"rules: {{ mode: on, files: [{tmp_path}/own.conf] }}\nsampled_requests: {{ of: all }}\n")
    assert s.samples("1002") == []
    assert [s.ask("/secret/x"), s.ask("/w"), s.ask("/?q=bad"), s.ask("/?q=odd")] == [403, 200, 403, 200]
    actions = {name: [(sample["Action"], sample.get("OverriddenAction")) for sample in s.samples(name)] for name in ("abusers", "watched", "1001", "1002")}
    assert actions == {"abusers": [("BLOCK", None)], "watched": [("COUNT", "BLOCK")], "1001": [("BLOCK", None)], "1002": [("COUNT", None)]}
    assert [sample["Request"]["URI"] for sample in s.samples("Default_Action")] == ["/w", "/?q=odd"]


def test_entries_and_rules_of_seclang_are_not_sampled_unless_asked_for(shop):
    s = shop(*RULES, access="[{ name: abusers, match: { path: /secret/* }, action: block }, { web_acl: web-acl.json }]")
    s.ask("/secret/x")
    assert s.sampled(rule="abusers")[0] == 404


@pytest.mark.parametrize("arguments,status,why", [
    ({"rule": "m-admni"}, 404, "no rule has the metric name 'm-admni' (did you mean 'm-admin'?)"),
    ({"rule": "zzzzzzzzz"}, 404, "without an argument all are listed"),
    ({"max": "5"}, 400, "rule: expected the metric name of a rule"),
    ({"rule": "m-admin", "max": "501"}, 400, "max: expected a number from 1 to 500"),
    ({"rule": "m-admin", "max": "many"}, 400, "max: expected a number"),
    ({"rule": "m-admin", "start": "noon"}, 400, "start: expected a time like"),
    ({"rule": "m-admin", "start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, 400, "start first"),
    ({"rule": "m-admin", "weba_cl": "x"}, 400, "unknown argument 'weba_cl' (did you mean 'web_acl'?)"),
    ({"rule": "m-admin", "web_acl": "other"}, 404, "no rule has the metric name")])
def test_wrong_arguments_are_answered_with_what_was_expected(shop, arguments, status, why):
    s = shop(*RULES)
    code, answer = s.sampled(**arguments)
    assert code == status and why in answer["detail"], answer


def test_rules_with_one_metric_name_count_a_request_once_and_what_ended_it_is_told(shop):
    s = shop(rule(0, "all", starts(PATH, "/"), seen("all", "yes"), metric="one"), rule(1, "beta", starts(PATH, "/beta"), BLOCK, metric="one"))
    assert [s.ask("/beta"), s.ask("/plain"), s.ask("/beta")] == [403, 200, 403]
    assert [(sample["Action"], sample["Weight"]) for sample in s.samples("one")] == [("BLOCK", 1), ("COUNT", 1), ("BLOCK", 1)]


def test_two_web_acls_with_one_metric_name_are_told_apart(shop, tmp_path):
    (tmp_path / "other.json").write_text(document(rule(0, "admin", starts(PATH, "/other"), BLOCK)).replace("webacl/shop", "webacl/other").replace('"Name": "shop"', '"Name": "other"'))
    s = shop(*RULES, access="[{ web_acl: web-acl.json }, { web_acl: other.json }]")
    s.ask("/other")
    status, answer = s.sampled(rule="m-admin")
    assert status == 400 and "is in more than one web ACL: say web_acl" in answer["detail"]
    assert len(s.samples("m-admin", web_acl="other")) == 1 and s.samples("m-admin", web_acl=ARN) == []


def test_the_command_shows_a_table_and_lists_what_there_is(shop):
    s = shop(*RULES)
    s.ask("/admin/x"), s.ask("/beta"), s.ask("/inside")
    code, out, _ = s.command("m-admin")
    line = out.splitlines()[1].split()
    assert code == 0 and line[1:] == ["1", "BLOCK", "192.0.2.1", "-", "GET", "/admin/x"]
    assert out.splitlines()[-1].startswith("1 of 1 requests, ")
    assert s.command("admin")[1].splitlines()[1] == out.splitlines()[1]  # by the rule's own name
    assert s.command("m-own", "--since", "15m", "--max", "5")[1].splitlines()[1].endswith("/inside  by own#inside")
    code, out, _ = s.command()
    rows = {line.split()[1]: line.split()[2:] for line in out.splitlines()[1:]}
    assert code == 0 and rows["m-admin"] == ["1", "1"] and rows["m-quiet"] == ["0", "0", "not", "sampled"] and rows["default"] == ["1", "1"]
    code, _, err = s.command("m-admni")
    assert code == 1 and "did you mean 'm-admin'?" in err
    assert s.command("m-admin", "--since", "soon")[0] == 2 and s.command("--max", "5")[0] == 2


@pytest.mark.parametrize("wrong,why", [
    ({"SampledRequestsEnabled": "yes", "MetricName": "m"}, "'SampledRequestsEnabled' is true or false"),
    ({"SampledRequestsEnabled": True, "MetricName": "a b"}, "'MetricName' has 1 to 255 of letters"),
    ({"SampledRequestsEnabled": True}, "MetricName")])
def test_a_visibility_config_that_makes_no_sense_is_refused(tmp_path, wrong, why):
    (tmp_path / "acl.json").write_text(document({**rule(0, "admin", starts(PATH, "/admin"), BLOCK), "VisibilityConfig": wrong}))
    (tmp_path / "c.yaml").write_text(f"version: 1\nlisteners: [{{ address: 127.0.0.1:0 }}]\nupstreams: {{ a: {{ targets: [\"http://127.0.0.1:9\"] }} }}\n"
                                     f"access: [{{ web_acl: {tmp_path}/acl.json }}]\n")
    code, _, said = run("check", "-c", str(tmp_path / "c.yaml"))
    assert code == 3 and why in said and "Rules[0].VisibilityConfig" in said
