# SPDX-License-Identifier: Apache-2.0
"""Receivers of logs that are away while requests go on, the child is killed and Sidegate is restarted: every line comes.

SIDEGATE_SINKS_SECONDS (2): how long they are away; SIDEGATE_SINKS_RATE (300): requests a second. `outage` beside this file runs it with
60 seconds."""
import gzip
import json
import os
import threading
import time
from collections import Counter

import pytest
from harness import Backend, Broken, Sidegate, field, get, read_request, wait_until
from log_receivers import CloudwatchLogs, Firehose, HttpReceiver, Syslog
from signals import OK, attributes, messages

AWAY_S = float(os.environ.get("SIDEGATE_SINKS_SECONDS", "2"))
RATE = int(os.environ.get("SIDEGATE_SINKS_RATE", "300"))
WORKERS, KILLS = 2, 2
SINKS = ("syslog", "firehose", "cloudwatch_logs")

CONFIG = """
process: {{ threads: {workers}, state_dir: {state} }}
access_log:
  path: {folder}/access.log
  syslog: {{ address: "{syslog}" }}
  firehose: {{ url: "{firehose}" }}
  cloudwatch_logs: {{ endpoint: "{cloud}", log_group_name: g, log_stream_name: s }}
otlp: {{ endpoint: "{otlp}" }}
logs: {{ otlp: requests }}
traces: {{ exporter: none }}
timeouts: {{ drain_delay: 0, drain: 20s }}
"""


class OtlpLogs(HttpReceiver):
    def __init__(self, module):
        self.module, self.records = module, []
        super().__init__()

    def serve(self, wire):
        while True:
            _, fields, body = read_request(wire)
            body = gzip.decompress(body) if field(fields, "content-encoding") == "gzip" else body
            message = self.module.ExportLogsServiceRequest()
            message.ParseFromString(body)
            with self.lock:
                self.records += [record for resource in message.resource_logs for scope in resource.scope_logs for record in scope.log_records]
            wire.send(OK)


class Traffic:
    """One client that asks for /n/0, /n/1 ... at a steady rate, whatever becomes of the program."""

    def __init__(self, programs):
        self.programs, self.over = programs, threading.Event()
        self.whole, self.cut = {}, []  # {number: when it was answered}; numbers without a whole answer
        self.gate = threading.Lock()  # who has it asks
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        client, number, began = None, 0, time.monotonic()
        while not self.over.wait(max(0.0, began + number / RATE - time.monotonic())):
            with self.gate:
                client = self.ask(client, number)
            number += 1

    def ask(self, client, number):
        try:
            client = client or self.programs[-1].client()
            client.send(get(f"/n/{number}", "User-Agent: steady\r\n"))
            assert client.answer().status == 200
            self.whole[number] = time.monotonic()
            return client
        except (Broken, OSError, AssertionError):
            self.cut.append(number)
            return client and client.close()

    def until(self, when):
        wait_until(lambda: time.monotonic() >= when, "time goes by", AWAY_S + 10)

    def end(self):
        self.over.set()
        self.thread.join()


