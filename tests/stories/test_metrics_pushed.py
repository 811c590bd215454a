# SPDX-License-Identifier: Apache-2.0
"""Metrics that are pushed: OTLP to a collector, each interval and once more at the end."""
import re
import signal

import pytest

from harness import wait_until
from signals import OK, Signals, attributes, messages

CUMULATIVE, DELTA = 2, 1
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(name="module", scope="module")
def module_of_messages(tmp_path_factory):
    found = messages(tmp_path_factory.mktemp("otlp"))
    if isinstance(found, str):
        pytest.skip(f"OTLP's messages cannot be read: {found}")
    return found


@pytest.fixture(name="receiver")
def receiver_of_signals(module):
    made = []

    def make(answer=None):
        made.append(Signals(module, answer))
        return made[-1]

    yield make
    for one in made:
        one.close()


def pushing(there, interval="1s", more="", traces="none"):
    return f'otlp: {{ endpoint: "{there.url}" }}\ntraces: {{ exporter: {traces} }}\n' \
           f"metrics: {{ exporter: otlp, otlp: {{ interval: {interval}{more} }} }}\n"


def figures(s):
    """What one look at the metrics says of the data points; they must add up."""
    page = s.status("/metrics")[1]
    label = r'\{destination="otlp",signal="metrics"'
    found = {name: int(re.search(rf"^sidegate_export_{name}{label}\}} (\d+)$", page, re.M).group(1))
             for name in ("produced_total", "sent_total", "queue_records")}
    dropped = sum(int(count) for count in re.findall(rf"^sidegate_export_dropped_total{label},reason=\"\w+\"\}} (\d+)$", page, re.M))
    assert found["produced_total"] == found["sent_total"] + dropped + found["queue_records"], (found, dropped)
    return found


def test_a_collector_gets_all_figures_each_interval(sidegate, backend, receiver):
    there = receiver()
    s = sidegate(backend().url, config=pushing(there))
    for i in range(30):
        assert s.ask(target=f"/{i}").status == 200
    wait_until(lambda: sum(p.count for p in there.metric("http.server.request.duration").histogram.data_points) == 30, "all are counted")
    metric = there.metric("http.server.request.duration")
    point = metric.histogram.data_points[0]
    tags = attributes(point.attributes)
    assert metric.unit == "s" and metric.histogram.aggregation_temporality == CUMULATIVE
    assert tags == {"http.request.method": "GET", "http.response.status_code": 200, "url.scheme": "http"}
    assert sum(point.bucket_counts) == point.count and len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert 0 < point.start_time_unix_nano < point.time_unix_nano
    _, scope, resource = there.metrics()[-1]
    assert scope.name == "sidegate" and resource["service.name"] == "story-sidecar"
    names = {metric.name for metric, _, _ in there.metrics()}
    assert {"http.client.request.duration", "http.server.active_requests", "sidegate.stage_duration", "sidegate.export_sent"} <= names
    wait_until(lambda: figures(s)["sent_total"] > 0, "points are counted as sent")


def test_what_deltas_sum_to_is_what_there_was(sidegate, backend, receiver):
    there = receiver()
    s = sidegate(backend().url, config=pushing(there, more=", temporality: delta"), hurried=True)
    for i in range(3):
        for _ in range(10):
            assert s.ask().status == 200
        before = len(there.kept["/v1/metrics"])
        wait_until(lambda n=before: len(there.kept["/v1/metrics"]) > n, "an interval has passed")
    s.stop()
    all_of_them = [metric for metric, _, _ in there.metrics() if metric.name == "http.server.request.duration"]
    assert all(metric.histogram.aggregation_temporality == DELTA for metric in all_of_them)
    points = [point for metric in all_of_them for point in metric.histogram.data_points]
    assert sum(point.count for point in points) == 30
    assert all(a.time_unix_nano <= b.start_time_unix_nano for a, b in zip(points, points[1:]))


def test_the_last_figures_leave_at_the_end(sidegate, backend, receiver):
    there = receiver()
    s = sidegate(backend().url, config=pushing(there, interval="1h"))
    for _ in range(7):
        assert s.ask().status == 200
    assert not there.metrics()
    s.stop()
    assert sum(p.count for p in there.metric("http.server.request.duration", 1).histogram.data_points) == 7


def test_exponential_buckets_and_exemplars_of_sampled_requests(sidegate, backend, receiver):
    there = receiver()
    s = sidegate(backend().url, config=pushing(there, more=", histograms: exponential", traces="otlp"))
    assert s.ask().status == 200
    line = s.lines(1)[0]
    point = there.metric("http.server.request.duration").exponential_histogram.data_points[0]
    assert point.count == 1 == sum(point.positive.bucket_counts) and point.scale == 4
    low, high = 2 ** (point.positive.offset / 16), 2 ** ((point.positive.offset + 1) / 16)
    assert low < line["duration_us"] / 1e6 <= high
    exemplar = next(e for metric, _, _ in there.metrics() if metric.name == "http.server.request.duration"
                    for p in metric.exponential_histogram.data_points for e in p.exemplars)
    assert (exemplar.trace_id.hex(), exemplar.span_id.hex()) == (line["trace_id"], line["span_id"])


def test_figures_that_a_collector_does_not_take_wait_in_a_spool(sidegate, backend, receiver, tmp_path):
    away = [True]
    there = receiver(lambda path: UNAVAILABLE if away[0] else OK)
    s = sidegate(backend().url, config=pushing(there) + f"process: {{ state_dir: {tmp_path / 'state'} }}\n")
    assert s.ask().status == 200
    wait_until(lambda: figures(s)["queue_records"] > 50, "figures wait")
    assert (tmp_path / "state" / "spool-metrics").is_dir()
    away[0] = False
    wait_until(lambda: figures(s)["sent_total"] > 50, "figures are sent", 30)


def test_a_reload_turns_pushing_on_and_off(sidegate, backend, receiver):
    there = receiver()
    s = sidegate(backend().url)
    assert s.ask().status == 200
    s.write(pushing(there))
    s.signal(signal.SIGHUP)
    assert sum(p.count for p in there.metric("http.server.request.duration").histogram.data_points) == 1
    s.write("")
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.metric("sidegate_config_snapshot") == 3, "the reload")
    seen = len(there.kept["/v1/metrics"])
    s.stop()
    assert len(there.kept["/v1/metrics"]) <= seen + 1  # what was under way
