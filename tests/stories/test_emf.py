# SPDX-License-Identifier: Apache-2.0
"""Lines in CloudWatch's Embedded Metric Format: what they say, and that each is valid by AWS's schema."""
import json
import os
import re
from pathlib import Path

import pytest
from harness import field, run, wait_until
from log_receivers import CloudwatchLogs
from test_metrics import ROUTES, RULES, Metrics, busy, by_path

SCHEMA = Path(os.environ.get("SIDEGATE_TEST_DATA", "/nowhere")) / "obs-emf" / "schema9.json"


@pytest.fixture
def emf(sidegate, backend, tmp_path):
    """emf(namespace) -> the lines of a program that was busy, by the dimensions' values."""
    (tmp_path / "rules.conf").write_text(RULES)

    def make(namespace=""):
        metrics = Metrics(sidegate(backend(by_path).url, ROUTES + f"metrics: {{ emf: {{ path: {tmp_path}/emf{namespace} }} }}\n"))
        busy(metrics)
        metrics.comes("Count", "Sum", 8, ApiName="shop")
        assert metrics.s.stop() == 0
        lines = [json.loads(line) for line in (tmp_path / "emf").read_text().splitlines()]
        assert lines
        return lines

    return make


def validate(value, schema, where="line"):
    """The keywords that this schema is made of; another one would be an error here."""
    types = {"object": dict, "array": list, "string": str, "integer": int}
    known = {"type", "title", "required", "properties", "items", "pattern", "examples", "$id",
             "minLength", "maxLength", "minItems", "maxItems"}
    assert set(schema) <= known, set(schema) - known
    assert isinstance(value, types[schema["type"]]) and not isinstance(value, bool), where
    for name in schema.get("required", []):
        assert name in value, f"{where}.{name}"
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            validate(value[name], inner, f"{where}.{name}")
    for i, item in enumerate(value if "items" in schema else []):
        validate(item, schema["items"], f"{where}[{i}]")
    if isinstance(value, str):
        assert re.search(schema.get("pattern", ""), value), where
        assert schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1 << 30), where
    if isinstance(value, list):
        assert schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 1 << 30), where


def keys_of(line):
    return tuple(line[name] for name in line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0])


def summed(lines, name):
    """By dimensions: what the lines' numbers come to; the minute may have ended meanwhile."""
    sums = {}
    for line in lines:
        if name in line:
            values = line[name] if isinstance(line[name], list) else [line[name]]
            sums[keys_of(line)] = sums.get(keys_of(line), 0) + sum(values)
    return sums


def test_each_set_of_dimensions_has_a_line_a_minute_with_all_its_metrics(emf):
    lines = emf()
    counts = summed(lines, "Count")
    assert counts[("shop",)] == counts[("shop", "prod")] == 8
    assert counts[("shop", "GET", "/pets/{id}", "prod")] == 6 and counts[("shop", "POST", "/pets", "prod")] == 1
    assert summed(lines, "4XXError")[("shop",)] == 2 and summed(lines, "5XXError")[("shop",)] == 1
    assert summed(lines, "BlockedRequests")[("abusers", "shop")] == 1
    assert sum(len(line["Latency"]) for line in lines if keys_of(line) == ("shop",)) == 8
    assert len(lines) == len({(keys_of(line), line["_aws"]["Timestamp"]) for line in lines})
    assert all(line["_aws"]["Timestamp"] % 60000 == 0 for line in lines)
    units = {m["Name"]: m["Unit"] for line in lines for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert units["Latency"] == units["IntegrationLatency"] == "Milliseconds" and units["Count"] == "Count"


def test_the_namespace_is_the_settings(emf):
    lines = emf(", namespace: Shop/Edge")
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in lines} == {"Shop/Edge"}


