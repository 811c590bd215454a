#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS 1.3 keep-alive gets beside nginx with TLS: CPU time per request of either, in rounds that alternate.

    side_by_side.py --sidegate build/sidegate --nginx NGINX --wrk WRK [--seconds 3] [--rounds 3]

Both are proxies with an access log before one nginx that answers 200 with a small body. The subject is alone on core 0, load
and backend on core 1; CPU time comes from schedstat of every thread and child, the median of the rounds counts.
"""
import argparse
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from cpu_time import cpu_ns, until  # noqa: E402

BACKEND, LISTEN, STATUS, ADMIN = 19100, 19110, 19111, 19112

NGINX = """daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.err;
events {{ worker_connections 1024; }}
http {{
  access_log {log}; client_body_temp_path {folder}/{name}-b; proxy_temp_path {folder}/{name}-p; fastcgi_temp_path {folder}/{name}-f;
  uwsgi_temp_path {folder}/{name}-u; scgi_temp_path {folder}/{name}-s; keepalive_requests 100000000;
  {body}
}}
"""
ANSWER = """server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{text}"; }} }}"""
PROXY = """upstream app {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 100000000; }}
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/a.crt; ssl_certificate_key {folder}/a.key; ssl_protocols TLSv1.3;
location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
proxy_set_header X-Forwarded-For $remote_addr; }} }}"""
SIDEGATE = """version: 1
process: {{ threads: 1 }}
service: {{ name: bench }}
listeners: [{{ name: public, address: "127.0.0.1:{port}", tls: {{ min_version: "1.3", certificates: [{{ cert_file: a.crt, key_file: a.key }}] }} }}]
status: {{ address: "127.0.0.1:{status}" }}
admin: {{ address: "127.0.0.1:{admin}" }}
upstreams: {{ app: {{ targets: ["http://127.0.0.1:{backend}"] }} }}
access_log: {{ path: access.log }}
timeouts: {{ drain_delay: 0 }}
"""


def until_served(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def serves():
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=context, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    if not until(serves, 10):
        raise SystemExit("the subject does not serve")


def load(options, folder):
    script = folder / "count.lua"
    script.write_text('done = function(s, l, r) io.write(string.format("N %d %d\\n", s.requests, s.errors.status + s.errors.read)) end\n')
    said = subprocess.run(["taskset", "-c", "1", options.wrk, "-t1", "-c16", f"-d{options.seconds}s", "-s", script,
                           f"https://127.0.0.1:{LISTEN}/products/1?id=42"], capture_output=True, text=True, check=True).stdout
    _, requests, errors = [line for line in said.splitlines() if line.startswith("N ")][0].split()
    assert int(errors) == 0, said
    return int(requests)


def measure(words, options, folder):
    subject = subprocess.Popen(["taskset", "-c", "0", *map(str, words)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_served(LISTEN)
        before = cpu_ns(subject.pid)
        requests = load(options, folder)
        return (cpu_ns(subject.pid) - before) / requests / 1000
    finally:
        subject.terminate()
        subject.wait()


def main():
    parser = argparse.ArgumentParser()
    for name in ("sidegate", "nginx", "wrk"):
        parser.add_argument(f"--{name}", required=True, type=os.path.abspath)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "a.key", "-out",
                        "a.crt", "-subj", "/CN=a.example"], cwd=folder, check=True, capture_output=True)
        (folder / "backend.conf").write_text(NGINX.format(folder=folder, name="backend", log="off", body=ANSWER.format(port=BACKEND, text="x" * 200)))
        (folder / "proxy.conf").write_text(NGINX.format(folder=folder, name="proxy", log=f"{folder}/nginx.log", body=PROXY.format(
            backend=BACKEND, port=LISTEN, folder=folder)))
        (folder / "sidegate.yaml").write_text(SIDEGATE.format(port=LISTEN, status=STATUS, admin=ADMIN, backend=BACKEND))
        backend = subprocess.Popen(["taskset", "-c", "1", options.nginx, "-p", folder, "-c", folder / "backend.conf"], stderr=subprocess.DEVNULL)
        subjects = {"nginx": [options.nginx, "-p", folder, "-c", folder / "proxy.conf"],
                    "sidegate": [options.sidegate, "run", "-c", folder / "sidegate.yaml"]}
        figures = {name: [] for name in subjects}
        try:
            for _ in range(options.rounds):
                for name, words in subjects.items():
                    figures[name].append(measure(words, options, folder))
        finally:
            backend.terminate()
            backend.wait()
        median = {name: statistics.median(values) for name, values in figures.items()}
        for name, values in figures.items():
            print(f"{name:10} {median[name]:6.2f} us a request   ({', '.join(f'{value:.2f}' for value in values)})")
        print(f"sidegate / nginx = {median['sidegate'] / median['nginx']:.2f}")


if __name__ == "__main__":
    main()
