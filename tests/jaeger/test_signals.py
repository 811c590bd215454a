# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry's own Collector takes all three signals, over both protocols, and says what it has understood."""
import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "stories"))
from certificates import Authority  # noqa: E402
from harness import Backend, Sidegate, free_port, wait_until  # noqa: E402

RULES = '''SecRuleEngine On
SecRule ARGS:q "@contains attack" "id:100,phase:2,deny,status:403,log,msg:'an attack'"
'''
REQUESTS, ATTACKS = 20, 5


class Collector:
    """The Collector that is in Jaeger's binary."""

    def __init__(self, folder, settings="signals.yaml"):
        self.http_port, self.grpc_port = free_port(), free_port()
        self.said = folder / "collector.log"
        ports = {"COLLECTOR_HTTP_PORT": str(self.http_port), "COLLECTOR_GRPC_PORT": str(self.grpc_port), "OTEL_TRACES_SAMPLER": "always_off"}
        self.log = open(self.said, "ab")
        self.process = subprocess.Popen(
            [os.environ["SIDEGATE_JAEGER"], "--config", str(Path(__file__).with_name(settings))],
            env={**os.environ, **ports}, stdout=self.log, stderr=self.log, cwd=folder)
        self.is_secure = settings == "secure.yaml"
        try:
            wait_until(self.is_ready, "the Collector is ready", 60)
        except AssertionError as e:
            self.close()
            raise AssertionError(f"{e}\n{self.text()}")

    def is_ready(self):
        assert self.process.poll() is None, f"the Collector ended with {self.process.returncode}"
        if self.is_secure:  # whom it lets in is the story's affair
            with socket.socket() as sock:
                return sock.connect_ex(("127.0.0.1", self.grpc_port)) == 0
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}/v1/traces", b"{}", {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10):
                return True
        except OSError:
            return False

    def text(self):
        return self.said.read_text(errors="replace")

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture(name="collector")
def a_collector(tmp_path):
    made = Collector(tmp_path)
    yield made
    made.close()


def receivers(collector):
    return {"http/protobuf": f"http://127.0.0.1:{collector.http_port}", "grpc": f"http://127.0.0.1:{collector.grpc_port}"}


def accounts(s):
    """{(signal): (produced, sent, dropped)}, as one look at the metrics has them."""
    page = s.status("/metrics")[1]
    found = {}
    for signal in ("traces", "metrics", "logs"):
        sums = []
        for name in ("produced", "sent", "dropped"):
            values = re.findall(rf'^sidegate_export_{name}_total\{{destination="otlp",signal="{signal}"[^}}]*\}} (\d+)$', page, re.M)
            sums.append(sum(int(value) for value in values))
        found[signal] = tuple(sums)
    return found


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("histograms, temporality, compression", [("explicit", "cumulative", "none"), ("explicit", "delta", "gzip"),
                                                                  ("exponential", "delta", "none"), ("exponential", "cumulative", "gzip")])
def test_the_collector_takes_all_signals(collector, tmp_path, protocol, histograms, temporality, compression):
    (tmp_path / "rules.conf").write_text(RULES)
    backend = Backend()
    s = Sidegate(tmp_path, backend.url, config=f"""
otlp: {{ endpoint: "{receivers(collector)[protocol]}", protocol: {protocol}, compression: {compression} }}
logs: {{ otlp: [requests, events] }}
metrics: {{ exporter: otlp, otlp: {{ interval: 1s, histograms: {histograms}, temporality: {temporality} }} }}
rules: {{ files: [{tmp_path}/rules.conf] }}
""")
    try:
        for i in range(REQUESTS):
            assert s.ask(target=f"/{i}").status == 200
        for _ in range(ATTACKS):
            assert s.ask(target="/?q=attack").status == 403
        ids = {line["trace_id"] for line in s.lines(REQUESTS + ATTACKS)}
        records = REQUESTS + 3 * ATTACKS  # a record each, and for an attack its match and the verdict too
        wait_until(lambda: accounts(s)["logs"] == (records, records, 0), "the log records are sent", 30)
        wait_until(lambda: accounts(s)["metrics"][1] > 0 and accounts(s)["traces"][1] > 0, "spans and points are sent", 30)
        wait_until(lambda: all(dropped == 0 for _, _, dropped in accounts(s).values()), "nothing is lost")
    finally:
        s.stop()
        backend.close()
    said = wait_until(lambda: (lambda text: text if len(re.findall(r"^LogRecord #", text, re.M)) == records else None)(collector.text()),
                      "the Collector has said all")
    assert len(re.findall(r"EventName: sidegate\.request", said)) == REQUESTS + ATTACKS
    assert len(re.findall(r"EventName: waf\.rule_match", said)) == len(re.findall(r"EventName: waf\.decision", said)) == ATTACKS
    assert ids <= set(re.findall(r"^Trace ID: (\w{32})$", said, re.M))  # of the records
    assert ids <= set(re.findall(r"^    Trace ID +: (\w{32})$", said, re.M))  # of the spans
    kind = "ExponentialHistogram" if histograms == "exponential" else "Histogram"
    assert re.search(rf"-> Name: http\.server\.request\.duration\n.*\n +-> Unit: s\n +-> DataType: {kind}\n"
                     rf" +-> AggregationTemporality: {temporality.capitalize()}\n", said)
    assert re.search(r"-> Name: sidegate\.rule_matches\n.*\n +-> Unit: \{match\}\n +-> DataType: Sum\n +-> IsMonotonic: true\n", said)
    assert "Exemplar #0" in said


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_the_collector_takes_traces_over_tls_from_who_shows_a_certificate(tmp_path, protocol):
    authority = Authority(tmp_path)
    authority.issue("there", ["IP:127.0.0.1"])
    authority.issue("us", usage="clientAuth")
    collector, backend = Collector(tmp_path, "secure.yaml"), Backend()
    url = receivers(collector)[protocol].replace("http://", "https://")
    s = Sidegate(tmp_path, backend.url, config=f"""
otlp: {{ endpoint: "{url}", protocol: {protocol}, ca_file: ca.crt, cert_file: us.crt, key_file: us.key, headers: {{ x-tenant: shop }} }}
""")
    try:
        for _ in range(3):  # over one connection, where the protocol is gRPC
            assert s.ask().status == 200
            wait_until(lambda: accounts(s)["traces"][1] > 0 and accounts(s)["traces"][0] == accounts(s)["traces"][1], "all spans are sent", 30)
        ids = {line["trace_id"] for line in s.lines(3)}
        wait_until(lambda: ids <= set(re.findall(r"^    Trace ID +: (\w{32})$", collector.text(), re.M)), "the Collector has all of them")
        assert accounts(s)["traces"][2] == 0
    finally:
        s.stop()
        backend.close()
        collector.close()
