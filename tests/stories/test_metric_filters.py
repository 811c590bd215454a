# SPDX-License-Identifier: Apache-2.0
"""Metric filters: lines of the access log that fit a pattern become samples of a metric."""
import pytest
from harness import run, wait_until
from test_metrics import Metrics, by_path

FILTERS = """
service: { name: shop }
metric_filters:
  - { pattern: "{ $.status = 5* && $.method = POST }", metric: BrokenPosts, default_value: 0 }
  - { pattern: "{ $.path = /slow* }", metric: SlowTime, namespace: Shop, value: $.duration_us, dimensions: { Method: $.method } }
  - { pattern: nosuchword, metric: Never }
  - { pattern: "{ $.path = %^/(slow|x)/[0-9]{1,2}$% }", metric: Numbered }
"""


def count(metrics, namespace, name, statistic="SampleCount", **dimensions):
    query = {"Id": "m", "MetricStat": {"Period": 86400, "Stat": statistic, "Metric": {
        "Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()]}}}
    status, answer = metrics.ask({"MetricDataQueries": [query], "StartTime": 1795254000, "EndTime": 1795254000 + 86400 * 30})
    assert status == 200, answer
    return sum(answer["MetricDataResults"][0]["Values"])


def test_lines_that_fit_a_pattern_are_samples_of_a_metric(sidegate, backend):
    metrics = Metrics(sidegate(backend(by_path).url, FILTERS))
    for _ in range(2):
        assert metrics.s.ask("POST", "/x", body="x").status == 500
    assert metrics.s.ask(target="/slow/1").status == 200
    assert metrics.s.ask("POST", "/slow/2", body="x").status == 500
    wait_until(lambda: count(metrics, "Sidegate", "BrokenPosts", "Sum") == 3, "three broken ones")
    wait_until(lambda: count(metrics, "Shop", "SlowTime", Method="GET") == 1, "a slow one")
    assert count(metrics, "Shop", "SlowTime", Method="POST") == 1
    assert count(metrics, "Shop", "SlowTime", "Minimum", Method="GET") > 0
    assert count(metrics, "Sidegate", "Never") == 0
    assert count(metrics, "Sidegate", "Numbered") == 2
    code, out, _ = metrics.command("list", "SlowTime")
    assert code == 0 and "Shop       SlowTime" in out and "Method=POST" in out


def test_values_that_are_no_numbers_are_counted_as_lost(sidegate, backend):
    metrics = Metrics(sidegate(backend(by_path).url, "metric_filters: [{ pattern: '{ $.path = /x* }', metric: Odd, value: $.path }]\n"))
    for _ in range(3):
        assert metrics.s.ask(target="/x").status == 200
    wait_until(lambda: metrics.s.metric("sidegate_metric_series_lost_total", reason="filters") == 3, "three of them to be counted")
    assert count(metrics, "Sidegate", "Odd") == 0


def test_a_log_by_a_template_is_filtered_by_its_fields(sidegate, backend, tmp_path):
    metrics = Metrics(sidegate(backend(by_path).url, f"""
access_log: {{ path: {tmp_path}/access.log, format: '$context.identity.sourceIp "$context.httpMethod $context.path" $context.status $context.requestId' }}
metric_filters:
  - {{ pattern: '[ip, request = "POST *", status = 5*, id]', metric: BrokenPosts, value: $status }}
"""))
    assert metrics.s.ask("POST", "/x", body="x").status == 500
    assert metrics.s.ask(target="/x").status == 200
    wait_until(lambda: count(metrics, "Sidegate", "BrokenPosts", "Sum") == 500, "the status as a value")


def test_a_reload_takes_other_filters(sidegate, backend):
    metrics = Metrics(sidegate(backend(by_path).url, FILTERS))
    metrics.s.write(FILTERS.replace("nosuchword", "GET"))
    assert run("reload", "--admin", f"127.0.0.1:{metrics.s.admin_port}")[0] == 0
    assert metrics.s.ask(target="/x").status == 200
    wait_until(lambda: count(metrics, "Sidegate", "Never") == 1, "the new pattern to fit")


@pytest.mark.parametrize("wrong, said", [
    ('pattern: "{ $.status = }", metric: m', "c.yaml:3:30: pattern: a value is expected here"),
    ('pattern: "[a, b", metric: m', "c.yaml:3:22: pattern: expected ']'"),
    ("pattern: x, metric: Latency", "metric_filters[].metric: Latency is counted already: another name, or namespace"),
    ("pattern: x, metric: m, namespace: AWS/X", "namespaces that begin with AWS/ are those of AWS's own metrics"),
    ("pattern: x, metric: m, value: many", "value: found 'many', expected a number, or where one stands"),
    ('pattern: "{ $.a = 1 }", metric: m, value: $bytes', "$.name is for lines of JSON"),
    ("pattern: x, metric: m, default_value: 0, dimensions: { A: $.a }", "metric_filters[].default_value: a metric with dimensions has none"),
    ("pattern: x, metric: m, dimensions: { A: $.a, B: $.b, C: $.c, D: $.d }", "expected one to three names and selectors"),
    ("pattern: 'a %(b%', metric: m", "c.yaml:3:22: pattern: missing closing parenthesis"),
    ("pattern: x", "metric"),
    ("pattern: x, metrik: m", "did you mean 'metric'?"),
])
def test_what_is_wrong_is_said_with_its_place(tmp_path, wrong, said):
    file = tmp_path / "c.yaml"
    file.write_text(f"version: 1\nmetric_filters:\n  - {{ {wrong} }}\n")
    code, out, err = run("check", "-c", str(file))
    assert code == 3 and said in out + err and "c.yaml:3:" in out + err, out + err


def test_without_an_access_log_there_is_nothing_to_filter(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("version: 1\naccess_log: { path: off }\nmetric_filters: [{ pattern: x, metric: m }]\n")
    code, out, err = run("check", "-c", str(file))
    assert code == 3 and "metric_filters: they read the lines of the access log, which is off" in out + err
