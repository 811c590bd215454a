# SPDX-License-Identifier: Apache-2.0
"""/metrics in both forms, read by the Prometheus project's own Python parsers."""
import importlib
import subprocess
import urllib.request

import pytest

from otlp import ask_traced, otlp
from packages import python_packages, unpacked

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"
PROMETHEUS_2 = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")


@pytest.fixture(name="parsers", scope="module")
def parsers_of_prometheus():
    """(of OpenMetrics, of the text format)"""
    why = python_packages("python3-prometheus-client", "python3-decorator")
    if why:
        pytest.skip(f"prometheus_client is not there: {why}")
    return (importlib.import_module("prometheus_client.openmetrics.parser").text_string_to_metric_families,
            importlib.import_module("prometheus_client.parser").text_string_to_metric_families)


def page(s, accept=None):
    request = urllib.request.Request(f"http://127.0.0.1:{s.status_port}/metrics", headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_prometheus_own_parser_reads_the_page_in_openmetrics(sidegate, backend, collector, parsers):
    there = collector()
    s = sidegate(backend().url, config=otlp(there.url))
    line = ask_traced(s)
    kind, text = page(s, PROMETHEUS_2)
    assert kind == OPEN and text.endswith("\n# EOF\n")
    families = {family.name: family for family in parsers[0](text)}
    duration = families["http_server_request_duration_seconds"]
    assert (duration.type, duration.unit) == ("histogram", "seconds")
    exemplars = [sample.exemplar for sample in duration.samples if sample.exemplar]
    assert [(e.labels["trace_id"], e.labels["span_id"]) for e in exemplars] == [(line["trace_id"], line["span_id"])]
    assert abs(exemplars[0].value - line["duration_us"] / 1e6) < 1e-6
    assert families["sidegate_connections_accepted"].type == "counter"
    assert families["sidegate_build"].type == "info"
    assert any(sample.name == "sidegate_connections_accepted_created" for sample in families["sidegate_connections_accepted"].samples)


def test_both_forms_have_the_same_series(sidegate, backend, parsers):
    s = sidegate(backend().url)
    for i in range(20):
        assert s.ask(target=f"/{i}").status == 200
    kind, plain = page(s, "text/plain")
    assert kind == PLAIN == page(s)[0]

    def series(families):
        return {(sample.name, tuple(sorted(sample.labels.items()))) for family in families for sample in family.samples
                if not sample.name.endswith("_created")}

    assert series(parsers[0](page(s, OPEN)[1])) == series(parsers[1](plain))


def test_what_is_not_sampled_is_no_exemplar(sidegate, backend, collector):
    there = collector()
    s = sidegate(backend().url, config=otlp(there.url, traces="sampler: always_off"))
    ask_traced(s)
    assert "trace_id" not in page(s, OPEN)[1]


def test_two_thousand_label_sets_and_one_for_the_rest_in_openmetrics(sidegate, backend, parsers):
    routes = "".join(f'  - {{ match: "GET /r{i}", upstream: app }}\n' for i in range(2050))
    s = sidegate(backend().url, config="routes:\n" + routes)
    client = s.client()
    for i in range(2050):
        assert client.ask(target=f"/r{i}").status == 200
    client.close()
    families = {family.name: family for family in parsers[0](page(s, OPEN)[1])}
    counts = [sample for sample in families["http_server_request_duration_seconds"].samples if sample.name.endswith("_count")]
    rest = [sample for sample in counts if sample.labels == {"otel_metric_overflow": "true"}]
    assert len(counts) == 2001 and [sample.value for sample in rest] == [50]


def test_promtool_finds_nothing_to_say(sidegate, backend):
    """Of the text format, which is the one that it reads."""
    found = unpacked("prometheus")
    if isinstance(found, str):
        pytest.skip(f"promtool is not there: {found}")
    s = sidegate(backend().url)
    for i in range(5):
        assert s.ask(target=f"/{i}").status == 200
    done = subprocess.run([found[0] / "usr/bin/promtool", "check", "metrics"], input=page(s)[1], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
