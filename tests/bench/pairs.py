# SPDX-License-Identifier: Apache-2.0
"""What something costs: two programs beside each other, one with it and one without, at the same time.

Both run on core 0, load (wrk) and backend (nginx) on core 1; CPU time comes from schedstat of every thread and child. They share
the core by milliseconds, so that whatever slows the machine slows both alike: on a noisy machine two programs that are the same
differ by less than half a microsecond, where turns of seconds differed by ten. A round is a pair of measurements; what counts is the
median of the pairs' differences.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from cpu_time import cpu_ns, until  # noqa: E402

DATA = Path(os.environ.get("SIDEGATE_TEST_DATA", HERE.parents[2] / "shared" / "data"))
BACKEND, SINK = 19200, 19201
PORTS = {"without": 19210, "with": 19220}

NGINX = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 100000000; client_max_body_size 64m;
  server {{ listen 127.0.0.1:{backend}; default_type application/json; location / {{ return 200 "{text}"; }}
            location = /sunk {{ default_type application/x-protobuf; return 200 ""; }} }}
  server {{ listen 127.0.0.1:{sink}; location / {{ proxy_pass http://127.0.0.1:{backend}/sunk; }} }}
}}
"""
# As from a browser, so that rules find nothing: a matched rule costs more than what is measured here.
CLIENT = 'wrk.headers["Host"] = "shop.example.com"; wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64)"; wrk.headers["Accept"] = "*/*"\n'
DONE = 'function done(s) io.write(string.format("N %d %d\\n", s.requests, s.errors.status + s.errors.read + s.errors.connect)) end\n'


def arguments(seconds=2, **more):
    """Options that every such benchmark has; `more`: name -> (default, choices)."""
    parser = argparse.ArgumentParser()
    for name in ("sidegate", "nginx", "wrk"):
        parser.add_argument(f"--{name}", required=True, type=os.path.abspath)
    parser.add_argument("--seconds", type=int, default=seconds)
    parser.add_argument("--rounds", type=int, default=15)
    for name, (default, choices) in more.items():
        parser.add_argument(f"--{name}", default=default, choices=choices)
    return parser.parse_args()


class Pair:
    """`settings`: name ("with", "without") -> the configuration's text; `script`: wrk's, without its `done`."""

    def __init__(self, options, folder, settings, script):
        self.options, self.folder = options, folder
        (folder / "load.lua").write_text(CLIENT + script + DONE)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, backend=BACKEND, sink=SINK, text="x" * 200))
        self.crs_folder()
        self.running = [subprocess.Popen(["taskset", "-c", "1", options.nginx, "-p", folder, "-c", folder / "nginx.conf"],
                                         stderr=subprocess.DEVNULL)]
        self.subjects = {name: self.start(name, text) for name, text in settings.items()}
        self.served = dict.fromkeys(settings, 0)

    def __enter__(self):
        try:
            for name, process in self.subjects.items():
                self.wait_ready(name, process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait()

    def crs_folder(self):
        (self.folder / "crs").mkdir()
        (self.folder / "crs" / "rules").symlink_to(DATA / "crs-4" / "rules")
        (self.folder / "crs" / "crs-setup.conf").symlink_to(DATA / "crs-4" / "crs-setup.conf.example")

    def start(self, name, text):
        port, folder = PORTS[name], self.folder
        (folder / f"{name}.yaml").write_text(text)
        environment = {"BENCH_LISTEN": f"127.0.0.1:{port}", "BENCH_STATUS": f"127.0.0.1:{port + 1}",
                       "BENCH_ADMIN": f"127.0.0.1:{port + 2}", "BENCH_UPSTREAM": f"http://127.0.0.1:{BACKEND}",
                       "BENCH_OTLP": f"http://127.0.0.1:{SINK}", "BENCH_LOG": str(folder / f"{name}.log"), "BENCH_CRS": str(folder / "crs")}
        self.running.append(subprocess.Popen(
            ["taskset", "-c", "0", self.options.sidegate, "run", "-c", str(folder / f"{name}.yaml")],
            env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=(folder / f"{name}.err").open("w")))
        return self.running[-1]

    def wait_ready(self, name, process):
        def is_over():
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{PORTS[name] + 1}/readyz", timeout=5).status == 200
            except OSError:
                return process.poll() is not None

        if not until(is_over) or process.poll() is not None:
            raise SystemExit(f"{name}: it does not serve\n{(self.folder / f'{name}.err').read_text()}")

    def begin_load(self, name):
        return subprocess.Popen(["taskset", "-c", "1", self.options.wrk, "-t1", "-c16", f"-d{self.options.seconds}s", "-s",
                                 self.folder / "load.lua", f"http://127.0.0.1:{PORTS[name]}/"], stdout=subprocess.PIPE, text=True)

    def end_load(self, name, wrk):
        said, _ = wrk.communicate()
        _, requests, errors = [line for line in said.splitlines() if line.startswith("N ")][0].split()
        assert int(errors) == 0, said + self.odd_lines(name)
        return int(requests)

    def load(self, name):
        return self.end_load(name, self.begin_load(name))

    def odd_lines(self, name):
        """The access log's last lines of answers that were no 200."""
        log = self.folder / f"{name}.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return "\n".join([line for line in lines if '"status":200,' not in line][-3:])

    def is_told(self, name):
        """Each request has its line, where there are any, and nothing waits."""
        page = urllib.request.urlopen(f"http://127.0.0.1:{PORTS[name] + 2}/api/v1/drops", timeout=5)
        accounts = json.load(page)["destinations"]
        lines = max(one["produced"] for one in accounts if one["destination"] == "access_log")
        return all(one["waiting"] == 0 for one in accounts) and (lines == 0 or lines >= self.served[name])

    def wait_told(self, requests):
        """Both are asked as often: what an answer costs is no cost of telling."""
        for name in self.subjects:
            self.served[name] += requests[name]
        assert until(lambda: all([self.is_told(name) for name in self.subjects])), "lines or spans wait for a receiver that is there"

    def measure(self):
        """name -> microseconds of CPU time a request, round by round."""
        figures = {name: [] for name in self.subjects}
        for round_ in range(self.options.rounds + 1):
            before = {name: cpu_ns(process.pid) for name, process in self.subjects.items()}
            under_way = {name: self.begin_load(name) for name in self.subjects}
            requests = {name: self.end_load(name, wrk) for name, wrk in under_way.items()}
            self.wait_told(requests)
            for name, process in self.subjects.items():
                if round_ > 0:  # the first one warms up
                    figures[name].append((cpu_ns(process.pid) - before[name]) / requests[name] / 1000)
        return figures


def in_folder(bench):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        return bench(folder)


def judge(figures, base, what, allowed_us):
    """Prints the figures; the exit code: 1 where it costs more than is allowed."""
    pairs = [b - a for a, b in zip(figures["without"], figures["with"])]
    for name, values in figures.items():
        print(f"{base}, {name:8} {statistics.median(values):7.2f} us a request")
    cost, error = statistics.median(pairs), statistics.stdev(pairs) / len(pairs) ** 0.5
    print(f"{what} {cost:.2f} us a request (standard error {error:.2f}, pairs from {min(pairs):.2f} to {max(pairs):.2f}); "
          f"allowed are {allowed_us} us")
    return 0 if cost <= allowed_us else 1
