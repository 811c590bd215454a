# SPDX-License-Identifier: Apache-2.0
"""Traces: what leaves for the collector, what does not, and that no request ever waits for it."""
import json
import re

import pytest

from harness import OK, field, free_port, read_request, wait_until
from otlp import Collector, ask_traced, keeping, otlp, server_span

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVICE_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
SERVER_ERROR = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"


def figures(s):
    """What one look at the metrics says of the spans: produced, sent, dropped, waiting and the drops by reason."""
    page, reasons = s.status("/metrics")[1], {}
    for reason, count in re.findall(r'^sidegate_export_dropped_total\{destination="otlp",signal="traces",reason="(\w+)"\} (\d+)$',
                                    page, re.M):
        reasons[reason] = int(count)

    def one(name):
        return int(re.search(rf'^sidegate_export_{name}\{{destination="otlp",signal="traces"\}} (\d+)$', page, re.M).group(1))

    found = {"produced": one("produced_total"), "sent": one("sent_total"), "waiting": one("queue_records"),
             "dropped": sum(reasons.values()), "reasons": reasons}
    assert found["produced"] == found["sent"] + found["dropped"] + found["waiting"], found
    return found


def settled(s, is_so, what, seconds=30):
    """The figures once they are so; at every look on the way they must add up."""
    return wait_until(lambda: (lambda now: now if is_so(now) else None)(figures(s)), what, seconds)


def asks_without_waiting(s, count):
    """Each answer is 200 within 2 s (the shortest wait for a collector would be its timeout of 10 s); figures add up all along."""
    client = s.client()
    client.sock.settimeout(2)
    for i in range(count):
        assert client.ask(target=f"/{i}").status == 200
        if i % 25 == 0:
            figures(s)
    client.close()


def test_a_collector_that_is_well_gets_every_span(sidegate, backend, collector):
    there = collector()
    s = sidegate(backend().url, config=otlp(there.url))
    asks_without_waiting(s, 300)
    now = settled(s, lambda f: f["waiting"] == 0 and f["sent"] > 0 and len(s.lines()) == 300, "everything is sent")
    assert now["sent"] == now["produced"] == len(there.spans) and now["dropped"] == 0
    assert sum(span.kind == "server" for span in there.spans) == 300
    assert len({span.id for span in there.spans}) == len(there.spans)


def test_a_backend_that_refuses_is_named_in_span_and_line(sidegate, collector):
    there, port = collector(), free_port()
    s = sidegate(f"http://127.0.0.1:{port}", config=otlp(there.url))
    assert s.ask(target="/n").status == 502
    call = wait_until(lambda: next((span for span in there.spans if span.kind == "client"), None), "the attempt's span")
    assert (call.tags["server.address"], call.tags["server.port"]) == ("127.0.0.1", port)
    assert call.tags["url.full"] == f"http://127.0.0.1:{port}/n" and call.tags["error.type"] == "connection_refused"
    assert s.lines()[0]["upstream"]["address"] == f"127.0.0.1:{port}"


def test_a_collector_that_hangs_delays_nobody(sidegate, backend, collector):
    there = collector(lambda batch: None)
    s = sidegate(backend().url, config=otlp(there.url) + "timeouts: { drain_delay: 0, drain: 1s }")
    asks_without_waiting(s, 300)
    now = settled(s, lambda f: f["waiting"] >= 300 and there.batches > 0, "spans wait")
    assert now["sent"] == now["dropped"] == 0
    assert s.stop() == 0


def test_a_collector_that_hangs_for_a_while_gets_everything_in_the_end(sidegate, backend, collector):
    there = collector(lambda batch: None if batch == 1 else Collector.OK)
    s = sidegate(backend().url, config=otlp(there.url, ", timeout: 1s"))
    asks_without_waiting(s, 100)
    now = settled(s, lambda f: f["waiting"] == 0 and f["sent"] > 0, "everything is sent")
    assert now["sent"] == now["produced"] and now["dropped"] == 0
    assert sum(span.kind == "server" for span in there.spans) == 100


