#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to ask who may pass: CPU time per request with the guards and without, in rounds that alternate.

    guards.py --sidegate build/sidegate --nginx NGINX --wrk WRK [--base full|bare] [--seconds 2] [--rounds 15]

Two programs stand beside each other with the same configuration (tests/bench/full.yaml or bare.yaml), one of them with a list of
100,000 addresses, a question about the country, a rate by address and an authorizer for JSON Web Tokens (ES256, the same token
each time). Both get the same requests, from a thousand addresses by X-Forwarded-For. They run on core 0 in turn, load and backend
on core 1; CPU time comes from schedstat of every thread and child. A round is a pair; what counts is the median of the pairs'
differences, and what a stranger gets: 401, 403 and 429 are asked for first.
"""
import argparse
import base64
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from measure import cpu_ns, until  # noqa: E402

DATA = Path(os.environ.get("SIDEGATE_TEST_DATA", HERE.parents[2] / "shared" / "data"))
BACKEND, SINK = 19200, 19201
PORTS = {"without": 19210, "with": 19220}
ALLOWED_US = 3.0

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
GUARDS = """ip_sets: {{ abusers: {{ file: {folder}/abusers.txt }} }}
geo: {{ country_db: {country} }}
access:
  - {{ name: abusers, match: {{ ip_set: abusers }}, action: block }}
  - {{ name: abroad, match: {{ country: [KP] }}, action: block }}
  - {{ name: often, match: {{ path: "/*" }}, rate: {{ limit: 1000000000, window: 60s, key: [client_address] }}, action: block, status: 429 }}
