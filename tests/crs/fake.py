#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for the program where the runner itself is tried: `fake.py run -c FILE` answers every request with 200 and logs it,
with one rule log line for each id in $FAKE_IDS ("942100 920100")."""
import http.server
import json
import os
import signal
import socketserver
import sys
import threading

import yaml


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, body=b""):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.say(b"sidegate_export_dropped_total 0\n" if self.path == "/metrics" else b"")


class Proxy(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 128
    lock, seen = threading.Lock(), 0


class Visit(socketserver.StreamRequestHandler):
    def handle(self):
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.rfile.read(length)
        with Proxy.lock:
            Proxy.seen += 1
            client, name = self.client_address[0], f"request-{Proxy.seen}"
            with open(config["access_log"]["path"], "a", encoding="ascii") as log:
                log.write(json.dumps({"client_address": client, "request_id": name}) + "\n")
            with open(config["rules"]["log"]["path"], "a", encoding="ascii") as log:
                for rule in os.environ["FAKE_IDS"].split():
                    log.write(f'[client {client}] ModSecurity: Warning. [id "{rule}"] [msg "said"] [unique_id "{name}"]\n')
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def place(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


with open(sys.argv[sys.argv.index("-c") + 1], encoding="utf-8") as f:
    config = yaml.safe_load(f)
for log_path in (config["access_log"]["path"], config["rules"]["log"]["path"]):
    open(log_path, "w", encoding="ascii").close()
proxy = Proxy(place(config["listeners"][0]["address"]), Visit)
status = http.server.ThreadingHTTPServer(place(config["status"]["address"]), Quiet)
for server in (proxy, status):
    threading.Thread(target=server.serve_forever, daemon=True).start()
signal.sigwait({signal.SIGTERM})