def test_each_line_is_valid_by_the_schema_and_names_what_it_has(emf):
    if not SCHEMA.exists():
        pytest.skip("the schema of EMF is not there: SIDEGATE_TEST_DATA")
    schema = json.loads(SCHEMA.read_text())
    broken = json.loads(json.dumps((lines := emf())[0]))
    broken["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] = "Centuries"
    with pytest.raises(AssertionError):
        validate(broken, schema)
    for line in lines:
        validate(line, schema)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        for name in directive["Dimensions"][0]:
            assert isinstance(line[name], str) and line[name]
        for metric in directive["Metrics"]:
            values = line[metric["Name"]] if isinstance(line[metric["Name"]], list) else [line[metric["Name"]]]
            assert 0 < len(values) <= 100 and all(isinstance(v, (int, float)) for v in values)


FILTERS = """
metric_filters:
  - { pattern: "{ $.method = POST }", metric: Posts }
  - { pattern: "{ $.method = POST }", metric: Statuses, namespace: Shop, value: $.status }
"""


def test_no_sample_is_lost_where_there_are_more_than_a_line_holds(sidegate, backend, tmp_path):
    s = sidegate(backend(by_path).url, FILTERS + f"metrics: {{ emf: {{ path: {tmp_path}/emf }} }}\n")
    for _ in range(250):
        assert s.ask("POST", "/pets", body="x").status == 500
    Metrics(s).comes("Posts", "Sum", 250)
    assert s.stop() == 0
    lines = [json.loads(line) for line in (tmp_path / "emf").read_text().splitlines()]
    said = {name: [v for line in lines for v in line.get(name, [])] for name in ("Posts", "Statuses", "Latency")}
    assert said["Posts"] == [1] * 250 and said["Statuses"] == [500] * 250
    assert sum(summed(lines, "Count").values()) == len(said["Latency"])
    assert max(len(line.get(name, [])) for line in lines for name in said) == 100
    for line in lines:
        if SCHEMA.exists():
            validate(line, json.loads(SCHEMA.read_text()))
        assert {m["Name"] for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} \
            == set(line) - {"_aws"} - set(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0])


def test_lines_are_accounted_for_like_those_of_other_logs(sidegate, backend, tmp_path):
    s = sidegate(backend(by_path).url, f"metrics: {{ emf: {{ path: {tmp_path}/emf }} }}\n")
    drops = json.loads(s.status("/api/v1/drops", s.admin_port)[1])["destinations"]
    (account,) = [d for d in drops if d["destination"] == "emf"]
    assert account["on"] and account["signal"] == "metrics" and account["produced"] == account["sent"] + account["waiting"]


def test_what_is_secret_in_a_request_is_in_no_line(sidegate, backend, tmp_path):
    s = sidegate(backend(by_path).url, f"metrics: {{ emf: {{ path: {tmp_path}/emf }} }}\n")
    fields = [("Authorization", "Bearer hunter2"), ("Cookie", "id=hunter2")]
    assert s.ask(target="/hunter2?token=hunter2", fields=fields).status == 200
    assert s.stop() == 0
    text = (tmp_path / "emf").read_text()
    assert "Latency" in text and "hunter2" not in text


def test_lines_without_metrics_are_refused(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("version: 1\nmetrics:\n  series: 0\n  emf: { path: /tmp/x }\n")
    code, out, err = run("check", "-c", str(file))
    assert code == 3 and "c.yaml:4:16: metrics.emf.path: there are no metrics to say: metrics.series is 0" in out + err


def test_lines_go_to_cloudwatch_logs_as_what_metrics_are_made_of_and_to_a_file_that_is_rotated(sidegate, backend, tmp_path):
    formats = []

    class Agent(CloudwatchLogs):
        def answer(self, fields, body):
            formats.append((field(fields, "x-amz-target").split(".")[1], field(fields, "x-amzn-logs-format")))
            return super().answer(fields, body)

    agent = Agent("metrics")
    cloud = f'cloudwatch_logs: {{ endpoint: "{agent.url}", log_group_name: metrics, log_stream_name: s }}'
    (tmp_path / "rules.conf").write_text(RULES)
    (tmp_path / "emf").write_text("of yesterday" * 340 + "\n")  # nearly full
    metrics = Metrics(sidegate(backend(by_path).url, ROUTES + f"metrics: {{ emf: {{ path: {tmp_path}/emf, rotate: {{ max_size: 4KiB, keep: 50 }}, {cloud} }} }}\n"))
    busy(metrics)
    metrics.comes("Count", "Sum", 8, ApiName="shop")
    assert metrics.s.stop() == 0
    files = sorted(tmp_path.glob("emf*"))
    lines = [line for file in files for line in file.read_text().splitlines() if line[0] == "{"]
    assert len(files) > 1 and all(file.stat().st_size <= 4096 for file in files) and lines
    assert sorted(agent.streams["s"]) == sorted(lines) and all(json.loads(line)["_aws"] for line in lines)
    assert set(formats) == {("PutLogEvents", "json/emf"), ("CreateLogStream", None)}
    agent.close()
