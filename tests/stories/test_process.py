# SPDX-License-Identifier: Apache-2.0
"""Parent and child: starting, dying, standard error, doors that a reload closes."""
import os
import pwd
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from harness import PROGRAM, Client, free_port, run, wait_until


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("user", [None, "nobody"])
def test_the_child_ends_with_its_parent(sidegate, backend, user):
    if user and os.getuid() != 0:
        pytest.skip("only root becomes somebody else")
    side = sidegate(backend().url, f"process: {{ threads: 1, user: {user} }}" if user else "")
    child = side.child()
    wanted = pwd.getpwnam(user).pw_uid if user else os.getuid()
    assert f"Uid:\t{wanted}\t" in Path(f"/proc/{child}/status").read_text()
    side.process.kill()
    side.process.wait()
    wait_until(lambda: not is_running(child), "the child ends")


def test_a_port_in_use_is_one_sentence(sidegate, backend, tmp_path):
    side = sidegate(backend().url)
    text = side.config.read_text()
    other = tmp_path / "other.yaml"
    for port in (side.status_port, side.admin_port):
        text = text.replace(str(port), str(free_port()))
    other.write_text(text)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other.write_text(text.replace(str(side.port), str(taken.getsockname()[1])))
        done = subprocess.run([PROGRAM, "run", "-c", str(other)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    said = [line for line in lines if "cannot listen on" in line]
    assert len(said) == 1 and "Address already in use" in said[0]
    assert "starting it again" not in done.stderr


def test_a_standard_error_that_nobody_reads_stops_nothing(sidegate, backend):
    side = sidegate(backend().url)
    side.stop()
    end, pipe = os.pipe()
    os.set_blocking(pipe, False)
    try:
        while True:
            os.write(pipe, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(pipe, True)
    process = subprocess.Popen([PROGRAM, "run", "-c", str(side.config)], stderr=pipe)
    side.process = process
    try:
        wait_until(side.is_ready, "the program is ready", 30)
        side.config.write_text(side.config.read_text() + "nonsense: 1\n")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: side.metric("sidegate_config_last_reload_successful") == 0, "the reload is refused")
        assert side.ask().status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        os.close(end)
        os.close(pipe)


def test_an_address_that_a_reload_takes_away_refuses_and_may_come_again(sidegate, backend):
    side = sidegate(backend().url)
    port, one = free_port(), side.config.read_text()
    two = one.replace("}]", f'}}, {{ name: two, address: "127.0.0.1:{port}" }}]', 1)

    def reload(text, number):
        side.config.write_text(text)
        side.signal(signal.SIGHUP)
        wait_until(lambda: f"configuration {number} is in force" in side.errors(), "the reload")

    def refuses():
        try:
            Client(port).close()
            return False
        except ConnectionRefusedError:
            return True

    for number in (2, 4):
        reload(two, number)
        assert Client(port).ask().status == 200
        reload(one, number + 1)
        wait_until(refuses, "the address is free again")
        with socket.socket() as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            own.bind(("127.0.0.1", port))


def test_connections_that_stay_open_hold_no_configuration(sidegate, backend):
    side = sidegate(backend().url)
    clients = []
    for number in range(2, 14):
        clients.append(side.client())
        assert clients[-1].ask().status == 200
        side.signal(signal.SIGHUP)
        wait_until(lambda: f"configuration {number} is in force" in side.errors(), "the reload")
    for client in clients:
        assert client.ask().status == 200
        client.close()


def test_idle_connections_do_not_shut_the_probes_out(sidegate, backend):
    side = sidegate(backend().url)
    idle = [socket.create_connection(("127.0.0.1", side.status_port)) for _ in range(300)]
    for _ in range(3):
        assert side.status("/readyz")[0] == 200
    for one in idle:
        one.close()


def test_a_page_of_another_site_orders_nothing(sidegate, backend):
    side = sidegate(backend().url)
    own = f"127.0.0.1:{side.admin_port}"
    for origin, status in (("http://evil.example", 403), ("null", 403), (f"http://{own}", 200)):
        admin = Client(side.admin_port)
        fields = [("Host", own), ("Origin", origin), ("Content-Length", "0")]
        assert admin.ask("POST", "/api/v1/reload", fields).status == status
        admin.close()


def test_a_child_with_fewer_workers_serves_every_connection(sidegate, backend):
    side = sidegate(backend().url, "process: { threads: 4 }")
    before = side.child()
    side.write("process: { threads: 1 }")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: side.child() not in (None, before), "a new child")
    wait_until(lambda: "with 1 threads" in side.errors(), "it serves")
    for _ in range(24):
        assert side.ask().status == 200


def test_a_second_program_on_one_state_dir_says_whose_it_is_and_ends(sidegate, backend, tmp_path):
    state = f"process: {{ threads: 1, state_dir: {tmp_path}/state }}\n"
    s = sidegate(backend().url, state)
    other = tmp_path / "other.yaml"
    other.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:0" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n'
                     "status: { address: off }\nadmin: { address: off }\n" + state)
    for how in ((), ("--no-supervise",)):
        code, out, err = run("run", "-c", str(other), *how)
        assert code == 1 and f"error: state_dir {tmp_path}/state is in use by process {s.process.pid}\n" in out + err
    before = s.child()
    os.kill(before, signal.SIGKILL)  # the child that follows has it again
    wait_until(lambda: s.child() != before and s.is_ready(), "another one serves", 20)
    assert s.ask().status == 200 and s.stop() == 0
    assert (tmp_path / "state" / "lock").read_text() == f"{s.process.pid}\n"
    assert sidegate(backend().url, state).ask().status == 200


