# SPDX-License-Identifier: Apache-2.0
"""The stories that try the design: what an exchange must come through without losing a request, a log line or its calm."""
import os
import signal
import socket
import threading
import time
from pathlib import Path

from harness import OK, Broken, always_ok, field, read_request, wait_until

SQL = "/?id=1%27%20OR%20%271%27=%271"
RULES = """
SecRule ARGS "@contains attack" "id:1000,phase:2,deny,status:403,log,msg:'an attack'"
SecRule REQUEST_HEADERS:X-Bad "@streq yes" "id:1001,phase:1,deny,status:403,log,msg:'a bad head'"
"""


def rules(tmp_path, text=RULES, more=""):
    (tmp_path / "own.conf").write_text(text)
    return f"rules: {{ files: [{tmp_path}/own.conf], log: {{ path: {tmp_path}/rules.log }}{more} }}"


def test_a_backend_answers_413_at_the_first_byte_of_an_upload_of_10_mib(sidegate, backend):
    def impatient(wire):
        wire.head()
        wire.exactly(1)
        wire.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch")
        wire.rest()

    s = sidegate(backend(impatient).url)
    client = s.client()
    client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {10 << 20}\r\n\r\n" + "x" * 1000)
    answer = client.answer()
    assert (answer.status, answer.body) == (413, b"much")
    line = s.lines()[0]
    assert line["status"] == 413 and line["upstream"]["status"] == 413


def test_a_refused_head_with_expect_gets_403_and_no_100(sidegate, backend, tmp_path):
    app = backend()
    s = sidegate(app.url, config=rules(tmp_path))
    client = s.client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nX-Bad: yes\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert client.answer().status == 403
    assert client.is_closed()
    assert app.heard == b""


def test_a_body_that_is_inspected_is_asked_for_with_100(sidegate, backend, tmp_path):
    app = backend()
    s = sidegate(app.url, config=rules(tmp_path))
    client = s.client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\nExpect: 100-continue\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n\r\n")
    assert client.answer().status == 100
    client.send("a=attack")
    assert client.answer().status == 403
    assert app.heard == b""


