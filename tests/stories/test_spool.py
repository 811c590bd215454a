# SPDX-License-Identifier: Apache-2.0
"""Spans wait on disk: what kills, restarts and outages do to them."""
import json
import os
import pwd
import tempfile
from pathlib import Path

import pytest
from harness import OK, Sidegate, field, free_port, has_just_rested, read_request, wait_until
from otlp import Collector


@pytest.fixture
def collector():
    """collector() -> one that ends with the story."""
    made = []

    def make(*args, **kwargs):
        made.append(Collector(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


BATCH = 512


def spooled(url, folder, more=""):
    return f'otlp: {{ endpoint: "{url}", spool: {{ path: {folder}{more} }} }}\ntraces: {{ batch: {{ size: {BATCH} }} }}'


def drops(s):
    """The whole account of the spans; it adds up at every look."""
    status, text = s.status("/api/v1/drops", s.admin_port)
    assert status == 200
    page = json.loads(text)
    otlp = next(one for one in page["destinations"] if one["destination"] == "otlp")
    assert otlp["produced"] == otlp["sent"] + otlp["waiting"] + sum(otlp["dropped"].values()), otlp
    return otlp


def ask(s, count, path="/n"):
    """So many requests that are answered; their trace ids, by the backend's traceparent."""
    client, before = s.client(), len(s.traces)
    for number in range(count):
        assert client.ask(target=f"{path}/{number}").status == 200
    client.close()
    return s.traces[before:]


@pytest.fixture
def traced(backend):
    """A backend that notes the trace of each request that it answers."""
    traces = []

    def script(wire):
        while True:
            line, fields, _ = read_request(wire)
            traces.append(field(fields, "traceparent").split("-")[1])
            wire.send(OK)

    one = backend(script)
    one.traces = traces
    return one


@pytest.fixture
def program(sidegate, traced, tmp_path):
    def start(url, **kwargs):
        s = sidegate(traced.url, spooled(url, tmp_path / "spool", kwargs.pop("more", "")), **kwargs)
        s.traces = traced.traces
        return s
    return start


def arrived(collector):
    """{trace: its spans}, and each span once."""
    traces = {}
    for span in list(collector.spans):
        traces.setdefault(span.trace_id, {}).setdefault(span.id, []).append(span)
    return traces


def fewest_spans(collector):
    """Of one trace: a stage that took no time is no span, so that not all have as many."""
    return min(len(spans) for spans in arrived(collector).values())


def whole(collector, traces, s):
    """All of these are there, each whole, and nothing waits."""
    def there():
        return set(traces) <= set(arrived(collector)) and drops(s)["waiting"] == 0
    wait_until(there, lambda: drops(s), 40)
    for trace in traces:
        spans = [spans[0] for spans in arrived(collector)[trace].values()]
        ids = {span.id for span in spans}
        assert sum(span.kind == "server" for span in spans) == 1
        assert sum(span.kind == "client" for span in spans) == 1
        for span in spans:
            assert span.kind == "server" or span.parent in ids, "a span without the one above it"
    assert sum(drops(s)["dropped"].values()) == 0
    return arrived(collector)


def test_a_collector_that_is_well_gets_every_span_once_by_way_of_the_spool(program, collector):
    there = collector()
    s = program(there.url)
    traces = ask(s, 50)
    found = whole(there, traces, s)
    assert all(len(spans) == 1 for trace in found.values() for spans in trace.values())
    assert drops(s)["spool"]["open"] and drops(s)["resent"] == 0


def test_without_a_spool_the_account_of_spans_goes_on_over_a_kill_and_what_waited_is_counted(sidegate, traced, collector):
    there = collector()
    s = sidegate(traced.url, f'otlp: {{ endpoint: "{there.url}" }}\n')
    s.traces = traced.traces
    whole(there, ask(s, 20), s)
    sent = drops(s)["sent"]
    there.close()
    ask(s, 20, "/lost")
    s.lines(40)  # each has gone the exporter's way, where its spans are made too
    wait_until(lambda: drops(s)["waiting"] >= 40, "they wait")
    before = drops(s)
    s.kill_child()
    after = drops(s)
    lost = {reason: units for reason, units in after["dropped"].items() if units > 0}
    assert (after["produced"], after["sent"], lost, after["waiting"]) == (before["produced"], sent, {"crash": before["waiting"]}, 0)


def test_what_is_not_sent_waits_on_disk_for_the_next_start(program, collector, tmp_path):
    port = free_port()
    s = program(f"http://127.0.0.1:{port}")
    traces = ask(s, 50)
    wait_until(lambda: drops(s)["spool"]["records"] == 50, "they are on disk")
    assert s.stop() == 0
    assert "wait in the spool for the next start" in s.errors() and "given up" not in s.errors()
    s = program(f"http://127.0.0.1:{port}")
    wait_until(lambda: drops(s)["spool"]["records"] == 50, "they are there")
    there = collector(address=port)
    found = whole(there, traces, s)
    assert all(len(spans) == 1 for trace in found.values() for spans in trace.values())
    assert "spans of earlier wait to be sent" in s.errors()


def test_kills_and_restarts_with_the_collector_away_lose_nothing(program, collector):
    port = free_port()
    url, traces = f"http://127.0.0.1:{port}", []
    s = program(url)
    for round in range(3):
        traces += ask(s, 40, f"/kill{round}")
        s.kill_child()
    traces += ask(s, 40, "/between")
    for round in range(2):
        assert s.stop() == 0
        s = program(url)
        traces += ask(s, 40, f"/start{round}")
    there = collector(address=port)
    traces += ask(s, 40, "/after")
    assert len(set(traces)) == 280
    found = whole(there, traces, s)
    assert len(found) == 280
    # what was on its way into the spool at a kill comes from the ring once more: the same spans, by their ids
    doubled = sum(any(len(spans) > 1 for spans in trace.values()) for trace in found.values())
    assert doubled <= 3 * 40, "only what the latest round had"


def test_a_kill_while_spans_are_under_way_loses_nothing(program, collector):
    there = collector()
    s = program(there.url)
    traces = []
    for round in range(3):
        traces += ask(s, 60, f"/kill{round}")
        s.kill_child()
    traces += ask(s, 20, "/after")
    assert len(set(traces)) == 200
    whole(there, traces, s)


def test_after_an_outage_the_old_spans_come_in_their_order(program, collector):
    order = []
    port = free_port()
    s = program(f"http://127.0.0.1:{port}")
    old = ask(s, 300, "/old")
    wait_until(lambda: drops(s)["spool"]["records"] == 300, "they are on disk")
    there = collector(address=port)
    wait_until(lambda: there.spans, "the outage is over", 40)
    fresh = ask(s, 20, "/fresh")
    whole(there, old + fresh, s)
    for span in there.spans:
        if span.kind == "server":
            order.append(span.tags["url.path"])
    told = [path for path in order if path.startswith("/old")]
    assert len(told) == 300
    batch = BATCH // fewest_spans(there)
    for place, path in enumerate(told):  # two batches are under way at once
        assert abs(int(path.removeprefix("/old/")) - place) <= 2 * batch, "the old ones come in their order"


def test_without_a_folder_spans_wait_in_memory_and_that_is_said_once(sidegate, traced, collector, tmp_path):
    (tmp_path / "file").write_text("")
    there = collector()
    s = sidegate(traced.url, spooled(there.url, tmp_path / "file"))
    s.traces = traced.traces
    traces = ask(s, 20)
    whole(there, traces, s)
    assert s.errors().count("spans wait in memory") == 1
    assert not drops(s)["spool"]["open"]


def test_a_folder_that_another_process_has_is_left_alone(sidegate, traced, collector, tmp_path):
    there = collector()
    first = sidegate(traced.url, spooled(there.url, tmp_path / "spool"))
    (tmp_path / "second").mkdir()
    second = Sidegate(tmp_path / "second", traced.url, spooled(there.url, tmp_path / "spool"))
    try:
        second.traces = traced.traces
        wait_until(lambda: "is another process's" in second.errors(), "it says so")
        traces = ask(second, 20)
        whole(there, traces, second)
        assert not drops(second)["spool"]["open"]
        assert first.stop() == 0
        wait_until(lambda: drops(second)["spool"]["open"], "the second one has it now")
        whole(there, traces + ask(second, 5), second)
    finally:
        assert second.stop() == 0


def test_what_nobody_took_before_a_kill_was_not_sent_twice(program, collector):
    """A closed port, a receiver that asks for patience: neither can have any of it."""
    there = collector(lambda batch: b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n")
    for url in (f"http://127.0.0.1:{free_port()}", there.url):
        s = program(url)
        ask(s, 20)
        wait_until(lambda: drops(s)["spool"]["records"] >= 20, "they are on disk")
        wait_until(lambda: "are kept and sent again" in s.errors(), "they were tried")
        ledger = Path(drops(s)["spool"]["path"]) / "ledger"
        wait_until(lambda: has_just_rested(ledger), "and rest")
        s.kill_child()
        assert drops(s)["resent"] == 0
        assert s.stop() == 0


def test_flipped_bytes_cost_their_record_and_stand_in_the_ledger(program, collector, tmp_path):
    port = free_port()
    s = program(f"http://127.0.0.1:{port}")
    traces = ask(s, 30)
    wait_until(lambda: drops(s)["spool"]["records"] == 30, "they are on disk")
    assert s.stop() == 0
    segment = next((tmp_path / "spool").glob("*.spool"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    s = program(f"http://127.0.0.1:{port}")
    there = collector(address=port)
    wait_until(lambda: drops(s)["waiting"] == 0, "all are settled", 40)
    found = arrived(there)
    assert len(found) == 29 and set(found) < set(traces)
    account = drops(s)
    assert account["dropped"]["corrupt"] == account["produced"] - account["sent"] > 0
    assert s.metric("sidegate_export_dropped_total", destination="otlp", reason="corrupt") == account["dropped"]["corrupt"]


def test_the_spools_figures_stand_on_the_metrics_page(program):
    s = program(f"http://127.0.0.1:{free_port()}")
    ask(s, 10)
    wait_until(lambda: s.metric("sidegate_export_spool_records", destination="otlp") == 10, "ten records")
    assert s.metric("sidegate_export_spool_bytes", destination="otlp") > 1000
    assert s.metric("sidegate_export_resent_total", destination="otlp") == 0


def test_a_spool_that_is_too_small_drops_the_oldest_and_counts_them(program, collector):
    port = free_port()
    s = program(f"http://127.0.0.1:{port}", more=", max_size: 4MiB")
    client = s.client()
    filler = "x" * 6000
    for number in range(900):
        assert client.ask(target=f"/{number}?{filler}").status == 200
    client.close()
    wait_until(lambda: drops(s)["dropped"]["spool_full"] > 0, "the oldest are dropped")
    assert drops(s)["spool"]["bytes"] <= 4 << 20
    there = collector(address=port)
    wait_until(lambda: drops(s)["waiting"] == 0, "the rest is sent", 60)
    found, account = arrived(there), drops(s)
    missing = [number for number, trace in enumerate(s.traces) if trace not in found]
    assert missing[-1] < 899
    in_hand = 2 * BATCH // fewest_spans(there)
    assert missing[-1] + 1 - len(missing) <= in_hand, "the oldest, but for the two batches that the sender had in hand"
    assert account["dropped"]["spool_full"] > 0
    assert account["sent"] == sum(len(spans) for spans in found.values()), "what was sent has arrived; the rest is dropped"


def test_the_state_dir_is_where_the_spool_is_made(sidegate, traced, tmp_path):
    s = sidegate(traced.url, f'process: {{ threads: 1, state_dir: {tmp_path}/state }}\notlp: {{ endpoint: "http://127.0.0.1:9" }}')
    wait_until(lambda: drops(s)["spool"]["open"], "the spool is open")
    assert drops(s)["spool"]["path"] == f"{tmp_path}/state/spool"
    assert (tmp_path / "state" / "spool" / "ledger").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_gives_up_being_root_keeps_the_spool_over_a_restart(sidegate, traced, collector):
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        config = (f'process: {{ threads: 1, user: nobody, state_dir: {folder}/state }}\n'
                  f'otlp: {{ endpoint: "http://127.0.0.1:{port}" }}')
        traces = []
        for count in (10, 20):
            s = sidegate(traced.url, config)
            s.traces = traced.traces
            traces += ask(s, 10)
            wait_until(lambda: drops(s)["spool"]["records"] == count, "they are on disk")
            if count == 10:
                assert s.stop() == 0
        for part in ("state", "state/spool"):
            there = os.stat(os.path.join(folder, part))
            assert there.st_uid == pwd.getpwnam("nobody").pw_uid and there.st_mode & 0o777 == 0o700
        whole(collector(address=port), traces, s)
        assert s.stop() == 0


def test_a_reload_may_turn_the_spool_off_and_on(program, collector, traced, tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    s = program(url)
    first = ask(s, 10, "/first")
    wait_until(lambda: drops(s)["spool"]["records"] == 10, "they are on disk")
    s.write(f'otlp: {{ endpoint: "{url}" }}')
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    wait_until(lambda: drops(s)["spool"] is None and drops(s)["waiting"] == 0, "they are left where they are")
    second = ask(s, 10, "/second")
    wait_until(lambda: drops(s)["waiting"] > 0, "these wait in memory")
    s.write(spooled(url, tmp_path / "spool"))
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    wait_until(lambda: drops(s)["spool"]["records"] == 20, "all are on disk")
    there = collector(address=port)
    whole(there, first + second, s)
