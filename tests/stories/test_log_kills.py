# SPDX-License-Identifier: Apache-2.0
"""What a kill of the child costs a log's own file: each line is written, waits, or stands in the account as lost."""
import json
import os
import select
import signal
import threading

import pytest
from harness import get, has_just_rested, wait_until
from log_receivers import Firehose


def account(s, destination="access_log"):
    """It adds up at every look."""
    page = json.loads(s.status("/api/v1/drops", s.admin_port)[1])
    row = next(one for one in page["destinations"] if one["destination"] == destination)
    assert row["produced"] == row["sent"] + row["waiting"] + sum(row["dropped"].values()), row
    return row


def ask(s, numbers):
    client = s.client()
    for number in numbers:
        client.send(get(f"/n/{number}"))
        assert client.answer().status == 200
    client.close()


def numbers_of(text):
    """Of whole lines; a kill may leave one without an end."""
    found = []
    for line in text.decode().splitlines():
        try:
            found.append(int(json.loads(line)["path"].rsplit("/", 1)[1]))
        except ValueError:
            pass
    return found


class Fifo:
    """A pipe with a name that is held open, and not read before it is asked to."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path, self.text, self.over = path, b"", threading.Event()
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.thread = threading.Thread(target=self.read, daemon=True)

    def is_full(self):
        return not select.select([], [self.fd], [], 0)[1]

    def read(self):
        while not self.over.is_set():
            if select.select([self.fd], [], [], 0.05)[0]:
                self.text += os.read(self.fd, 1 << 16)

    def close(self):
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()
        os.close(self.fd)


@pytest.fixture
def fifo(tmp_path):
    one = Fifo(tmp_path / "fifo")
    yield one
    one.close()


def test_lines_for_a_pipe_that_nobody_reads_are_counted_when_the_child_is_killed(sidegate, backend, fifo):
    s = sidegate(backend().url, f"access_log: {{ path: {fifo.path} }}\n")
    ask(s, range(1000))
    wait_until(lambda: account(s)["produced"] == 1000 and fifo.is_full(), "the pipe is full, the rest waits")
    before = account(s)
    assert before["waiting"] > 500
    s.kill_child()
    after = account(s)
    assert (after["produced"], after["sent"]) == (1000, before["sent"])
    assert after["dropped"]["crash"] == before["waiting"]
    fifo.thread.start()
    ask(s, range(1000, 1050))
    wait_until(lambda: account(s)["sent"] == before["sent"] + 50 and account(s)["waiting"] == 0, "the next ones are written")
    found = numbers_of(fifo.text)
    assert sorted(found) == [*range(before["sent"]), *range(1000, 1050)], "what was sent is there, what is counted is not"
    assert account(s)["produced"] == 1050


def test_over_kills_a_file_has_what_its_account_says(sidegate, backend, tmp_path):
    """A record between an answer's last byte and the ring is gone with the child: one for each kill at most."""
    s = sidegate(backend().url)
    answered, kills = [], 3
    for kill in range(kills):
        ask(s, range(kill * 300, kill * 300 + 300))
        answered += range(kill * 300, kill * 300 + 300)
        s.kill_child()
    row = wait_until(lambda: (lambda r: r["waiting"] == 0 and r["produced"] >= len(answered) - kills and r)(account(s)), "all is settled")
    found = numbers_of(s.log.read_bytes())
    assert row["produced"] <= len(answered) + kills
    assert row["sent"] + row["dropped"]["crash"] == row["produced"]
    assert row["sent"] <= len(found) <= row["sent"] + row["dropped"]["crash"]


def test_a_line_that_was_torn_is_ended_before_the_next_one(sidegate, backend, tmp_path):
    log = tmp_path / "torn.log"
    log.write_text("torn by a full disk")
    s = sidegate(backend().url, f"access_log: {{ path: {log} }}\n")
    ask(s, [1])
    wait_until(lambda: log.read_text().count("\n") == 2, "the line is there")
    with log.open("a") as file:
        file.write("torn by a kill")
    s.kill_child()
    ask(s, [2])
    wait_until(lambda: log.read_text().count("\n") == 4, "the next one too")
    lines = log.read_text().splitlines()
    assert lines[::2] == ["torn by a full disk", "torn by a kill"]
    assert [json.loads(line)["path"] for line in lines[1::2]] == ["/n/1", "/n/2"]


def firehose_log(folder, receiver):
    return f'access_log: {{ path: off, spool: {{ path: {folder}/lines }}, firehose: {{ url: "{receiver.url}" }} }}\n'


@pytest.fixture
def away():
    """A receiver that nobody reaches."""
    one = Firehose()
    one.go_away()
    yield one
    one.close()


def test_lines_that_a_disk_takes_outlive_kills(sidegate, backend, away, tmp_path):
    """Some come twice: what was held and had come to the disk all the same."""
    s, kills = sidegate(backend().url, firehose_log(tmp_path, away)), 3
    for _ in range(kills):
        ask(s, range(400))
        s.kill_child()
    row = wait_until(lambda: (lambda r: r["produced"] >= kills * 399 and r)(account(s, "access_log.firehose")), "they are all there")
    assert row["waiting"] == row["produced"]


def test_what_the_ring_has_when_sidegate_gives_up_is_not_lost(sidegate, backend, away, tmp_path):
    """A record between an answer's last byte and the ring is gone with the child."""
    settings, deaths = firehose_log(tmp_path, away), 5
    s = sidegate(backend().url, settings)
    for death in range(deaths):
        ask(s, range(death * 400, death * 400 + 400))
        if death < deaths - 1:
            s.kill_child()
    os.kill(s.child(), signal.SIGKILL)
    assert s.process.wait(30) == 1 and "giving up" in s.errors()
    away.open()
    s = sidegate(backend().url, settings)
    wait_until(lambda: account(s, "access_log.firehose")["sent"] > 0 and account(s, "access_log.firehose")["waiting"] == 0, "all is sent")
    came = set(numbers_of("\n".join(away.lines).encode()))
    assert len(came) >= deaths * 399, sorted(set(range(deaths * 400)) - came)


def test_lines_that_nobody_took_before_a_kill_were_not_sent_twice(sidegate, backend, away, tmp_path):
    s = sidegate(backend().url, firehose_log(tmp_path, away))
    ask(s, range(50))
    wait_until(lambda: account(s, "access_log.firehose")["waiting"] == 50 and "; trying again" in s.errors(), "they were tried")
    ledger = tmp_path / "lines.firehose" / "ledger"
    wait_until(lambda: has_just_rested(ledger), "and rest")
    s.kill_child()
    row = wait_until(lambda: (lambda r: r["waiting"] >= 50 and r)(account(s, "access_log.firehose")), "they wait again")
    assert row["resent"] == 0


def test_lines_whose_disk_cannot_be_used_are_lost_or_come_again_at_a_kill_and_never_both(sidegate, backend, away, tmp_path):
    (tmp_path / "lines.firehose").write_text("no folder")
    s = sidegate(backend().url, firehose_log(tmp_path, away))
    ask(s, range(1000))
    s.kill_child()
    row = wait_until(lambda: (lambda r: r["produced"] >= 999 and r)(account(s, "access_log.firehose")), "they are counted or wait")
    assert row["produced"] <= 1001, "a record under way is perhaps there twice"
    assert row["dropped"]["crash"] + row["waiting"] == row["produced"]
