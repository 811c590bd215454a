# SPDX-License-Identifier: Apache-2.0
"""Metrics in CloudWatch's way: kept by the second and the minute, asked for in GetMetricData's shape and by a command."""
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from harness import read_request, run, wait_until
from test_web_acl import PATH, starts

ROUTES = """
service: { name: shop, environment: prod }
routes:
  - { match: "GET /pets/{id}", upstream: app }
  - { match: "POST /pets", upstream: app }
rules: { files: [rules.conf] }
access:
  - { name: abusers, match: { path: /secret/* }, action: block }
  - { name: watched, match: { path: /pets/8 }, action: block, mode: detection_only }
"""
RULES = """
SecRuleEngine On
SecRule ARGS:q "@streq bad" "id:1001,phase:1,deny,status:403,log"
SecRule ARGS:q "@streq odd" "id:1002,phase:1,pass,log"
"""


def by_path(wire):
    """A backend that fails for POST and answers everything else."""
    while (request := read_request(wire)) is not None:
        status = "500 Broken" if request[0].startswith("POST") else "200 OK"
        wire.send(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok")


class Metrics:
    def __init__(self, s, clock=time.time):
        self.s, self.clock = s, clock

    def ask(self, body=None, **arguments):
        """(status, what it says); arguments go into the URI."""
        query = "?" + urllib.parse.urlencode(arguments) if arguments else ""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.s.admin_port}/api/v1/metrics{query}", data,
                                         method="GET" if body is None else "POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def total(self, name, statistic, **dimensions):
        """The statistic over the hour; None: no point."""
        query = {"Id": "m", "MetricStat": {"Metric": {
            "MetricName": name, "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()]},
            "Period": 86400, "Stat": statistic}}
        now = int(self.clock())
        status, answer = self.ask({"MetricDataQueries": [query], "StartTime": now - 3600, "EndTime": now + 1})
        assert status == 200, answer
        values = answer["MetricDataResults"][0]["Values"]
        return values[0] if values else None

    def comes(self, name, statistic, value, **dimensions):
        wait_until(lambda: self.total(name, statistic, **dimensions) == value, f"{statistic} of {name} {dimensions} to be {value}")

    def command(self, *words):
        return run("metrics", *words, "--admin", f"127.0.0.1:{self.s.admin_port}")


@pytest.fixture
def metrics(sidegate, backend, tmp_path):
    (tmp_path / "rules.conf").write_text(RULES)
    return Metrics(sidegate(backend(by_path).url, ROUTES))


def busy(metrics):
    for _ in range(3):
        assert metrics.s.ask(target="/pets/7").status == 200
    assert metrics.s.ask("POST", "/pets", body="x").status == 500
    assert metrics.s.ask(target="/pets/8").status == 200
    assert metrics.s.ask(target="/pets/9?q=odd").status == 200
    assert metrics.s.ask(target="/pets/9?q=bad").status == 403
    assert metrics.s.ask(target="/secret/1").status == 403


def test_requests_are_counted_by_service_route_and_method(metrics):
    busy(metrics)
    get = {"ApiName": "shop", "Stage": "prod", "Resource": "/pets/{id}", "Method": "GET"}
    post = {**get, "Resource": "/pets", "Method": "POST"}
    metrics.comes("Count", "Sum", 8, ApiName="shop", Stage="prod")
    metrics.comes("Count", "SampleCount", 8, ApiName="shop")
    metrics.comes("Count", "Sum", 6, **get)
    metrics.comes("4XXError", "Sum", 2, ApiName="shop")
    metrics.comes("5XXError", "Average", 1, **post)
    metrics.comes("5XXError", "Average", 0.125, ApiName="shop")
    assert 0 < metrics.total("IntegrationLatency", "p50", **get) <= metrics.total("Latency", "Maximum", **get)
    assert metrics.total("IntegrationLatency", "SampleCount", **get) == 5, "one was refused before a backend was asked"
    assert metrics.total("Latency", "SampleCount", ApiName="shop") == 8


def acl_rule(priority, name, statement, action, metric=None, counted=True):
    rule = {"Name": name, "Priority": priority, "Statement": statement, **action}
    visibility = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": counted, "MetricName": metric}
    return {**rule, "VisibilityConfig": visibility} if metric else rule


def test_rules_of_a_web_acl_are_counted_by_their_metric_names(sidegate, backend, tmp_path):
    group = "arn:aws:wafv2:eu-central-1:123456789012:regional/rulegroup/own/1"
    block, count, outer = {"Action": {"Block": {}}}, {"Action": {"Count": {}}}, {"OverrideAction": {"None": {}}}
    rules = [acl_rule(0, "watched", starts(PATH, "/watched"), count, "orders-watched"), acl_rule(1, "sqli", starts(PATH, "/sqli"), block, "orders-sqli"),
             acl_rule(2, "unnamed", starts(PATH, "/unnamed"), block), acl_rule(3, "quiet", starts(PATH, "/quiet"), block, "orders-quiet", counted=False),
             acl_rule(4, "own", {"RuleGroupReferenceStatement": {"ARN": group}}, outer, "orders-own"),
             acl_rule(5, "shop", starts(PATH, "/shop"), {"Action": {"Allow": {}}}, "orders-shop")]
    inside = {"Name": "own", "ARN": group, "Capacity": 10, "Rules": [acl_rule(0, "inside", starts(PATH, "/inside"), block, "inside")]}
    acl = {"Name": "orders", "DefaultAction": {"Block": {}}, "Rules": rules}
    (tmp_path / "web-acl.json").write_text(json.dumps({"WebACL": acl, "RuleGroups": [inside]}))
    metrics = Metrics(sidegate(backend(by_path).url, "service: { name: shop }\naccess: [{ web_acl: web-acl.json }]\n"))
    for path, status in (("/sqli", 403), ("/sqli/2", 403), ("/unnamed", 403), ("/quiet", 403), ("/inside", 403), ("/shop", 200), ("/else", 403),
                         ("/watched", 403)):
        assert metrics.s.ask(target=path).status == status, path
    metrics.comes("BlockedRequests", "Sum", 7, WebACL="shop", Rule="ALL")
    for rule, times in {"orders-sqli": 2, "unnamed": 1, "orders-own": 1, "Default_Action": 2}.items():
        metrics.comes("BlockedRequests", "Sum", times, WebACL="shop", Rule=rule)
    metrics.comes("AllowedRequests", "Sum", 1, WebACL="shop", Rule="orders-shop")
    metrics.comes("CountedRequests", "Sum", 1, WebACL="shop", Rule="orders-watched")
    listed = metrics.command("list")[1]
    for rule in ("orders ", "orders\n", "orders-quiet", "quiet", "sqli ", "inside", "own "):
        assert f"Rule={rule}" not in listed, listed


def test_what_the_firewall_does_is_counted_by_rule(metrics):
    busy(metrics)
    metrics.comes("BlockedRequests", "Sum", 2, WebACL="shop", Rule="ALL")
    metrics.comes("BlockedRequests", "Sum", 1, WebACL="shop", Rule="1001")
    metrics.comes("BlockedRequests", "Sum", 1, WebACL="shop", Rule="abusers")
    metrics.comes("CountedRequests", "Sum", 1, WebACL="shop", Rule="1002")
    metrics.comes("CountedRequests", "Sum", 1, WebACL="shop", Rule="watched")
    metrics.comes("AllowedRequests", "Sum", 6, WebACL="shop", Rule="Default_Action")


def test_metrics_are_listed_and_aws_names_of_namespaces_are_ours(metrics):
    busy(metrics)
    metrics.comes("Count", "Sum", 8, ApiName="shop")
    status, answer = metrics.ask(Namespace="AWS/ApiGateway", MetricName="Latency")
    assert status == 200
    assert [[d["Name"] for d in m["Dimensions"]] for m in answer["Metrics"]].count(["ApiName"]) == 1
    assert {m["Namespace"] for m in answer["Metrics"]} == {"Sidegate"}
    code, out, _ = metrics.command("list", "Count", "--dimension", "Resource=/pets")
    assert (code, out.split()) == (0, ["Sidegate", "Count", "ApiName=shop", "Method=POST", "Resource=/pets", "Stage=prod"])


def test_an_error_rate_is_asked_for_with_metric_math_in_a_uri(metrics):
    busy(metrics)
    metrics.comes("Count", "Sum", 8, ApiName="shop")
    stat = {"Metric": {"Namespace": "AWS/ApiGateway", "Dimensions": [{"Name": "ApiName", "Value": "shop"}]}, "Period": 86400}
    queries = [{"Id": "e", "ReturnData": False,
                "MetricStat": {**stat, "Stat": "Sum", "Metric": {**stat["Metric"], "MetricName": "5XXError"}}},
               {"Id": "r", "ReturnData": False,
                "MetricStat": {**stat, "Stat": "SampleCount", "Metric": {**stat["Metric"], "MetricName": "Count"}}},
               {"Id": "rate", "Expression": "100*e/r", "Label": "errors in percent"}]
    now = int(time.time())
    status, answer = metrics.ask(MetricDataQueries=json.dumps(queries), StartTime=now - 60, EndTime=now + 1)
    assert status == 200
    (result,) = answer["MetricDataResults"]
    assert (result["Label"], result["Values"], result["StatusCode"]) == ("errors in percent", [12.5], "Complete")


def test_the_command_shows_every_series_of_a_metric_second_by_second(metrics):
    busy(metrics)
    metrics.comes("Count", "Sum", 8, ApiName="shop")
    code, out, err = metrics.command("get", "Count", "--statistic", "Sum", "--period", "1s", "--since", "1m")
    assert code == 0, err
    assert "Count ApiName=shop Method=GET Resource=/pets/{id} Stage=prod" in out.splitlines()
    values = [float(line.split()[1]) for line in out.split("Count ApiName=shop\n")[1].split("\nCount")[0].splitlines()]
    assert sum(values) == 8
    code, out, _ = metrics.command("get", "BlockedRequests", "--statistic", "Sum", "--period", "1440m", "--dimension", "WebACL=shop",
                                   "--dimension", "Rule=ALL")
    assert out.splitlines()[0] == "BlockedRequests WebACL=shop Rule=ALL" and out.split()[-1] == "2"


def test_a_question_in_a_file_is_asked_as_it_stands(metrics, tmp_path):
    busy(metrics)
    metrics.comes("Count", "Sum", 8, ApiName="shop")
    now = int(time.time())
    (tmp_path / "q.json").write_text(json.dumps({
        "MetricDataQueries": [{"Id": "s", "Expression": "SUM(SEARCH('{Sidegate,ApiName,Stage,Resource,Method} Count', 'Sum', 86400))"}],
        "StartTime": now - 60, "EndTime": now + 1}))
    code, out, _ = metrics.command("get", "--query", str(tmp_path / "q.json"), "--json")
    assert code == 0 and json.loads(out)["MetricDataResults"][0]["Values"] == [7]  # /secret/1 has no route


@pytest.mark.parametrize("words, code, said", [
    (("get",), 2, "a metric's name, --expression or --query?"),
    (("get", "Latency", "--period", "45s"), 1, "MetricDataQueries[0].Period: expected 1, 5, 10, 20, 30"),
    (("get", "Latency", "--statistic", "p101"), 2, "--statistic: 'p101' is none of Average, Sum, Minimum, Maximum, SampleCount, p99, "),
    (("get", "Latency", "--statistic", "p9x"), 2, "--statistic: 'p9x' is none of Average, Sum, Minimum, Maximum, SampleCount, p99, "),
    (("get", "Latency", "--statistic", "average"), 2, "did you mean 'Average'?"),
    (("get", "Latency", "--statistic", "Sum', 60)"), 2, "is none of Average, "),
    (("get", "BlockedRequests"), 0, "'BlockedRequests' has no samples yet"),
    (("get", "BlockedRequests", "--dimension", "WebACL=shop", "--dimension", "Rule=ALL"), 0, "'BlockedRequests' has no samples yet"),
    (("get", "BlockedRequests", "--namespace", "Shop"), 1, "no metric is called 'BlockedRequests'"),
    (("get", "BlokedRequests"), 1, "no metric is called 'BlokedRequests' (did you mean 'BlockedRequests'?)"),
    (("get", "--expression", "AVGG(x)"), 1, "(did you mean 'AVG'?)"),
    (("get", "Latency", "--start", "yesterday"), 2, "is no time like"),
    (("get", "Latency", "--since", "soon"), 2, "is no time like"),
    (("get", "--query", "/nowhere.json"), 1, "/nowhere.json: No such file or directory"),
    (("get", "Latncy"), 1, "no metric is called 'Latncy' (did you mean 'Latency'?)"),
    (("get", "Latncy", "--json"), 1, "(did you mean 'Latency'?)"),
    (("get", "Count", "--dimension", "ApiName=shap"), 1, "no metric 'Count' has the dimensions ApiName=shap and no others; "
     "sidegate metrics list Count shows those that there are"),
    (("get", "Count", "--start", "2001-01-01T00:00:00Z", "--end", "2001-01-01T01:00:00Z"), 0, "no samples in this time"),
    (("get", "--expression", "SEARCH('{Sidegate,ApiNam} Count', 'Sum', 60)"), 1, "no metric fits; there are {Sidegate,"),
    (("get", "--expression", "SEARCH('{AWS/ApiGateway,ApiName} Cuont', 'Sum', 60)"), 1, "no metric fits; there are {Sidegate,"),
    (("get", "--expression", "SEARCH('{Shop,ApiName} Count', 'Sum', 60)", "--json"), 1, "no metric fits; there are {Sidegate,"),
    (("get", "--expression", "SEARCH('{Sidegate,ApiName} Count', 'Sum', 60)"), 0, ""),
    (("get", "--expression", "SEARCH('{Sidegate,ApiName} Count', 'Sum', 60)", "--start", "2001-01-01T00:00:00Z", "--end", "2001-01-01T01:00:00Z"),
     0, "NoSamples: a SEARCH found metrics that have no samples in this time"),
    (("get", "--expression", "SEARCH('{Sidegate,ApiName} Count', 'Sum', 60)", "--start", "2001-01-01T00:00:00Z", "--end", "2001-01-01T01:00:00Z", "--json"),
     0, "there are no samples in this time"),
    (("lst",), 2, "(did you mean 'list'?)"),
])
def test_what_is_wrong_with_a_command_is_said(metrics, words, code, said):
    assert metrics.s.ask(target="/pets/7").status == 200
    metrics.comes("Count", "Sum", 1, ApiName="shop")
    got, _, err = metrics.command(*words)
    assert got == code and said in err, err


def test_without_series_nothing_is_kept_and_that_is_said(sidegate, backend):
    metrics = Metrics(sidegate(backend(by_path).url, "metrics: { series: 0 }"))
    assert metrics.s.ask().status == 200
    status, problem = metrics.ask()
    assert (status, problem["detail"]) == (404, "metrics.series is 0")


def test_metrics_beyond_the_most_are_counted(sidegate, backend, tmp_path):
    (tmp_path / "rules.conf").write_text(RULES)
    metrics = Metrics(sidegate(backend(by_path).url, ROUTES + "metrics: { series: 12 }"))
    busy(metrics)
    wait_until(lambda: (metrics.s.metric("sidegate_metric_series_lost_total", reason="metrics") or 0) > 0, "a refusal to be counted")
    assert metrics.s.metric("sidegate_metric_series") == 12


def test_a_reload_gives_the_metrics_the_new_name(metrics):
    assert metrics.s.ask(target="/pets/7").status == 200
    metrics.comes("Count", "Sum", 1, ApiName="shop")
    metrics.s.write(ROUTES.replace("name: shop", "name: store"))
    assert run("reload", "--admin", f"127.0.0.1:{metrics.s.admin_port}")[0] == 0
    assert metrics.s.ask(target="/pets/7").status == 200
    metrics.comes("Count", "Sum", 1, ApiName="store")
    assert metrics.total("Count", "Sum", ApiName="shop") == 1