authorizers:
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [ES256], jwks_file: {folder}/keys.json }}
routes: [{{ match: "ANY /{{proxy+}}", authorizer: staff }}]
"""
SCRIPT = """local addresses = {{}}
for line in io.lines("{folder}/clients.txt") do addresses[#addresses + 1] = line end
local at = 0
function request()
  at = at % #addresses + 1
  wrk.headers["X-Forwarded-For"] = addresses[at]
  wrk.headers["Authorization"] = "Bearer {token}"
  return wrk.format("GET", "/products/1?id=42")
end
function done(s) io.write(string.format("N %d %d\\n", s.requests, s.errors.status + s.errors.read + s.errors.connect)) end
"""


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def openssl(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], input=data, check=True, capture_output=True).stdout


def raw_of_der(der):
    """A signature as JSON Web Algorithms want it: r and s of 32 bytes each (RFC 7518, 3.4)."""
    numbers, at = [], 2
    for _ in range(2):
        length = der[at + 1]
        numbers.append(der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + length
    return b"".join(numbers)


def make_token(folder):
    key = folder / "key.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    point = openssl("ec", "-in", key, "-pubout", "-outform", "DER")[-64:]
    (folder / "keys.json").write_text(json.dumps({"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "x": b64(point[:32]), "y": b64(point[32:])}]}))
    claims = {"iss": "https://id.example/", "aud": "orders", "sub": "alice", "exp": int(time.time()) + 3600, "scope": "orders.read"}
    text = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "ES256", "kid": "k1", "typ": "JWT"}, claims))
    return f"{text}.{b64(raw_of_der(openssl('dgst', '-sha256', '-sign', key, data=text.encode())))}"


def write_lists(folder):
    """The clients are in no list: they come from networks that documentation and tests use, the list from others."""
    draw = random.Random(1)
    (folder / "abusers.txt").write_text("".join(
        f"{draw.randrange(11, 80)}.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(256)}\n" if i % 4 else
        f"2001:db8:{i & 0xffff:x}:{draw.randrange(65536):x}::/64\n" for i in range(100000)))
    (folder / "clients.txt").write_text("".join(f"{draw.choice([81, 89, 175, 202])}.{draw.randrange(256)}.{draw.randrange(256)}."
                                                f"{draw.randrange(1, 255)}\n" for _ in range(1000)))


def ask(port, fields):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/products/1?id=42", headers=fields)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def settings(folder, name, base):
    """The configuration that the folder keeps, with addresses believed as the proxy before it writes them."""
    port = PORTS[name]
    text = (HERE / f"{base}.yaml").read_text().replace('address: "${BENCH_LISTEN}"',
                                                       'address: "${BENCH_LISTEN}", trusted_proxies: [127.0.0.1]')
    if name == "with":
        text += GUARDS.format(folder=folder, country=DATA / "geo-maxmind-db/test-data/GeoLite2-Country-Test.mmdb")
    (folder / f"{name}.yaml").write_text(text)
    return {**os.environ, "BENCH_LISTEN": f"127.0.0.1:{port}", "BENCH_STATUS": f"127.0.0.1:{port + 1}",
            "BENCH_ADMIN": f"127.0.0.1:{port + 2}", "BENCH_UPSTREAM": f"http://127.0.0.1:{BACKEND}",
            "BENCH_OTLP": f"http://127.0.0.1:{SINK}", "BENCH_LOG": str(folder / f"{name}.log"), "BENCH_CRS": str(folder / "crs")}


def start(folder, name, options):
    environment = settings(folder, name, options.base)
    words = ["taskset", "-c", "0", options.sidegate, "run", "-c", str(folder / f"{name}.yaml")]
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=(folder / f"{name}.err").open("w"))


def wait_ready(folder, name, process):
    def is_over():
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{PORTS[name] + 1}/readyz", timeout=5).status == 200
        except OSError:
            return process.poll() is not None

    if not until(is_over) or process.poll() is not None:
        raise SystemExit(f"{name}: it does not serve\n{(folder / f'{name}.err').read_text()}")


def check_guards(folder, token):
    """A figure counts only where the guards guard."""
    bearer = {"Authorization": f"Bearer {token}"}
    abuser = (folder / "abusers.txt").read_text().splitlines()[1]
    port = PORTS["with"]
    assert ask(port, {"X-Forwarded-For": "81.2.3.4", **bearer}) == 200
    assert ask(port, {"X-Forwarded-For": "81.2.3.4"}) == 401
    assert ask(port, {"X-Forwarded-For": "81.2.3.4", "Authorization": f"Bearer {token[:-4]}AAAA"}) == 401
    assert ask(port, {"X-Forwarded-For": abuser, **bearer}) == 403
    assert ask(PORTS["without"], {"X-Forwarded-For": abuser}) == 200


def load(options, folder, name):
    said = subprocess.run(["taskset", "-c", "1", options.wrk, "-t1", "-c16", f"-d{options.seconds}s", "-s", folder / "load.lua",
                           f"http://127.0.0.1:{PORTS[name]}/"], capture_output=True, text=True, check=True).stdout
    _, requests, errors = [line for line in said.splitlines() if line.startswith("N ")][0].split()
    assert int(errors) == 0, said
    return int(requests)


def measure(options, folder, subjects):
    figures = {name: [] for name in subjects}
    for round_ in range(options.rounds + 1):
        for name in list(subjects)[::1 if round_ % 2 else -1]:
            before = cpu_ns(subjects[name].pid)
            requests = load(options, folder, name)
            if round_ > 0:  # the first one warms up
                figures[name].append((cpu_ns(subjects[name].pid) - before) / requests / 1000)
    return figures


def crs_folder(folder):
    source = DATA / "crs-4"
    (folder / "crs").mkdir()
    (folder / "crs" / "rules").symlink_to(source / "rules")
    (folder / "crs" / "crs-setup.conf").symlink_to(source / "crs-setup.conf.example")


def run(options, folder):
    token = make_token(folder)
    write_lists(folder)
    crs_folder(folder)
    (folder / "load.lua").write_text(SCRIPT.format(folder=folder, token=token))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, backend=BACKEND, sink=SINK, text="x" * 200))
    running = [subprocess.Popen(["taskset", "-c", "1", options.nginx, "-p", folder, "-c", folder / "nginx.conf"],
                                stderr=subprocess.DEVNULL)]
    try:
        subjects = {}
        for name in PORTS:
            subjects[name] = start(folder, name, options)
            running.append(subjects[name])
            wait_ready(folder, name, subjects[name])
        check_guards(folder, token)
        return measure(options, folder, subjects)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def main():
    parser = argparse.ArgumentParser()
    for name in ("sidegate", "nginx", "wrk"):
        parser.add_argument(f"--{name}", required=True, type=os.path.abspath)
    parser.add_argument("--base", choices=["full", "bare"], default="full")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        figures = run(options, folder)
    pairs = [b - a for a, b in zip(figures["without"], figures["with"])]
    for name, values in figures.items():
        print(f"{options.base}, {name:8} {statistics.median(values):7.2f} us a request")
    cost = statistics.median(pairs)
    print(f"the guards cost {cost:.2f} us a request (pairs from {min(pairs):.2f} to {max(pairs):.2f}); allowed are {ALLOWED_US} us")
    return 0 if cost <= ALLOWED_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