class Outage:
    """The whole story, told once."""

    def __init__(self, folder, module):
        self.folder, self.programs, self.killed = folder, [], []
        (folder / "state").mkdir(mode=0o700)
        self.backend = Backend()
        self.receivers = [Syslog("tcp"), Firehose(), CloudwatchLogs("g", ["s"]), OtlpLogs(module)]
        self.start()
        self.traffic = Traffic(self.programs)

    def start(self):
        own = self.folder / f"program-{len(self.programs)}"
        own.mkdir()
        syslog, firehose, cloud, otlp = self.receivers
        self.programs.append(Sidegate(own, self.backend.url, config=CONFIG.format(
            workers=WORKERS, state=self.folder / "state", folder=self.folder, syslog=syslog.address, firehose=firehose.url, cloud=cloud.url,
            otlp=otlp.url)))

    def kill(self):
        self.killed.append(time.monotonic())
        self.programs[-1].kill_child()

    def restart(self):
        assert self.programs[-1].stop(60) == 0, self.programs[-1].errors()
        self.start()

    def accounts(self):
        """{destination: its account}, each of which adds up."""
        status, text = self.programs[-1].status("/api/v1/drops", self.programs[-1].admin_port)
        assert status == 200
        found = {(row["destination"] if row["signal"] == "logs" else ""): row for row in json.loads(text)["destinations"]}
        wanted = {name: found[name] for name in [f"access_log.{sink}" for sink in SINKS] + ["otlp"]}
        for name, row in wanted.items():
            assert row["produced"] == row["sent"] + row["waiting"] + sum(row["dropped"].values()), (name, row)
        return wanted

    def all_is_settled(self):
        accounts = self.accounts()
        return accounts if all(row["waiting"] == 0 for row in accounts.values()) else None

    def is_read(self):
        """Syslog has read what it was sent."""
        return len(set(self.traffic.whole) - set(self.arrived("syslog"))) <= WORKERS * len(self.killed)

    def tell(self):
        self.traffic.until(time.monotonic() + 0.5)
        self.kill()  # while all of them take what comes
        with self.traffic.gate:  # a machine that dies with lines unread has acknowledged them: who sent them must live on to send them again
            wait_until(self.is_read, "syslog has read all of it")
            self.receivers[0].go_away()
        away = time.monotonic()
        self.traffic.until(away + 0.2)
        for one in self.receivers[1:]:
            one.go_away()
        self.traffic.until(away + AWAY_S * 0.4)
        self.kill()
        self.traffic.until(away + AWAY_S * 0.7)
        self.restart()
        self.traffic.until(away + AWAY_S)
        self.waited = {name: row["waiting"] for name, row in self.accounts().items()}
        self.said = self.programs[0].errors()
        for one in self.receivers:
            one.open()
        self.traffic.until(time.monotonic() + 0.5)
        self.traffic.end()
        self.settled = wait_until(self.all_is_settled, "all that waited is sent", 60)
        assert self.programs[-1].stop(60) == 0

    def arrived(self, name):
        """How often each number came there."""
        syslog, firehose, cloud, otlp = self.receivers
        if name == "otlp":
            return Counter(number_of(attributes(record.attributes)["url.path"]) for record in otlp.records)
        lines = {"syslog": syslog.texts(), "firehose": firehose.lines, "cloudwatch_logs": cloud.streams["s"]}[name]
        return Counter(number_of(json.loads(line)["path"]) for line in lines)

    def close(self):
        self.traffic.end()
        for s in self.programs:
            s.stop()
        for one in self.receivers:
            one.close()
        self.backend.close()


def number_of(path):
    return int(path.rsplit("/", 1)[1])


@pytest.fixture(scope="module")
def outage(tmp_path_factory):
    module = messages(tmp_path_factory.mktemp("otlp"))
    if isinstance(module, str):
        pytest.skip(f"OTLP's messages cannot be read: {module}")
    outage = Outage(tmp_path_factory.mktemp("sinks"), module)
    try:
        outage.tell()
        yield outage
    finally:
        outage.close()


@pytest.mark.parametrize("name", [*SINKS, "otlp"])
def test_receivers_that_are_away_get_every_line_over_kills_and_a_restart(outage, name):
    """A kill between an answer's last byte and its record costs that record: one a worker and kill at most, of that very moment."""
    came, whole = outage.arrived(name), outage.traffic.whole
    missing = [number for number in whole if number not in came]
    doubled = sum(came.values()) - len(came)
    print(f"{name}: {len(whole)} whole answers, {len(outage.traffic.cut)} cut; {len(came)} lines came, {doubled} of them twice, "
          f"{len(missing)} did not; {outage.waited[name if name == 'otlp' else 'access_log.' + name]} had waited")
    assert len(missing) <= WORKERS * KILLS
    assert all(any(abs(whole[number] - kill) < 0.05 for kill in outage.killed) for number in missing)
    assert set(came) <= set(whole) | set(outage.traffic.cut)


def test_their_accounts_explain_everything(outage):
    for name, row in outage.settled.items():
        print(name, row)
        assert row["waiting"] == 0 and sum(row["dropped"].values()) == 0 and row["sent"] == row["produced"]
        lines = sum(outage.arrived(name.removeprefix("access_log.")).values())
        under_way = KILLS * RATE  # at the kills: not even a second's
        assert row["sent"] <= lines <= row["sent"] + row["resent"] + under_way, (lines, row)


def test_what_waits_at_a_restart_is_said(outage):
    for sink in SINKS:
        assert f"access_log.{sink}: " in outage.said and "lines wait in the spool for the next start" in outage.said
    assert outage.waited["access_log.syslog"] >= len(outage.traffic.whole) * 0.3
