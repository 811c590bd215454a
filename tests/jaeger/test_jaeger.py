# SPDX-License-Identifier: Apache-2.0
"""Two hundred requests of ten kinds, and a real Jaeger that is asked for every one of them."""
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "stories"))
from harness import OK, Backend, Sidegate, free_port, read_request, wait_until  # noqa: E402

EACH = 20
BODY_LIMIT = 64 << 10

# What is expected of each kind: the answer (None: the client does not stay for one), and the attempts at the backend.
KINDS = {
    "served": (200, 1),
    "blocked": (403, 0),
    "too-large": (413, 0),
    "timeout": (504, 1),
    "retried": (200, 2),
    "broken": (400, 0),
    "gone": (None, 1),
    "slow": (200, 1),
    "error": (500, 1),
    "pipelined": (200, 1),
}


class Jaeger:
    """A Jaeger of its own, and questions to it."""

    def __init__(self, folder, config="config.yaml"):
        self.query_port, self.otlp_port = free_port(), free_port()
        self.log = open(folder / "jaeger.log", "ab")
        ports = {"JAEGER_QUERY_PORT": self.query_port, "JAEGER_QUERY_GRPC_PORT": free_port(),
                 "JAEGER_OTLP_PORT": self.otlp_port, "JAEGER_FOLDER": folder, "OTEL_TRACES_SAMPLER": "always_off"}  # it need not trace itself
        self.process = subprocess.Popen(
            [os.environ["SIDEGATE_JAEGER"], "--config", str(Path(__file__).with_name(config))],
            env=dict(os.environ, **{name: str(port) for name, port in ports.items()}),
            stdout=self.log, stderr=self.log, cwd=folder)
        try:
            wait_until(self.is_ready, "Jaeger is ready", 60)
        except AssertionError as e:
            self.close()
            raise AssertionError(f"{e}\n{(folder / 'jaeger.log').read_text()}")

    def is_ready(self):
        assert self.process.poll() is None, f"Jaeger ended with {self.process.returncode}"
        try:
            self.send([])
            self.get("/api/services")
            return True
        except OSError:
            return False

    def get(self, path, **query):
        url = f"http://127.0.0.1:{self.query_port}{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as e:
            if e.code == 404:
                return None
            raise

    def send(self, spans):
        """Spans of a client, as OTLP in JSON."""
        name = {"key": "service.name", "value": {"stringValue": "client"}}
        body = {"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": spans}]}]}
        request = urllib.request.Request(f"http://127.0.0.1:{self.otlp_port}/v1/traces", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200

    def trace(self, trace_id):
        """The one trace of that id, or None."""
        found = self.get(f"/api/traces/{trace_id}")
        return Trace(found[0]) if found else None

    def search(self, limit=1000, **tags):
        """The ids of the sidecar's traces that have a span with these tags."""
        found = self.get("/api/traces", service="orders-sidecar", tags=json.dumps(tags), limit=limit, lookback="1h")
        return {trace["traceID"] for trace in found}

    def stop(self):
        """In order: what it has is on its disk then."""
        self.process.terminate()
        self.process.wait(60)
        self.log.close()

    def close(self):
        self.process.kill()  # what it holds is in memory only
        self.process.wait(20)
        self.log.close()


class Span:
    def __init__(self, data, services):
        self.id, self.name, self.warnings = data["spanID"], data["operationName"], data["warnings"] or []
        self.start, self.duration = data["startTime"], data["duration"]
        self.end = self.start + self.duration
        self.parents = [r["spanID"] for r in data["references"] if r["refType"] == "CHILD_OF"]
        self.tags = {tag["key"]: tag["value"] for tag in data["tags"]}
        self.events = [{f["key"]: f["value"] for f in log["fields"]} for log in data["logs"]]
        self.service = services[data["processID"]]["serviceName"]
        self.kind = self.tags["span.kind"]

    @property
    def is_error(self):
        return self.tags.get("error") is True


class Trace:
    def __init__(self, data):
        self.id = data["traceID"]
        everything = [Span(span, data["processes"]) for span in data["spans"]]
        self.client = [span for span in everything if span.service == "client"]
        self.spans = [span for span in everything if span.service != "client"]
        self.warnings = (data["warnings"] or []) + [w for span in everything for w in span.warnings]
        self.by_id = {span.id: span for span in everything}

    def of_kind(self, kind):
        return [span for span in self.spans if span.kind == kind]

    @property
    def server(self):
        return self.of_kind("server")[0]


class Asked:
    """A request that was sent, and what came of it."""

    def __init__(self, kind, number):
        self.kind, self.number, self.path = kind, number, f"/{kind}/{number}"
        self.status = self.request_id = self.line = self.trace = None
        # Every other client has a trace of its own that the request belongs to. A head that cannot be read says nothing.
        self.joins = number % 2 == 1 and kind != "broken"
        self.trace_id, self.span_id = os.urandom(16).hex(), os.urandom(8).hex()
        self.began_ns = time.time_ns()

    @property
    def fields(self):
        return [("Host", "orders.example")] + (
            [("traceparent", f"00-{self.trace_id}-{self.span_id}-01")] if self.joins else [])

    def head(self, method="GET", target=None, more=()):
        fields = [*self.fields, *more]
        return f"{method} {target or self.path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"

    def answered(self, answer):
        self.status, self.request_id = answer.status, answer["x-request-id"]

    def client_span(self):
        return {"traceId": self.trace_id, "spanId": self.span_id, "name": "GET", "kind": 3,
                "startTimeUnixNano": str(self.began_ns), "endTimeUnixNano": str(time.time_ns())}  # when its log line was read


class Services:
    """The backends: what they do is in the path."""

    def __init__(self):
        self.slow = threading.Barrier(EACH)
        self.over = threading.Event()
        self.arrived = set()
        self.app, self.stale = Backend(self.serve), Backend(self.hang_up)

    def serve(self, wire):
        while True:
            path = read_request(wire)[0].split()[1]
            self.arrived.add(path)
            kind = path.split("/")[1]
            if kind in ("timeout", "gone"):
                self.over.wait(60)
                return
            if kind == "slow":
                self.slow.wait(60)  # nobody is answered before all have asked
            wire.send(OK.replace(b"200 OK", b"500 Oops") if kind == "error" else OK)

    def hang_up(self, wire):
        """Answers the first request of a connection and ends at the second, as a server does whose idle time is over."""
        read_request(wire)
        wire.send(OK)
        read_request(wire)

    def close(self):
        self.over.set()
        self.app.close()
        self.stale.close()


def ask_one(s, asked, text):
    client = s.client()
    client.send(text)
    asked.answered(client.answer())
    client.close()


def ask_at_once(s, kind):
    """All of a kind, each on a connection and a thread of its own."""
    every = [Asked(kind, i) for i in range(EACH)]
    threads = [threading.Thread(target=ask_one, args=(s, one, one.head())) for one in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return every


def ask_in_turn(s, kind, text):
    every = []
    for i in range(EACH):
        every.append(Asked(kind, i))
        ask_one(s, every[-1], text(every[-1]))
    return every


def too_large(asked):
    """Half of them say so in the head, half grow over what is inspected on the way."""
    if asked.number % 4 < 2:
        return asked.head("POST", more=[("Content-Length", BODY_LIMIT + 1)])
    size = BODY_LIMIT + 1
    return asked.head("POST", more=[("Transfer-Encoding", "chunked")]) + f"{size:x}\r\n{'x' * size}\r\n"


def ask_retried(s):
    """Each finds the connection that the one before it left behind: it looks alive, and ends as soon as it is used."""
    every, client = [], s.client()
    assert client.ask(target="/retried/first").status == 200
    for i in range(EACH):
        every.append(Asked("retried", i))
        client.send(every[-1].head())
        every[-1].answered(client.answer())
    client.close()
    return every


def ask_and_go(s, services):
    every = []
    for i in range(EACH):
        asked = Asked("gone", i)
        client = s.client()
        client.send(asked.head())
        wait_until(lambda: asked.path in services.arrived, "the request is with the backend")
        client.reset()
        every.append(asked)
    return every


def ask_pipelined(s):
    every = [Asked("pipelined", i) for i in range(EACH)]
    client = s.client()
    client.send("".join(one.head() for one in every))
    for one in every:
        one.answered(client.answer())
    client.close()
    return every


def ask_everything(s, services):
    every = ask_in_turn(s, "served", Asked.head)
    every += ask_in_turn(s, "blocked", lambda a: a.head(target=f"{a.path}?q=attack"))
    every += ask_in_turn(s, "too-large", too_large)
    every += ask_at_once(s, "timeout")
    every += ask_retried(s)
    every += ask_in_turn(s, "broken", lambda a: f"GET {a.path} HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n")
    every += ask_and_go(s, services)
    every += ask_at_once(s, "slow")
    every += ask_in_turn(s, "error", Asked.head)
    every += ask_pipelined(s)
    return every


def find_lines(s, every):
    """Joins each request with its line in the access log: by the id that the client was told, else by its path."""
    lines = s.lines(len(every) + 1)
    by_id = {line["request_id"]: line for line in lines}
    by_path = {line["path"]: line for line in lines}
    for asked in every:
        asked.line = by_id[asked.request_id] if asked.request_id else by_path[asked.path]


def find_traces(jaeger, every):
    """Waits until Jaeger has a trace with a server's span for everything that was asked."""
    def missing():
        for asked in every:
            if asked.trace is None or not asked.trace.of_kind("server"):
                asked.trace = jaeger.trace(asked.line["trace_id"])
        return [asked.path for asked in every if asked.trace is None or not asked.trace.of_kind("server")]

    jaeger.send([asked.client_span() for asked in every if asked.joins])
    wait_until(lambda: not missing(), "Jaeger has every trace", 30)


CONFIG = """
service: {{ name: orders }}
process: {{ threads: 2 }}
otlp: {{ endpoint: "http://127.0.0.1:{otlp}" }}
limits: {{ body: {limit}B }}
rules: {{ files: [{folder}/own.conf], request_body: {{ inspect: 32KiB }} }}
upstreams:
  app: {{ targets: ["{app}"] }}
  stale: {{ targets: ["{stale}"] }}
routes:
  - {{ match: "GET /timeout/{{number}}", upstream: app, timeouts: {{ request: 500ms }} }}
  - {{ match: "GET /retried/{{number}}", upstream: stale }}
  - {{ match: "ANY /{{proxy+}}", upstream: app }}
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The whole story, told once: (jaeger, everything that was asked)."""
    folder = tmp_path_factory.mktemp("story")
    (folder / "own.conf").write_text('SecRule ARGS "@contains attack" "id:1000,phase:2,deny,status:403,log,msg:\'an attack\'"\n')
    jaeger, services = Jaeger(folder), Services()
    try:
        s = Sidegate(folder, config=CONFIG.format(otlp=jaeger.otlp_port, limit=BODY_LIMIT, folder=folder,
                                                  app=services.app.url, stale=services.stale.url))
        every = ask_everything(s, services)
        find_lines(s, every)
        find_traces(jaeger, every)
        yield jaeger, every
        services.over.set()
        assert s.stop() == 0, s.errors()
    finally:
        services.close()
        jaeger.close()


@pytest.fixture
def every(told):
    return told[1]


def of(every, kind):
    return [asked for asked in every if asked.kind == kind]


def wrong(every, is_right):
    """The requests that something is not true for, so that a failure names them."""
    return [(asked.path, asked.trace.id) for asked in every if not is_right(asked)]


def test_there_were_twenty_requests_of_each_kind_answered_as_they_should(every):
    assert Counter(asked.kind for asked in every) == {kind: EACH for kind in KINDS}
    assert not [(asked.path, asked.status) for asked in every if asked.status != KINDS[asked.kind][0]]


def test_every_request_has_a_trace_with_exactly_one_server_span(every):
    assert len({asked.trace.id for asked in every}) == EACH * len(KINDS)
    assert not wrong(every, lambda a: len(a.trace.of_kind("server")) == 1)
    assert not wrong(every, lambda a: a.trace.server.id == a.line["span_id"])
    assert not wrong(every, lambda a: a.trace.server.tags["sidegate.request_id"] == a.line["request_id"])


def test_requests_of_traced_clients_join_their_traces(every):
    joined = [asked for asked in every if asked.joins]
    assert len(joined) == (len(KINDS) - 1) * EACH // 2
    assert not wrong(joined, lambda a: a.trace.id == a.trace_id and a.trace.server.parents == [a.span_id])
    assert not wrong(joined, lambda a: [span.id for span in a.trace.client] == [a.span_id])
    roots = [asked for asked in every if not asked.joins]
    assert not wrong(roots, lambda a: a.trace.server.parents == [])


def test_jaeger_finds_nothing_strange(every):
    assert {w for asked in every for w in asked.trace.warnings} == set()


def test_every_span_lies_inside_its_parent(every):
    def lies_inside(trace, span):
        parents = [trace.by_id[parent] for parent in span.parents]
        return len(parents) == 1 and span.start >= parents[0].start - 1 and span.end <= parents[0].end + 1

    def is_nested(trace):
        return all(lies_inside(trace, span) for span in trace.spans if span.parents or span != trace.server)

    assert not wrong(every, lambda a: is_nested(a.trace))


def test_the_stages_sum_to_the_whole(every):
    def sums_up(asked):
        server = asked.trace.server
        stages = [span for span in asked.trace.of_kind("internal") if span.parents == [server.id]]
        return stages and abs(sum(span.duration for span in stages) - server.duration) <= 0.02 * server.duration

    assert not wrong(every, sums_up)
    assert not wrong(every, lambda a: a.trace.server.duration == a.line["duration_us"])


def test_every_attempt_at_the_backend_is_a_client_span(every):
    attempts = lambda asked: sorted(asked.trace.of_kind("client"), key=lambda span: span.start)
    assert not wrong(every, lambda a: len(attempts(a)) == KINDS[a.kind][1])
    first = [attempts(asked)[0] for asked in of(every, "retried")]
    second = [attempts(asked)[1] for asked in of(every, "retried")]
    assert all(span.is_error and span.tags["error.type"] == "stale_connection" for span in first)
    assert all(not span.is_error and span.tags["http.response.status_code"] == 200 for span in second)
    assert {span.tags["http.request.resend_count"] for span in second} == {1}
    assert not wrong(of(every, "error") + of(every, "timeout"), lambda a: attempts(a)[0].is_error)
    assert not wrong(of(every, "served") + of(every, "slow"), lambda a: not attempts(a)[0].is_error)


def test_kinds_and_the_service_are_as_they_should_be(told):
    jaeger, every = told
    assert {span.kind for asked in every for span in asked.trace.spans} == {"server", "internal", "client"}
    assert {span.service for asked in every for span in asked.trace.spans} == {"orders-sidecar"}
    assert set(jaeger.get("/api/services")) == {"orders-sidecar", "client"}


def test_span_names_are_few(told):
    jaeger, every = told
    routes = {"GET /timeout/{number}", "GET /retried/{number}", "GET /{proxy+}", "POST /{proxy+}"}
    assert {asked.trace.server.name for asked in every if asked.kind != "broken"} == routes
    assert {asked.trace.server.name for asked in of(every, "broken")} <= {"GET", "HTTP"}
    assert len(jaeger.get("/api/services/orders-sidecar/operations")) < 30


def test_statuses_are_tags_and_only_5xx_are_errors(every):
    answered = [asked for asked in every if asked.status]
    assert not wrong(answered, lambda a: a.trace.server.tags["http.response.status_code"] == a.status)
    assert not wrong(of(every, "gone"), lambda a: "http.response.status_code" not in a.trace.server.tags)
    assert not wrong(every, lambda a: a.trace.server.is_error == ((a.status or 0) >= 500))
    assert not wrong(of(every, "gone"), lambda a: a.trace.server.tags["error.type"] == "client_gone")


def test_blocked_requests_are_found_by_their_tag(told):
    jaeger, every = told
    blocked = of(every, "blocked")
    assert jaeger.search(**{"waf.action": "block"}) == {asked.trace.id for asked in blocked}
    assert not wrong(blocked, lambda a: a.trace.server.tags["waf.action"] == "block")
    assert not wrong(blocked, lambda a: "1000" in [event.get("security_rule.name") for event in a.trace.server.events])
    assert not wrong(of(every, "served"), lambda a: a.trace.server.tags["waf.action"] == "pass")


def test_failed_requests_are_found_by_their_status(told):
    jaeger, every = told
    assert jaeger.search(**{"http.response.status_code": "504"}) == {a.trace.id for a in of(every, "timeout")}
    assert jaeger.search(**{"http.response.status_code": "413"}) == {a.trace.id for a in of(every, "too-large")}
