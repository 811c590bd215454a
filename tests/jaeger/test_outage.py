# SPDX-License-Identifier: Apache-2.0
"""Kills, restarts and a collector that is away: every answer that a client got whole has its trace in Jaeger, on its disk.

SIDEGATE_OUTAGE_REQUESTS (1000) answers of every kind, SIDEGATE_OUTAGE_SECONDS (3) with the collector's port closed."""
import json
import os
import socket
import threading
import time
from collections import Counter

import pytest
from test_jaeger import Jaeger, wait_until
from harness import OK, Backend, Broken, Sidegate, read_request

REQUESTS = int(os.environ.get("SIDEGATE_OUTAGE_REQUESTS", "1000"))
CLOSED_S = float(os.environ.get("SIDEGATE_OUTAGE_SECONDS", "3"))
CLIENTS, WORKERS, KILLS = 4, 2, 3
BODY_LIMIT = 16 << 10

# What each kind is answered, and the attempts at the backend; None: nobody stays for an answer. A broken head brings no trace of the
# client's: such are found by their status.
KINDS = {"served": (200, {1}), "blocked": (403, {0}), "too-large": (413, {0}), "timeout": (504, {1}), "retried": (200, {1, 2}), "slow": (200, {1}),
         "error": (500, {1}), "refused": (502, {1}), "none": (404, {0}), "broken": (400, {0}), "gone": (None, {1})}

CONFIG = """
service: {{ name: orders }}
process: {{ threads: {workers}, state_dir: {state} }}
otlp: {{ endpoint: "http://127.0.0.1:{otlp}" }}
limits: {{ body: {limit}B }}
rules: {{ files: [{folder}/own.conf], request_body: {{ inspect: 8KiB }} }}
upstreams:
  app: {{ targets: ["{app}"] }}
  stale: {{ targets: ["{stale}"] }}
  gone: {{ targets: ["http://127.0.0.1:9"] }}
routes:
  - {{ match: "GET /timeout", upstream: app, timeouts: {{ request: 50ms }} }}
  - {{ match: "GET /retried", upstream: stale }}
  - {{ match: "GET /refused", upstream: gone }}
  - {{ match: "GET /served", upstream: app }}
  - {{ match: "GET /blocked", upstream: app }}
  - {{ match: "POST /too-large", upstream: app }}
  - {{ match: "GET /slow", upstream: app }}
  - {{ match: "GET /error", upstream: app }}
  - {{ match: "GET /gone/{{number}}", upstream: app }}
"""