def test_a_collector_that_is_not_there_is_waited_for(sidegate, backend, collector):
    port = free_port()
    s = sidegate(backend().url, config=otlp(f"http://127.0.0.1:{port}"))
    asks_without_waiting(s, 300)
    now = settled(s, lambda f: f["waiting"] >= 300, "spans wait")
    assert now["sent"] == now["dropped"] == 0
    there = collector(address=port)
    now = settled(s, lambda f: f["waiting"] == 0 and f["sent"] > 0, "what waited is sent")
    assert now["sent"] == now["produced"] and now["dropped"] == 0
    assert sum(span.kind == "server" for span in there.spans) == 300


def test_a_collector_that_answers_500_gets_nothing_twice_and_every_drop_is_counted(sidegate, backend, collector):
    there = collector(lambda batch: SERVER_ERROR)
    s = sidegate(backend().url, config=otlp(there.url))
    asks_without_waiting(s, 300)
    now = settled(s, lambda f: f["waiting"] == 0 and f["dropped"] > 0, "everything is refused")
    assert now["reasons"]["rejected"] == now["produced"] and now["sent"] == 0
    assert there.spans == []


def test_a_collector_that_asks_for_patience_gets_it_and_then_everything(sidegate, backend, collector):
    there = collector(lambda batch: SERVICE_UNAVAILABLE if batch <= 2 else Collector.OK)
    s = sidegate(backend().url, config=otlp(there.url))
    asks_without_waiting(s, 300)
    now = settled(s, lambda f: f["waiting"] == 0 and f["sent"] > 0, "everything is sent")
    assert there.batches > 2 and now["sent"] == now["produced"] == len(there.spans) and now["dropped"] == 0
    assert len({span.id for span in there.spans}) == len(there.spans)


def test_a_queue_that_runs_over_drops_the_oldest_and_counts_it(sidegate, backend):
    s = sidegate(backend().url, config=otlp(f"http://127.0.0.1:{free_port()}") + "timeouts: { drain_delay: 0, drain: 1s }")
    client, count = s.client(), 0
    while figures(s)["reasons"]["queue_full"] == 0:
        client.send("".join(f"GET /{count + i} HTTP/1.1\r\nHost: a\r\n\r\n" for i in range(500)))
        assert {client.answer().status for _ in range(500)} == {200}
        count += 500
        assert count <= 20000, "the queue has no end"
    now = figures(s)
    assert now["sent"] == 0 and now["dropped"] == now["reasons"]["queue_full"] + now["reasons"]["ring_full"]


# ---- attributes

