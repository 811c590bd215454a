# SPDX-License-Identifier: Apache-2.0
"""Alarms of metrics that the program does not count for alarms by itself: those of metric filters, and those of the rules."""
import json

import pytest
from harness import run, wait_until
from receivers import Topic

FILTERED = """service: { name: shop }
metric_filters:
  - { pattern: "{ $.status = 5* && $.method = POST }", metric: BrokenPosts, namespace: Shop, default_value: 0 }
  - { pattern: "{ $.path = /slow* }", metric: SlowPages, dimensions: { Method: $.method } }
alarms:
  - { name: posts, namespace: Shop, metric: BrokenPosts, statistic: Sum, period: 10s, evaluation_periods: 1, threshold: 2,
      comparison_operator: GreaterThanOrEqualToThreshold, treat_missing_data: ignore, actions: [{ type: webhook, format: sns, url: "URL" }] }
  - name: rate
    period: 10s
    evaluation_periods: 1
    threshold: 40
    treat_missing_data: ignore
    comparison_operator: GreaterThanThreshold
    metrics:
      - { id: broken, namespace: Shop, metric: BrokenPosts, statistic: Sum }
      - { id: all, metric: Count, statistic: SampleCount }
      - { id: rate, expression: 100 * broken / all, return_data: true }
  - { name: slow, metric: SlowPages, dimensions: { Method: GET }, statistic: SampleCount, period: 10s, evaluation_periods: 1,
      threshold: 1, comparison_operator: GreaterThanOrEqualToThreshold, treat_missing_data: ignore }
  - { name: allowed, metric: AllowedRequests, dimensions: { Rule: ALL, WebACL: shop }, statistic: Sum, period: 10s,
      evaluation_periods: 1, threshold: 1, comparison_operator: GreaterThanOrEqualToThreshold }
"""


def test_an_alarm_rings_by_a_metric_that_a_filter_of_the_access_log_makes(sidegate):
    topic = Topic()
    try:
        s = sidegate(config=FILTERED.replace("URL", topic.url))  # nobody listens at the upstream: each request is answered 502
        alarm = lambda name: next(a for a in json.loads(s.status("/api/v1/alarms", port=s.admin_port)[1])["alarms"] if a["name"] == name)
        for _ in range(3):
            assert s.ask("POST", "/x", body="x").status == 502
        assert s.ask("GET", "/slow/1").status == 502
        wait_until(lambda: alarm("posts")["state"] == "ALARM", "the alarm to ring", 30)
        assert any(f"[{n}.0 (" in alarm("posts")["reason"] for n in (2, 3))  # a period may have ended between them
        wait_until(lambda: alarm("rate")["state"] == "ALARM", "the one by an expression", 30)
        wait_until(lambda: alarm("slow")["state"] == "ALARM", "the one by a dimension", 30)
        assert "[1.0 (" in alarm("slow")["reason"]
        data = alarm("slow")["reason_data"]
        assert [data["statistic"], data["period"], data["threshold"], data["recentDatapoints"]] == ["SampleCount", 10, 1, [1]]
        assert [point["sampleCount"] for point in data["evaluatedDatapoints"]] == [1]
        code, out, _ = run("alarms", "history", "posts", "--json", "--admin", f"127.0.0.1:{s.admin_port}")
        told = next(item for item in json.loads(out)["history"] if item["type"] == "StateUpdate" and item["state"] == "ALARM")
        assert told["reason_data"]["version"] == "1.0" and told["reason_data"]["evaluatedDatapoints"][0]["value"] >= 2
        wait_until(lambda: topic.messages, "the webhook to be told")
        trigger = topic.messages[0]["Trigger"]
        assert (trigger["Namespace"], trigger["MetricName"], trigger["Dimensions"]) == ("Shop", "BrokenPosts", [])
        # Seconds with lines of which none fits have the filter's default value.
        wait_until(lambda: s.ask("GET", "/x").status == 502 and "[0.0 (" in alarm("posts")["reason"], "the default value", 40)
        assert alarm("posts")["state"] == "OK"
        assert alarm("slow")["state"] == "ALARM"  # its metric has no default value, and what is missing is ignored
        assert alarm("allowed")["state"] == "INSUFFICIENT_DATA"
    finally:
        topic.close()


@pytest.mark.parametrize("right, wrong, said", [
    ("metric: BrokenPosts, statistic: Sum }", "metric: BrokenPost, statistic: Sum }", "metric: found 'BrokenPost', expected a metric that metric_filters make in "
     "this namespace (did you mean 'BrokenPosts'?)"),
    ("namespace: Shop, metric: BrokenPosts, statistic: Sum }", "namespace: Shap, metric: BrokenPosts, statistic: Sum }",
     "namespace: found 'Shap', expected Sidegate or a namespace of metric_filters (did you mean 'Shop'?)"),
    ("metric: SlowPages, dimensions: { Method: GET", "metric: SlowPage, dimensions: { Method: GET", "(did you mean 'SlowPages'?)"),
    ("{ Method: GET }", "{ Methud: GET }", "dimensions: unknown key 'Methud' (did you mean 'Method'?)"),
    ("{ Method: GET }", "{}", "dimensions: `Method` is missing: each of its values is a metric of its own"),
    ("{ Rule: ALL, WebACL: shop }", "{ Rule: ALL }", "dimensions: `WebACL` is missing"),
    ("WebACL: shop", "WebACL: shap", "dimensions: WebACL is the service's name, 'shop'"),
    ("metric: Count,", "metric: Count, dimensions: { Method: GET },", "unknown key 'Method' (did you mean 'method'?)"),
])
def test_an_alarm_may_name_no_metric_that_nobody_counts(tmp_path, right, wrong, said):
    config = tmp_path / "a.yaml"
    text = 'version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:2"] } }\n' + FILTERED.replace("URL", "http://127.0.0.1:1")
    config.write_text(text)
    code, _, err = run("check", "-c", str(config))
    assert code == 0, err
    assert text.count(right) == 1
    config.write_text(text.replace(right, wrong))
    code, _, err = run("check", "-c", str(config))
    assert code == 3 and said in err and "a.yaml:" in err, err