def test_a_slow_reader_of_100_mib_costs_flat_memory(sidegate, backend):
    total = 100 << 20

    def plenty(wire):
        read_request(wire)
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n")
        block = b"x" * (1 << 20)
        for _ in range(total >> 20):
            wire.send(block)

    s = sidegate(backend(plenty).url)
    client = s.client()
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.head()

    def resident():
        for line in Path(f"/proc/{s.child()}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])

    before, got, most = resident(), len(client.held), 0
    client.held = b""
    while got < total:
        got += len(client.sock.recv(1 << 16))
        if got % (1 << 20) < 1 << 16:
            most = max(most, resident())
    assert most - before < 8 << 10, f"{before} KiB before, {most} KiB at most"
    assert s.lines()[0]["bytes_out"] == total


def test_the_first_of_two_pipelined_requests_is_refused_with_its_body_unread(sidegate, backend, tmp_path):
    app = backend()
    s = sidegate(app.url, config=rules(tmp_path))
    client = s.client()
    client.send("POST /one HTTP/1.1\r\nHost: a\r\nX-Bad: yes\r\nContent-Length: 38\r\n\r\n"
                "GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n"
                "GET /two HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.answer().status == 403
    assert client.answer().status == 200
    assert b"/smuggled" not in app.heard and b"/two" in app.heard
    assert [line["path"] for line in s.lines(2)] == ["/one", "/two"]


def test_a_broken_head_is_answered_logged_and_counted(sidegate, backend):
    app = backend()
    s = sidegate(app.url)
    client = s.client()
    client.send("GET /ok HTTP/1.1\r\nHost: a\r\nBroken header\r\n\r\n")
    assert client.answer().status == 400
    line = s.lines()[0]
    assert line["status"] == 400 and line["error"]
    assert s.metric("http_server_request_duration_seconds_count", http_response_status_code="400") == 1
    assert app.heard == b""


def test_what_is_not_http_is_logged_and_closed_without_a_status_line(sidegate, backend):
    s = sidegate(backend().url)
    client = s.client()
    client.send("GET /\r\n\r\n")
    assert client.rest() == b""
    assert s.lines()[0]["status"] in (0, None)


def test_an_unknown_path_with_an_attack_gets_the_rules_403(sidegate, backend, tmp_path):
    s = sidegate(backend().url, config=rules(tmp_path) + '\nroutes: [{ match: "GET /known", upstream: app }]')
    assert s.ask(target="/unknown").status == 404
    assert s.ask(target="/unknown?q=attack").status == 403
    assert s.ask(target="/known").status == 200


def test_a_client_that_resets_in_the_middle_leaves_a_line_and_a_working_program(sidegate, backend):
    asked, go_on = threading.Event(), threading.Event()

    def slow(wire):
        while True:
            line, _, _ = read_request(wire)
            if "/slow" in line:
                asked.set()
                go_on.wait(10)
            wire.send(OK)

    s = sidegate(backend(slow).url)
    client = s.client()
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    assert asked.wait(10)
    client.reset()
    assert s.lines()[0]["error"] == "client_gone"
    go_on.set()
    assert s.ask().status == 200


def test_a_client_that_resets_in_mid_upload_and_in_mid_answer(sidegate, backend):
    def big(wire):
        read_request(wire)
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Length: {50 << 20}\r\n\r\n")
        while True:
            wire.send(b"x" * 65536)

    s = sidegate(backend(big).url)
    client = s.client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nonly this")
    wait_until(lambda: s.metric("http_server_active_requests") == 1, "the exchange has begun")
    client.reset()
    assert s.lines(1)[0]["error"] == "client_gone"
    client = s.client()
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.head()
    client.reset()
    assert s.lines(2)[1]["error"] == "client_gone"


def test_a_half_close_is_not_a_client_gone(sidegate, backend):
    client = sidegate(backend().url).client()
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.finish()
    assert client.answer().status == 200
    assert client.is_closed()


def test_a_black_hole_as_collector_and_a_blocked_pipe_as_log_delay_nobody(sidegate, backend, tmp_path):
    hole = socket.socket()
    hole.bind(("127.0.0.1", 0))
    hole.listen(1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # it is there, and reads nothing
    s = sidegate(backend().url, config=f"access_log: {{ path: {pipe} }}\n"
                 f'otlp: {{ endpoint: "http://127.0.0.1:{hole.getsockname()[1]}", timeout: 1s }}')
    client = s.client()
    for _ in range(3000):
        assert client.ask().status == 200
    produced = s.metric("sidegate_export_produced_total", destination="access_log")
    assert produced == 3000 or wait_until(
        lambda: s.metric("sidegate_export_produced_total", destination="access_log") == 3000, "all are counted")
    os.close(reader)
    hole.close()


def test_a_reload_in_mid_body_changes_nothing_for_the_request_under_way(sidegate, backend, tmp_path):
    s = sidegate(backend().url, config=rules(tmp_path))
    client = s.client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nContent-Type: text/plain\r\n\r\nhello")
    wait_until(lambda: s.metric("http_server_active_requests") == 1, "the exchange has begun")
    (tmp_path / "own.conf").write_text(RULES.replace("attack", "onslaught"))
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    client.send("world")
    assert client.answer().status == 200
    assert s.ask(target="/?q=attack").status == 200
    assert s.ask(target="/?q=onslaught").status == 403


def test_a_bad_reload_is_refused_with_its_place_and_the_old_one_stands(sidegate, backend, tmp_path):
    s = sidegate(backend().url, config=rules(tmp_path))
    (tmp_path / "own.conf").write_text(RULES + 'SecRule ARGZ "@rx x" "id:7,phase:1,pass"\n')
    code, text = s.status("/api/v1/reload", s.admin_port, "POST")
    assert code == 422 and "own.conf:4:9" in text and "ARGS" in text
    assert s.metric("sidegate_config_last_reload_successful") == 0
    assert s.ask(target="/?q=attack").status == 403


def test_killing_the_child_loses_no_queued_connection(sidegate, backend):
    s = sidegate(backend().url)
    assert s.ask().status == 200
    child = s.child()
    os.kill(child, signal.SIGSTOP)  # what comes now waits in the kernel's queue
    threads = lambda: [t.read_text().rsplit(")", 1)[1].split()[0] for t in Path(f"/proc/{child}/task").glob("*/stat")]
    wait_until(lambda: set(threads()) == {"T"}, "every thread stands still")
    waiting = [s.client() for _ in range(20)]
    for client in waiting:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    os.kill(child, signal.SIGKILL)
    assert [client.answer().status for client in waiting] == [200] * 20
    assert s.child() != child
    assert s.metric("sidegate_child_restarts_total") == 1


def under_load(s, stop, clients=4):
    """Clients that ask one request after another, each on a new connection where the last answer said so; what went wrong."""
    faults, counts = [], [0] * clients

    def run(i):
        client = None
        while not stop.is_set():
            try:
                if client is None:
                    client = s.client()
                answer = client.ask()
                counts[i] += 1
                if answer.status != 200:
                    faults.append(answer.line)
                if answer["connection"] == "close":
                    client.close()
                    client = None
            except ConnectionRefusedError:
                return  # the doors are closed: that is no failed request
            except (Broken, OSError) as e:
                faults.append(repr(e))
                client = None

    threads = [threading.Thread(target=run, args=(i,)) for i in range(clients)]
    for t in threads:
        t.start()
    return threads, faults, counts


def test_fifty_reloads_under_load_fail_no_request(sidegate, backend, tmp_path):
    config = lambda i: rules(tmp_path, RULES.replace("attack", f"attack{i}")) + f"\nlimits: {{ requests_in_flight: {500 + i} }}"
    s = sidegate(backend().url, config=config(0))
    stop = threading.Event()
    threads, faults, counts = under_load(s, stop)
    for i in range(1, 51):
        s.write(config(i))
        assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    stop.set()
    for t in threads:
        t.join()
    assert not faults, faults[:5]
    assert sum(counts) > 50
    assert s.ask(target="/?q=attack50").status == 403 and s.ask(target="/?q=attack49").status == 200


def test_term_under_load_ends_without_one_error(sidegate, backend):
    s = sidegate(backend().url, config="timeouts: { drain_delay: 300ms, drain: 10s }")
    stop = threading.Event()
    threads, faults, counts = under_load(s, stop)
    wait_until(lambda: sum(counts) > 50, "there is load")
    s.signal(signal.SIGTERM)
    wait_until(lambda: s.process.poll() is not None, "it stops", 20)
    stop.set()
    for t in threads:
        t.join()
    assert s.process.returncode == 0
    assert not faults, faults[:5]


def test_killing_the_child_under_load_fails_only_what_was_in_its_hands(sidegate, backend):
    s = sidegate(backend().url)
    stop = threading.Event()
    threads, faults, counts = under_load(s, stop)
    wait_until(lambda: sum(counts) > 50, "there is load")
    before = sum(counts)
    os.kill(s.child(), signal.SIGKILL)
    wait_until(lambda: sum(counts) > before + 50, "it serves again")
    stop.set()
    for t in threads:
        t.join()
    assert len(faults) <= len(threads), faults


def test_short_of_memory_nothing_is_accepted_and_nothing_is_lost(sidegate, backend, tmp_path):
    """Bodies that are held for inspection fill the worker's share; who comes now waits in the kernel's queue."""
    s = sidegate(backend().url, config=rules(tmp_path) + "\nlimits: { memory: 16MiB, requests_in_flight: 500 }"
                 "\nprocess: { threads: 1 }")  # the budget is each worker's own
    held = []
    for _ in range(150):
        client = s.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\nContent-Type: text/plain\r\n\r\n" + "x" * 90000)
        held.append(client)
    wait_until(lambda: s.metric("sidegate_overload_level") == 4, "the worker is short of memory")
    assert s.metric("sidegate_memory_bytes") > 15 << 20
    waiting = s.client()
    waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for client in held:
        client.close()
    assert waiting.answer().status == 200
    wait_until(lambda: s.metric("sidegate_overload_level") == 0, "it has room again")