def test_a_disk_that_hangs_keeps_the_program_from_no_end(sidegate, backend, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    for name in ("alarms.log.new", "usage.log.new"):  # whoever opens one to write waits for ever, as on a disk that is gone
        os.mkfifo(state / name)
    s = sidegate(backend().url, f"process: {{ threads: 1, state_dir: {state} }}\ntimeouts: {{ drain_delay: 0, drain: 1s }}\n")
    assert s.ask().status == 200
    before = time.monotonic()
    assert s.stop() == 0 and time.monotonic() - before < 10
    assert "what happened to alarms: the disk does not answer, it is given up" in s.errors()
    assert "usage of API keys: the disk does not answer, it is given up" in s.errors()


def test_what_serves_without_a_parent_has_let_go_of_everything_when_it_ends(sidegate, backend, tmp_path):
    """Only here is what leaks seen: a child ends without a last look at its memory."""
    s = sidegate(backend().url, f"""
process: {{ threads: 2, state_dir: {tmp_path}/state }}
rules: {{ baseline: on, log: {{ path: {tmp_path}/rules.log }} }}
audit_log: {{ path: {tmp_path}/audit.log, when: always }}
execution_log: {{ path: {tmp_path}/execution.log, level: info }}
change_log: {{ path: {tmp_path}/changes.log }}
metrics: {{ emf: {{ path: {tmp_path}/emf.log }} }}
metric_filters: [{{ pattern: "", metric: Lines }}]
ip_sets: {{ abusers: {{ addresses: [203.0.113.0/24] }} }}
access: [{{ name: a, match: {{ ip_set: abusers }}, action: block }}]
alarms: [{{ name: errors, metric: 5XXError, statistic: Average, period: 60s, evaluation_periods: 1, threshold: 0.05,
            comparison_operator: GreaterThanThreshold }}]
""", options=("--no-supervise",))
    assert s.ask().status == 200 and s.ask(target="/?q=%3Cscript%3Ealert(1)%3C/script%3E").status == 403
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    assert s.ask().status == 200 and s.stop() == 0


def test_warnings_of_the_start_stand_in_the_programs_log_whole_and_a_line_each(sidegate, backend, tmp_path):
    ids, log = range(1001, 1101), tmp_path / "program.log"
    (tmp_path / "own.conf").write_text('SecAction "id:1,phase:1,pass,nolog"\n')
    s = sidegate(backend().url, f"process: {{ threads: 1, log: {{ path: {log} }} }}\n"
                 f"rules: {{ files: [{tmp_path}/own.conf], exclusions: [{{ rule: {list(ids)}, reason: a test of many warnings }}] }}\n")
    assert s.ask().status == 200
    said = log.read_text()
    warned = [line.split("is meant by ")[1].split("'")[1] for line in said.splitlines() if "is meant by" in line]
    assert "warning: of the configuration:\n" in said and "\\n" not in said, said
    assert warned == [str(i) for i in ids] and len(said) > 4096