class Door:
    """The collector's port: what comes is passed on while it is open; closed, nothing listens there and nothing goes through."""

    def __init__(self, target):
        self.target, self.pairs, self.listener = target, [], None
        self.lock = threading.Lock()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.open()

    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(16)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
                other = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            with self.lock:
                self.pairs.append((sock, other))
            for one, two in ((sock, other), (other, sock)):
                threading.Thread(target=self.pass_on, args=(one, two), daemon=True).start()

    @staticmethod
    def pass_on(one, two):
        try:
            while data := one.recv(65536):
                two.sendall(data)
            two.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        """Whatever is on its way is cut: an answer that is lost so makes Sidegate send again what has arrived."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for sock in (s for pair in self.pairs for s in pair):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                sock.close()
            self.pairs = []


arrived = set()  # whose client is to go


def serve(wire):
    while True:
        path = read_request(wire)[0].split()[1]
        arrived.add(path)
        if path == "/timeout" or path.startswith("/gone/"):
            wire.more()  # until the other side is tired of it
            return
        if path == "/slow":
            threading.Event().wait(0.01)
        wire.send(OK.replace(b"200 OK", b"500 Oops") if path == "/error" else OK)


def hang_up(wire):
    read_request(wire)
    wire.send(OK)
    read_request(wire)


class Load:
    """Clients that ask for everything in turn until there are as many whole answers as wanted."""

    def __init__(self, programs):
        self.programs, self.lock = programs, threading.Lock()
        self.whole, self.cut, self.wanted = [], [], 0  # (trace, kind, when the answer was whole); traces; so many answers
        self.broken, self.gone = [], []                # when they were answered; (trace, kind, when the client went)
        self.over, self.wrong = threading.Event(), []
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        client, kinds = None, list(KINDS)
        while not self.over.is_set():
            if self.count() >= self.wanted:
                self.over.wait(0.002)
                continue
            number += 1
            kind, trace = kinds[number % len(kinds)], os.urandom(16).hex()
            try:
                client = client or self.programs[-1].client()
                self.ask(client, kind, trace)
                if kind not in ("too-large", "broken", "gone"):
                    continue
            except (Broken, OSError, AssertionError):  # a kill took it on its way to the backend
                with self.lock:
                    self.cut.append(trace)
                self.over.wait(0.005)
            if client:
                client.close()
            client = None

    def ask(self, client, kind, trace):
        head = f"Host: a\r\ntraceparent: 00-{trace}-{os.urandom(8).hex()}-01\r\n"
        if kind == "broken":
            client.send(f"GET /broken HTTP/1.1\r\n{head}no colon\r\n\r\n")
        elif kind == "gone":
            client.send(f"GET /gone/{trace} HTTP/1.1\r\n{head}\r\n")
        elif kind == "too-large":
            client.send(f"POST /too-large HTTP/1.1\r\n{head}Content-Length: {BODY_LIMIT + 1}\r\n\r\n")
        else:
            client.send(f"GET /{kind}{'?q=attack' if kind == 'blocked' else ''} HTTP/1.1\r\n{head}\r\n")
        if kind == "gone":
            wait_until(lambda: f"/gone/{trace}" in arrived, "the request is with the backend", 2)
            client.reset()
            self.gone.append((trace, kind, time.monotonic()))
            return
        status = client.answer().status
        with self.lock:
            if kind == "broken":
                self.broken.append(time.monotonic())
            else:
                self.whole.append((trace, kind, time.monotonic()))
            if status != KINDS[kind][0]:
                self.wrong.append((kind, status))

    def until(self, share):
        """Lets so great a share of all answers come."""
        self.wanted = int(REQUESTS * share)
        wait_until(lambda: self.count() >= self.wanted, f"{self.wanted} answers", 300)

    def count(self):
        return len(self.whole) + len(self.broken)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Outage:
    """The whole story, told once."""

    def __init__(self, folder):
        self.folder, self.programs, self.killed = folder, [], []
        (folder / "own.conf").write_text('SecRule ARGS "@contains attack" "id:1000,phase:1,deny,status:403,log"\n')
        (folder / "state").mkdir(mode=0o700)
        self.app, self.stale = Backend(serve), Backend(hang_up)
        self.jaeger = Jaeger(folder, "badger.yaml")
        self.door = Door(self.jaeger.otlp_port)
        self.start()
        self.load = Load(self.programs)

    def start(self):
        own = self.folder / f"program-{len(self.programs)}"
        own.mkdir()
        self.programs.append(Sidegate(own, config=CONFIG.format(
            workers=WORKERS, state=self.folder / "state", otlp=self.door.port, limit=BODY_LIMIT, folder=self.folder, app=self.app.url,
            stale=self.stale.url)))

    def restart(self):
        assert self.programs[-1].stop(60) == 0
        self.start()

    def kill(self):
        self.killed.append(time.monotonic())
        self.programs[-1].kill_child()

    def account(self):
        status, text = self.programs[-1].status("/api/v1/drops", self.programs[-1].admin_port)
        assert status == 200
        otlp = next(one for one in json.loads(text)["destinations"] if one["destination"] == "otlp")
        assert otlp["produced"] == otlp["sent"] + otlp["waiting"] + sum(otlp["dropped"].values()), otlp
        return otlp

    def tell(self):
        self.load.until(0.1)
        self.kill()
        self.load.until(0.2)
        self.restart()
        self.load.until(0.3)
        self.door.close()
        closed = time.monotonic()
        self.load.until(0.45)
        self.kill()
        self.load.until(0.6)
        self.restart()
        self.load.until(0.7)
        assert self.account()["waiting"] > 0
        while time.monotonic() < closed + CLOSED_S:
            threading.Event().wait(0.05)
        self.door.open()
        self.load.until(0.85)
        self.kill()
        self.load.until(1)
        self.load.end()
        self.drained = wait_until(lambda: self.account()["waiting"] == 0 and self.account(), "all that waited is sent", 120)
        assert self.programs[-1].stop(60) == 0
        self.jaeger.stop()
        self.jaeger = Jaeger(self.folder, "badger.yaml")  # what it knows now was on its disk

    def find(self, traces):
        """{trace: its spans, or None} as Jaeger has them."""
        found, rest, lock = {}, list(traces), threading.Lock()

        def look():
            while True:
                with lock:
                    if not rest:
                        return
                    trace = rest.pop()
                found[trace] = self.jaeger.trace(trace)

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def close(self):
        self.load.end()
        for s in self.programs:
            s.stop()
        self.door.close()
        self.jaeger.close()
        self.app.close()
        self.stale.close()


@pytest.fixture(scope="module")
def outage(tmp_path_factory):
    outage = Outage(tmp_path_factory.mktemp("outage"))
    try:
        outage.tell()
        yield outage
    finally:
        outage.close()


@pytest.fixture(scope="module")
def found(outage):
    return outage.find([trace for trace, _, _ in outage.load.whole + outage.load.gone])


def at_a_kill(outage, when):
    return any(abs(when - kill) < 0.02 for kill in outage.killed)


def test_there_were_answers_of_every_kind(outage):
    counts = Counter(kind for _, kind, _ in outage.load.whole + outage.load.gone)
    assert set(counts) == set(KINDS) - {"broken"} and outage.load.count() >= REQUESTS and len(outage.killed) == KILLS
    assert len(outage.load.broken) > REQUESTS / 20 and counts["gone"] > REQUESTS / 20
    assert outage.load.wrong == []


def test_every_answer_that_came_whole_is_one_trace_on_jaegers_disk(outage, found):
    """A kill between an answer's last byte and its record costs that record: one a worker and kill at most, of that very moment. On the
    other hand an answer of that moment may have been cut, and has its trace."""
    missing = [when for trace, _, when in outage.load.whole if found[trace] is None]
    broken = len(outage.jaeger.search(limit=REQUESTS, **{"http.response.status_code": "400"}))
    traces = len(outage.load.whole) - len(missing) + broken
    print(f"{outage.load.count()} whole answers, {traces} traces of them, {len(outage.load.cut)} answers were cut by kills and restarts")
    assert all(at_a_kill(outage, when) for when in missing)
    assert outage.load.count() - WORKERS * KILLS <= traces <= outage.load.count() + WORKERS * KILLS
    assert broken <= len(outage.load.broken) + CLIENTS * KILLS  # a cut answer may have its trace
    assert [trace for trace, spans in found.items() if spans is not None and len(spans.of_kind("server")) != 1] == []


def test_who_did_not_stay_for_an_answer_has_a_trace_too(outage, found):
    missing = [when for trace, _, when in outage.load.gone if found[trace] is None]
    assert all(at_a_kill(outage, when) for when in missing) and len(missing) <= CLIENTS * KILLS
    there = [found[trace].server for trace, _, _ in outage.load.gone if found[trace] is not None]
    assert {span.tags["error.type"] for span in there} == {"client_gone"}


def test_the_ledger_is_empty_and_what_was_sent_twice_is_counted(outage):
    account = outage.drained
    print(account)
    assert sum(account["dropped"].values()) == 0 and account["waiting"] == 0
    assert account["sent"] == account["produced"] >= len(outage.load.whole) and "resent" in account


def test_a_trace_has_the_attempts_that_its_kind_has(outage, found):
    wrong = [(kind, trace) for trace, kind, _ in outage.load.whole
             if found[trace] is not None and len(found[trace].of_kind("client")) not in KINDS[kind][1]]
    assert wrong == []
