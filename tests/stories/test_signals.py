# SPDX-License-Identifier: Apache-2.0
"""What a machine does to the program: signals, deaths, being process 1, being root."""
import os
import signal
import subprocess
from pathlib import Path

import pytest
from harness import PROGRAM, wait_until


def children(pid):
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def reachable(s):
    try:
        return s.status("/readyz")[0] == 200
    except OSError:
        return False


def test_usr1_opens_every_log_anew(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS "@contains attack" "id:1,phase:1,deny,log"\n')
    s = sidegate(backend().url, f"process: {{ threads: 1, log: {{ path: {tmp_path}/program.log }} }}\n"
                 f"rules: {{ files: [{tmp_path}/own.conf], log: {{ path: {tmp_path}/rules.log }} }}")
    logs = [tmp_path / name for name in ("access.log", "rules.log", "program.log")]
    assert s.ask(target="/?q=attack").status == 403
    wait_until(lambda: all(log.exists() and log.read_bytes() for log in logs), "each has a line")
    kept = [log.rename(log.with_suffix(".1")) for log in logs]
    s.signal(signal.SIGUSR1)
    wait_until(lambda: all(log.exists() for log in logs), "each is there anew")
    before = [one.read_bytes() for one in kept]
    assert s.ask(target="/second?q=attack").status == 403
    wait_until(lambda: b"/second" in logs[0].read_bytes() and b"/second" in logs[1].read_bytes(), "lines in the new ones")
    assert [one.read_bytes() for one in kept] == before


def test_the_programs_own_log_has_what_its_parent_and_its_exporters_say_and_is_opened_anew(sidegate, backend, tmp_path):
    log = tmp_path / "program.log"
    s = sidegate(backend().url, f"process: {{ threads: 1, log: {{ path: {log} }} }}\notlp: {{ endpoint: 'http://127.0.0.1:9' }}\n",
                 environment={"OTEL_BSP_EXPORT_TIMEOUT": "1"})
    assert "OTEL_BSP_EXPORT_TIMEOUT: warning: " in log.read_text()

    def dies():
        before = s.child()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: reachable(s) and s.child() != before, "another one serves", 20)

    s.ask()
    wait_until(lambda: "sidegate: otlp: the receiver cannot be reached" in log.read_text(), "the exporter's line")
    dies()
    text = log.read_text()
    assert "error: the child was ended by signal 9" in text and "warning: starting it again" in text
    kept = log.rename(tmp_path / "kept")
    s.signal(signal.SIGUSR1)
    wait_until(log.exists, "it is there anew")
    whole = kept.read_text()
    dies()
    assert "the child was ended by signal 9" in log.read_text() and kept.read_text() == whole
    assert s.stop() == 0 and log.read_text().endswith("info: stopped\n")
    assert "the child was ended" not in s.errors() and "cannot be reached" not in s.errors()


def test_hup_takes_the_new_configuration(sidegate, backend):
    s = sidegate(backend().url)
    assert s.ask(target="/" + "x" * 300).status == 200
    s.write("limits: { url: 256B }")
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.ask(target="/" + "x" * 300).status == 414, "the new limit")
    s.write("limits: { url: 1B }")
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.metric("sidegate_config_last_reload_successful") == 0, "the reload is refused")
    assert s.ask().status == 200 and f"{s.config}:" in s.errors()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_first_signal_waits_for_what_is_under_way_and_a_second_one_does_not(sidegate, backend, number):
    def silent(wire):
        wire.head()
        wire.rest()

    s = sidegate(backend(silent).url, "timeouts: { drain_delay: 0, drain: 10m }")
    client = s.client()
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: s.metric("http_server_active_requests") == 1, "the exchange has begun")
    s.signal(number)
    wait_until(lambda: "not accepting any more" in s.errors(), "it drains")
    assert s.process.poll() is None
    s.signal(number)
    wait_until(lambda: s.process.poll() is not None, "it ends", 20)
    assert s.process.returncode in (0, 1)


def test_five_deaths_in_a_minute_are_the_end_and_last_words_are_repeated(sidegate, backend):
    s = sidegate(backend().url)
    killed = []

    def next_child():
        child = s.child() if s.process.poll() is None else None
        return child if child not in killed else None

    for number in range(5):
        child = wait_until(next_child, "there is a child")
        wait_until(lambda: reachable(s) and s.metric("sidegate_child_restarts_total") == number, "it serves", 20)
        killed.append(child)
        os.kill(child, signal.SIGKILL)
    assert s.process.wait(10) == 1
    text = s.errors()
    assert text.count("the child was ended by signal 9") == 5 and text.count("its last words: ") == 5
    assert text.count("starting it again") == 4 and "5 deaths within a minute: giving up" in text


def test_what_a_root_may_do_is_given_up_by_the_child(sidegate, backend):
    if os.getuid() != 0:
        pytest.skip("only root has something to give up")
    s = sidegate(backend().url, "process: { threads: 1, user: nobody }")
    child = status_of(s.child())
    assert child["NoNewPrivs"] == "1" and set(child["CapEff"]) == {"0"} and set(child["CapPrm"]) == {"0"}
    assert "0" not in child["Uid"].split() + child["Gid"].split() and "0" not in child["Groups"].split()
    assert s.ask().status == 200
    s.write("process: { threads: 1, user: nobody }\nlimits: { url: 256B }")
    s.config.chmod(0o644)
    os.kill(s.child(), signal.SIGKILL)  # the next one opens its logs and drops what it has, too
    wait_until(lambda: s.metric("sidegate_child_restarts_total") == 1 if reachable(s) else False, "it serves again")
    assert s.ask().status == 200 and "0" not in status_of(s.child())["Uid"].split()


@pytest.fixture
def first(sidegate, backend):
    """The program as process 1 of a namespace of its own; `first.pid` is its number outside."""
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*words, "true"], capture_output=True).returncode != 0:
        pytest.skip("unshare --pid is not permitted here")
    s = sidegate(backend().url)
    s.stop()
    s.said = open(s.folder / "stderr", "wb")
    s.process = subprocess.Popen([*words, PROGRAM, "run", "-c", str(s.config)], stderr=s.said)
    wait_until(s.is_ready, "the program is ready", 30)
    s.pid = children(s.process.pid)[0]
    yield s
    if s.process.poll() is None:
        s.process.kill()
        s.process.wait()


def test_as_process_1_term_ends_it_in_order(first):
    assert status_of(first.pid)["NSpid"].split()[-1] == "1"
    assert first.ask().status == 200
    os.kill(first.pid, signal.SIGTERM)
    assert first.process.wait(20) == 0
    assert "stopped" in first.errors() and "AddressSanitizer" not in first.errors()


def test_as_process_1_it_reaps_orphans(first):
    mother = subprocess.Popen(["nsenter", "--target", str(first.pid), "--pid", "sh", "-c", "exec 3<&0; cat <&3 >/dev/null 3<&- &"],
                              stdin=subprocess.PIPE)
    mother.wait(10)
    orphans = wait_until(lambda: [pid for pid in children(first.pid) if "sidegate" not in status_of(pid)["Name"]], "there is an orphan")
    mother.stdin.close()  # which ends it
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), "it is reaped")
    assert first.ask().status == 200
    os.kill(first.pid, signal.SIGTERM)
    assert first.process.wait(20) == 0


def test_as_process_1_it_starts_a_dead_child_again(first):
    child = children(first.pid)[0]
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: reachable(first) and children(first.pid) not in ([], [child]), "another child serves")
    assert first.ask().status == 200
    os.kill(first.pid, signal.SIGTERM)
    assert first.process.wait(20) == 0
