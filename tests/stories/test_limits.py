# SPDX-License-Identifier: Apache-2.0
"""Every limit and every clock: what is too much or too late gets its own status, and the others go on."""
import socket
import threading

from harness import CHUNKED, OK, Broken, get, post, read_request, wait_until

# ---- limits ----

def test_every_limit_of_a_head_is_a_setting(sidegate, backend):
    app = backend()
    s = sidegate(app.url, config="limits: { header_bytes: 2KiB, header_count: 10, url: 256B, body: 1KiB }")
    assert s.ask(fields=[("X", "y" * 1500)]).status == 200
    assert s.ask(fields=[("X", "y" * 2500)]).status == 431
    assert s.ask(fields=[(f"X{i}", "y") for i in range(9)]).status == 200
    assert s.ask(fields=[(f"X{i}", "y") for i in range(10)]).status == 431
    assert s.ask(target="/" + "x" * 255).status == 200
    assert s.ask(target="/" + "x" * 256).status == 414
    assert s.ask("POST", body=b"x" * 1024).status == 200
    assert s.ask("POST", body=b"x" * 1025).status == 413
    errors = [line["error"] for line in s.lines(8)]
    assert [e for e in errors if e] == ["header_too_large", "header_too_large", "target_too_long", "body_too_large"] or \
        len([e for e in errors if e]) == 4, errors


def test_a_chunked_body_over_the_limit_is_not_completed(sidegate, backend):
    app = backend()
    s = sidegate(app.url, config="limits: { body: 1KiB }")
    client = s.client()
    client.send(f"{CHUNKED}\r\n800\r\n{'x' * 2048}\r\n0\r\n\r\n")
    assert client.answer().status == 413
    assert not app.heard.endswith(b"0\r\n\r\n")


def test_a_chunked_body_over_the_limit_is_refused_before_its_end_where_rules_gather_it(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS "@streq evil" "id:1,phase:2,deny"\n')
    app = backend()
    s = sidegate(app.url, config="limits: { body: 1KiB }\nrules: { files: [own.conf], request_body: { inspect: 64KiB } }")
    client = s.client()
    client.send(f"{CHUNKED}\r\n401\r\n{'x' * 1025}\r\n")  # and its end never comes
    answer = client.answer()
    assert answer.status == 413 and answer["connection"] == "close"
    client = s.client()
    client.send(f"{CHUNKED}\r\n400\r\n{'x' * 1024}\r\n0\r\n\r\n")
    assert client.answer().status == 200
    assert [line["error"] for line in s.lines(2)] == ["body_too_large", None]
    assert app.heard.count(b"POST ") == 1


def stalling():
    """A backend script that holds its answers until it is let go, and the two events."""
    asked, go_on = threading.Event(), threading.Event()

    def script(wire):
        while True:
            read_request(wire)
            asked.set()
            go_on.wait(30)
            wire.send(OK)

    return script, asked, go_on


def test_too_many_requests_in_flight_get_503_and_a_time_to_come_back(sidegate, backend):
    script, asked, go_on = stalling()
    s = sidegate(backend(script).url, config="limits: { requests_in_flight: 1 }")
    first = s.client()
    first.send(get())
    assert asked.wait(10)
    answer = s.ask()
    assert answer.status == 503 and int(answer["retry-after"]) >= 1
    go_on.set()
    assert first.answer().status == 200
    assert s.ask().status == 200


def test_a_full_queue_before_the_backend_gets_503_and_a_time_to_come_back(sidegate, backend):
    script, asked, go_on = stalling()
    app = backend(script)
    s = sidegate(app.url, config=f'upstreams: {{ app: {{ targets: ["{app.url}"], max_connections: 1, max_pending: 1 }} }}')
    clients = [s.client() for _ in range(3)]
    clients[0].send(get())
    assert asked.wait(10)
    clients[1].send(get())
    wait_until(lambda: s.metric("http_server_active_requests") == 2, "one waits")
    clients[2].send(get())
    answer = clients[2].answer()
    assert answer.status == 503 and int(answer["retry-after"]) >= 1
    go_on.set()
    assert [c.answer().status for c in clients[:2]] == [200, 200]


def test_connections_over_the_limit_are_closed_and_the_others_go_on(sidegate, backend):
    s = sidegate(backend().url, config="limits: { connections: 2 }")
    kept = [s.client() for _ in range(2)]
    assert [c.ask().status for c in kept] == [200, 200]
    assert s.client().rest() == b""
    assert [c.ask().status for c in kept] == [200, 200]
    for c in kept:
        c.close()

    def served():
        try:
            return s.ask().status == 200
        except (Broken, OSError):
            return False

    wait_until(served, "there is room again")


# ---- clocks ----

def test_a_head_that_does_not_end_gets_408(sidegate, backend):
    app = backend()
    s = sidegate(app.url, config="timeouts: { request_header: 200ms, drain_delay: 0 }")
    client = s.client()
    client.send("GET / HTTP/1.1\r\nHost:")
    assert client.answer().status == 408
    assert client.is_closed()
    assert app.heard == b""
    assert s.lines()[0]["status"] == 408


def test_a_body_that_does_not_come_gets_408(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRequestBodyAccess On\nSecRule ARGS "@contains attack" "id:1,phase:2,deny"\n')
    app = backend()
    s = sidegate(app.url, config=f"timeouts: {{ body_idle: 200ms, drain_delay: 0 }}\nrules: {{ files: [{tmp_path}/own.conf] }}")
    client = s.client()
    client.send(post("Content-Length: 10\r\n", "hello"))
    assert client.answer().status == 408
    assert client.is_closed()
    assert app.heard == b""


def test_a_streamed_body_that_does_not_come_gets_408(sidegate, backend):
    s = sidegate(backend().url, config="timeouts: { body_idle: 200ms, drain_delay: 0 }")
    client = s.client()
    client.send(post("Content-Length: 10\r\n", "hello"))
    assert client.answer().status == 408
    assert client.is_closed()


def test_a_backend_that_says_nothing_gets_504(sidegate, backend):
    script, _, go_on = stalling()
    s = sidegate(backend(script).url, config="timeouts: { response_header: 200ms, drain_delay: 0 }")
    assert s.ask().status == 504
    assert s.lines()[0]["error"] == "upstream_timeout"
    go_on.set()


def test_an_exchange_that_takes_too_long_gets_504(sidegate, backend):
    script, _, go_on = stalling()
    s = sidegate(backend(script).url, config="timeouts: { request: 200ms, drain_delay: 0 }")
    assert s.ask().status == 504
    go_on.set()


def test_a_backend_that_takes_no_connection_gets_504(sidegate):
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = []
    for _ in range(4):  # the queue of one that never accepts: then the kernel drops what comes
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
        fillers.append(filler)
    s = sidegate(f"http://127.0.0.1:{full.getsockname()[1]}", config="timeouts: { connect: 200ms, drain_delay: 0 }")
    assert s.ask().status == 504
    assert s.lines()[0]["error"] == "connect_timeout"
    for one in fillers + [full]:
        one.close()


def test_a_backend_that_is_not_there_gets_502(sidegate):
    s = sidegate("http://127.0.0.1:9")
    assert s.ask().status == 502
    assert s.lines()[0]["upstream"]["status"] in (0, None)


def test_an_idle_connection_is_closed_without_a_word(sidegate, backend):
    s = sidegate(backend().url, config="timeouts: { idle: 200ms, drain_delay: 0 }")
    client = s.client()
    assert client.ask().status == 200
    assert client.rest() == b""
