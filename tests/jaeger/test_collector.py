# SPDX-License-Identifier: Apache-2.0
"""Spans, metrics and log records by both protocols, in the words of an OpenTelemetry Collector that has understood them."""
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "stories"))
from harness import OK, Backend, Sidegate, field, free_ports, read_request, wait_until  # noqa: E402

CONFIG = """
service: {{ name: {name} }}
otlp: {{ endpoint: "http://127.0.0.1:{port}", protocol: {protocol}, compression: {compression} }}
metrics: {{ exporter: otlp, otlp: {{ interval: 1s, histograms: {histograms}, temporality: {temporality} }} }}
logs: {{ otlp: [requests, events] }}
rules: {{ files: [{folder}/own.conf] }}
"""
SERVED, BLOCKED = 20, 5

# name: (protocol, compression, histograms, temporality)
WAYS = {
    "http": ("http/protobuf", "none", "explicit", "cumulative"),
    "http-delta": ("http/protobuf", "gzip", "exponential", "delta"),
    "grpc": ("grpc", "none", "exponential", "cumulative"),
    "grpc-delta": ("grpc", "gzip", "explicit", "delta"),
}


class Collector:
    """The process, and what it printed of a service."""

    def __init__(self, folder):
        self.grpc, self.http = free_ports(2)
        self.path = folder / "collector.log"
        self.log = open(self.path, "wb")
        self.process = subprocess.Popen([os.environ["SIDEGATE_JAEGER"], "--config", str(Path(__file__).with_name("collector.yaml"))],
                                        env=dict(os.environ, COLLECTOR_GRPC_PORT=str(self.grpc), COLLECTOR_HTTP_PORT=str(self.http)),
                                        stdout=self.log, stderr=self.log, cwd=folder)
        wait_until(lambda: self.process.poll() is not None or "Everything is ready" in self.said(), "the collector is ready", 60)
        assert self.process.poll() is None, self.said()

    def said(self):
        return self.path.read_text(errors="replace")

    def blocks(self, kind, service):
        """What it printed of one resource: kind is Spans, Metrics or Log."""
        parts = re.split(r"(?:^|\t)Resource(Spans|Metrics|Log) #\d+$", self.said(), flags=re.M)
        return [text for have, text in zip(parts[1::2], parts[2::2]) if have == kind and f"service.name: Str({service})" in text]

    def close(self):
        self.process.kill()
        self.process.wait(20)
        self.log.close()


class Told:
    """One program, its requests, and what the collector says of them."""

    def __init__(self, folder, name, collector):
        protocol, compression, self.histograms, self.temporality = WAYS[name]
        self.service, self.traces = f"{name}-sidecar", []
        (folder / "own.conf").write_text('SecRule ARGS "@contains attack" "id:1000,phase:1,deny,status:403,log,msg:\'an attack\'"\n')
        backend = Backend(self.serve)
        s = Sidegate(folder, backend.url, CONFIG.format(name=name, port=collector.grpc if protocol == "grpc" else collector.http,
                                                        protocol=protocol, compression=compression, histograms=self.histograms,
                                                        temporality=self.temporality, folder=folder))
        for number in range(SERVED):
            assert s.ask("GET", f"/{number}").status == 200
        for number in range(BLOCKED):
            assert s.ask("GET", f"/?q=attack{number}").status == 403
        destinations = lambda: json.loads(s.status("/api/v1/drops", s.admin_port)[1])["destinations"]
        wait_until(lambda: all(sum(one["dropped"].values()) == 0 and one["waiting"] == 0 for one in destinations()), "all is sent")
        self.lines = s.lines(SERVED + BLOCKED)
        assert s.stop() == 0  # with one push more
        assert "refuses" not in s.errors(), s.errors()
        backend.close()
        self.spans, self.metrics, self.logs = (collector.blocks(kind, self.service) for kind in ("Spans", "Metrics", "Log"))

    def serve(self, wire):
        while True:
            _, fields, _ = read_request(wire)
            self.traces.append(field(fields, "traceparent").split("-")[1])
            wire.send(OK)


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    one = Collector(tmp_path_factory.mktemp("collector"))
    yield one
    one.close()


@pytest.fixture(scope="module", params=WAYS)
def told(request, tmp_path_factory, collector):
    return Told(tmp_path_factory.mktemp(request.param), request.param, collector)


def test_the_collector_has_the_spans_of_each_request(told):
    text = "\n".join(told.spans)
    traces = re.findall(r"Trace ID\s*: (\w+)", text)
    assert {line["trace_id"] for line in told.lines} == set(traces) and set(told.traces) < set(traces)
    assert len(re.findall(r"Kind\s*: Server", text)) == SERVED + BLOCKED
    assert text.count("security_rule.name: Str(1000)") == BLOCKED


def test_the_collector_has_the_metrics_of_all_requests(told):
    text = "\n".join(told.metrics)
    kind = "ExponentialHistogram" if told.histograms == "exponential" else "Histogram"
    durations = re.findall(r"-> Name: http\.server\.request\.duration\n.*?(?=Metric #|\Z)", text, re.S)
    assert durations and all(f"-> DataType: {kind}\n" in one for one in durations)
    assert all(f"AggregationTemporality: {told.temporality.capitalize()}" in one for one in durations)
    counts = [sum(map(int, re.findall(r"^Count: (\d+)$", one, re.M))) for one in durations]
    assert (sum(counts) if told.temporality == "delta" else max(counts)) == SERVED + BLOCKED
    assert "-> DataType: Gauge" in text and re.search(r"-> DataType: Sum\n\s*-> IsMonotonic: true", text)


def test_the_collector_has_a_log_record_of_each_request_and_event_with_its_trace(told):
    text = "\n".join(told.logs)
    records = re.split(r"^LogRecord #\d+$", text, flags=re.M)[1:]
    traces = {line["trace_id"] for line in told.lines}
    assert all(re.search(r"Trace ID: (\w+)", one).group(1) in traces for one in records)
    counts = Counter(re.search(r"^EventName: (.*)$", one, re.M).group(1) for one in records)
    assert counts == {"sidegate.request": SERVED + BLOCKED, "waf.rule_match": BLOCKED, "waf.decision": BLOCKED}


def test_the_collector_found_nothing_wrong(told, collector):
    assert not re.findall(r"^\S+\t(?:warn|error)\t.*", collector.said(), re.M)
