#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What memory telemetry takes while its collector is away, at full load.

    outage.py --sidegate build/sidegate --nginx NGINX --wrk WRK [--seconds 20]

tests/bench/full.yaml beside the same without log, metrics and traces (telemetry.py), each under the same load: with a collector whose
port is closed, with one that takes a request and never answers, and both once more with a spool on disk. What is compared is the
largest proportional set (PSS) of the program with its parent; what it may take more is what exporters/README.md says.
"""
import socket
import threading
import time
from pathlib import Path

from pairs import Pair, arguments, in_folder  # first: it shows the way to what tests share
from cpu_time import family
from telemetry import SCRIPT, settings

MIB = 1 << 20
DOCUMENTED = {"the ring": 4, "the queue of a channel": 16, "the channel": 19, "an access log's queue and batch": 5}
SPOOL = 6


def pss(pid):
    """Bytes of the program and its children."""
    total = 0
    for one in family(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


class Watch(threading.Thread):
    """The most that it had at any look, ten a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.ends = pid, 0, threading.Event()

    def run(self):
        while not self.ends.wait(0.1):
            self.most = max(self.most, pss(self.pid))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.join()


def under_load(options, text):
    """The most bytes while it is loaded, and how many requests it answered."""
    def measure(folder):
        with Pair(options, folder, {"with": text.replace("FOLDER", str(folder))}, SCRIPT) as pair:
            with Watch(pair.subjects["with"].pid) as watch:
                requests = pair.load("with")
            return watch.most, requests

    return in_folder(measure)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def main():
    options = arguments(seconds=20)
    hangs = socket.create_server(("127.0.0.1", 0), backlog=16)  # the kernel takes connections, nobody reads
    text = settings()
    outages = {"closed": closed_port(), "hanging": hangs.getsockname()[1]}
    allowed, code = sum(DOCUMENTED.values()), 0
    least, requests = under_load(options, text["without"])
    print(f"without telemetry          {least / MIB:6.1f} MiB, {requests} requests")
    for name, port in outages.items():
        for spool in ("", ", spool: { path: FOLDER/spool }"):
            away = text["with"].replace('"${BENCH_OTLP}" }', f'"http://127.0.0.1:{port}"{spool} }}')
            assert away != text["with"], "full.yaml says it otherwise now"
            most, requests = under_load(options, away)
            more = (most - least) / MIB
            print(f"{name:8} {'with a spool' if spool else 'in memory':16} {most / MIB:6.1f} MiB, {requests} requests, {more:.1f} MiB more")
            code |= more > allowed + (SPOOL if spool else 0)
    parts = ", ".join(f"{what} {size}" for what, size in DOCUMENTED.items())
    print(f"allowed are {allowed} MiB more: {parts}; with a spool {SPOOL} more")
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main())