def test_the_spans_say_what_the_http_conventions_ask_for(sidegate, backend, collector):
    there, app = collector(), backend()
    s = sidegate(app.url, trusted="127.0.0.1", config=otlp(there.url)
                 + 'routes: [{ match: "GET /orders/{id}", upstream: app }]')
    line = ask_traced_path(s, "/orders/7?q=1&token=hush", ("Host", "shop.example:8443"), ("User-Agent", "story/1"),
                           ("X-Forwarded-For", "203.0.113.9"))
    server = server_span(there, line["trace_id"])
    client, = there.of(line["trace_id"], "client")
    expected = {
        "http.request.method": "GET", "url.path": "/orders/7", "url.query": "q=1&token=***", "url.scheme": "http",
        "http.route": "/orders/{id}", "http.response.status_code": 200, "server.address": "shop.example",
        "server.port": 8443, "client.address": "203.0.113.9", "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1", "user_agent.original": "story/1",
    }
    found = {key: server.tags.get(key) for key in expected}
    query = found.pop("url.query")
    assert found == {key: value for key, value in expected.items() if key != "url.query"}
    assert query.startswith("q=1&token=") and "hush" not in json.dumps([server.tags, client.tags])
    assert server.tags["network.peer.port"] > 0
    assert server.name == "GET /orders/{id}" and "error.type" not in server.tags and not server.is_error
    port = app.port
    assert client.name == "GET" and client.tags["http.request.method"] == "GET"
    assert (client.tags["server.address"], client.tags["server.port"]) == ("127.0.0.1", port)
    assert client.tags["url.full"].startswith(f"http://127.0.0.1:{port}/orders/7?q=1&token=")
    assert client.tags["http.response.status_code"] == 200
    assert server.resource["service.name"] == "story-sidecar"
    assert {"service.instance.id", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version"} <= set(server.resource)


def ask_traced_path(s, target, *fields, method="GET", status=200):
    before = len(s.log.read_text().splitlines()) if s.log.exists() else 0
    assert s.ask(method, target, fields=fields).status == status
    return s.lines(before + 1)[-1]


def test_statuses_and_errors_are_as_the_conventions_have_them(sidegate, backend, collector):
    def as_told(wire):
        while True:
            status = read_request(wire)[0].split()[1].strip("/")
            wire.send(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n")

    there = collector()
    s = sidegate(backend(as_told).url, config=otlp(there.url))
    for status, server_fails, client_fails in ((200, False, False), (404, False, True), (500, True, True)):
        line = ask_traced_path(s, f"/{status}", status=status)
        server = server_span(there, line["trace_id"])
        client, = there.of(line["trace_id"], "client")
        assert (server.is_error, client.is_error) == (server_fails, client_fails)
        assert server.tags["http.response.status_code"] == client.tags["http.response.status_code"] == status
        assert server.tags.get("error.type") == (str(status) if server_fails else None)
        assert client.tags.get("error.type") == (str(status) if client_fails else None)


def test_a_method_that_nobody_knows_makes_no_new_names(sidegate, backend, collector):
    there = collector()
    s = sidegate(backend().url, config=otlp(there.url))
    server = server_span(there, ask_traced_path(s, "/", method="FROB")["trace_id"])
    assert server.tags["http.request.method"] == "_OTHER" and server.tags["http.request.method_original"] == "FROB"
    assert server.name == "HTTP" or server.name.startswith("HTTP /")


HOSTILE = {
    "bytes that are no UTF-8": "/\xff\xfe\xc0\xaf",
    "half a character": "/caf\xc3",
    "a surrogate": "/\xed\xa0\x80",
    "beyond unicode": "/\xf5\x80\x80\x80",
    "an overlong NUL": "/\xc0\x80",
    "good UTF-8": "/caf\xc3\xa9",
    "quotes and angles": "/\"'<script>`{}|^",
    "percent without digits": "/%zz%",
    "long": "/" + "x" * 4000,
}


@pytest.mark.parametrize("target", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_paths_leave_valid_spans(sidegate, backend, collector, target):
    there = collector()
    s = sidegate(backend().url, config=otlp(there.url))
    client = s.client()
    # the agent and the query carry the same bytes; harness.Wire sends Latin-1, so that each stands for itself
    answer = client.ask(target=f"{target}?{target[1:]}=1&password=hush", fields=[("User-Agent", target[1:])])
    line = s.lines()[0]
    assert line["status"] == answer.status
    server = server_span(there, line["trace_id"])  # the collector decodes every string as strict UTF-8
    spans = there.of(line["trace_id"])
    assert "hush" not in json.dumps([span.tags for span in spans])
    if target == HOSTILE["good UTF-8"]:
        assert server.tags["url.path"] == "/café"
    if target.encode("latin-1").decode("utf-8", "replace").count("\ufffd"):
        assert "\ufffd" in server.tags["user_agent.original"]


def test_a_blocked_request_says_which_rules_matched(sidegate, backend, collector, tmp_path):
    there = collector()
    (tmp_path / "own.conf").write_text('SecRule ARGS:q "@contains attack" "id:1000,phase:2,deny,status:403,log,msg:\'an attack\'"\n')
    s = sidegate(backend().url, config=otlp(there.url) + f"rules: {{ files: [{tmp_path}/own.conf] }}")
    server = server_span(there, ask_traced_path(s, "/?q=attack-with-a-secret", status=403)["trace_id"])
    assert server.tags["waf.action"] == "block" and server.tags["waf.rule_ids"] == [1000] and not server.is_error
    assert server.tags["error.type"] == "waf_blocked"
    name, event = server.events[0]
    assert name == "waf.rule_match" and event["security_rule.description"] == "an attack" and event["waf.variable"] == "ARGS:q"
    assert "attack-with-a-secret" not in json.dumps(event)  # the value is the client's: it stays in the rule log
