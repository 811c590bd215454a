# SPDX-License-Identifier: Apache-2.0
"""Three programs that have everything their metrics speak of: what boards and rules are asked about is made to happen here.

`orders` serves, blocks, fails and is short of memory now and then; of `edge` everything it needs is away; `calm` is as it should be."""
import json
import os
import signal
import sys
import threading
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "stories"))
from api_keys import GOOD, write_keys  # noqa: E402
from certificates import Authority  # noqa: E402
from functions import Function  # noqa: E402
from harness import OK, Backend, Broken, Client, Sidegate, free_ports, get, post, read_request, wait_until  # noqa: E402
from issuer import Key  # noqa: E402

ORDERS = """
service: {{ name: orders }}
process: {{ threads: 1, state_dir: {folder}/state }}
listeners:
  - {{ name: public, address: "127.0.0.1:{port}", trusted_proxies: [127.0.0.1] }}
  - {{ name: secure, address: "127.0.0.1:{secure}", tls: {{ certificates: [{{ cert_file: {folder}/a.crt, key_file: {folder}/a.key }}] }} }}
otlp: {{ endpoint: "{collector}" }}
limits: {{ memory: 16MiB, connections: 250 }}
rules: {{ files: [{folder}/own.conf], request_body: {{ inspect: 96KiB, over_limit: reject }} }}
upstreams:
  app: {{ targets: ["{app}"] }}
  small: {{ targets: ["{app}"], max_connections: 2, max_pending: 1 }}
  gone: {{ targets: ["http://127.0.0.1:9"] }}
  stale: {{ targets: ["{stale}"] }}
ip_sets:
  abusers: {{ url: "{files}/abusers.txt", refresh: 500ms, timeout: 2s }}
access:
  - {{ name: abusers, match: {{ ip_set: abusers }}, action: block }}
  - {{ name: logins, match: {{ path: /login }}, rate: {{ limit: 2, window: 60s, key: [client_address] }}, action: block, status: 429 }}
  - {{ name: seclang, rules: all }}
rate_limits: {{ few: {{ key: [client_address], rate: 1/s, burst: 1 }} }}
api_keys: {{ file: {folder}/keys.yaml }}
usage_plans: {{ basic: {{ keys: [k1], quota: {{ limit: 5, period: month }} }} }}
authorizers:
  door: {{ type: http, url: "{door}/", identity: [$request.header.authorization], ttl: 1m, timeout: 2s }}
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [RS256], jwks_url: "{files}/keys" }}
routes:
  - {{ match: "GET /late", upstream: small }}
  - {{ match: "GET /slow", upstream: small, timeouts: {{ request: 1200ms }} }}
  - {{ match: "GET /gone", upstream: gone }}
  - {{ match: "GET /stale/{{n}}", upstream: stale }}
  - {{ match: "GET /door", upstream: app, authorizer: door }}
  - {{ match: "GET /staff", upstream: app, authorizer: staff }}
  - {{ match: "GET /few", upstream: app, rate_limits: [few] }}
  - {{ match: "GET /keyed", upstream: app, api_key: required }}
  - {{ match: "ANY /{{proxy+}}", upstream: app }}
  - {{ match: "ANY /", upstream: app }}
alarms:
  - {{ name: errors, metric: 5XXError, statistic: Sum, period: 10s, evaluation_periods: 1, threshold: 1,
      comparison_operator: GreaterThanOrEqualToThreshold, treat_missing_data: notBreaching,
      actions: [{{ type: webhook, format: sns, url: "http://127.0.0.1:9/" }}] }}
  - {{ name: tried, metric: Latency, statistic: Maximum, period: 10s, evaluation_periods: 1, threshold: 1000000000,
      comparison_operator: GreaterThanThreshold, treat_missing_data: notBreaching,
      actions: [{{ type: webhook, url: "{alertmanager}" }}, {{ type: webhook, format: sns, url: "{files}/refuse" }}] }}
"""

EDGE = """
service: {{ name: edge }}
process: {{ threads: 1, state_dir: {folder}/no-folder }}
otlp: {{ endpoint: "http://127.0.0.1:9" }}
ip_sets: {{ abusers: {{ url: "http://127.0.0.1:9/abusers.txt", refresh: 500ms, timeout: 2s, on_failure: allow }} }}
access: [{{ name: abusers, match: {{ ip_set: abusers }}, action: block }}]
traces: {{ sampler: xray, xray: {{ sampling: {{ endpoint: "http://127.0.0.1:9", report: 1s, refresh: 1s }} }} }}
api_keys: {{ file: {folder}/keys.yaml }}
usage_plans: {{ basic: {{ keys: [k1] }} }}
authorizers:
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [RS256], jwks_url: "http://127.0.0.1:9/keys" }}
  door: {{ type: http, url: "http://127.0.0.1:9/", identity: [$request.header.authorization], timeout: 2s }}
routes:
  - {{ match: "GET /door", upstream: app, authorizer: door }}
  - {{ match: "GET /staff", upstream: app, authorizer: staff }}
  - {{ match: "ANY /{{proxy+}}", upstream: app }}
  - {{ match: "ANY /", upstream: app }}
"""

CALM = """
service: {{ name: calm }}
process: {{ threads: 1, state_dir: {folder}/state }}
otlp: {{ endpoint: "{collector}" }}
rules: {{ files: [{folder}/own.conf] }}
"""

RULES = """
SecRuleEngine On
SecRequestBodyAccess On
SecRule ARGS "@contains attack" "id:1000,phase:2,deny,status:403,log,msg:'an attack',tag:'attack-generic'"
SecRule ARGS "@contains odd" "id:1001,phase:2,pass,log,msg:'an odd request'"
"""

ATTACKS = 5


class Services:
    """What the two programs talk to."""

    def __init__(self, folder):
        self.over = threading.Event()
        self.keys = json.dumps({"keys": [Key(folder, "one", "RS256").jwk]}).encode()
        self.app, self.stale = Backend(self.serve), Backend(self.hang_up)
        self.files, self.collector, self.door = Backend(self.give), Backend(self.refuse), Function()
        self.accepting = Backend()

    def serve(self, wire):
        while True:
            path = read_request(wire)[0].split()[1]
            if path == "/slow":
                self.over.wait(60)
                return
            if path == "/late":
                self.over.wait(0.2)
            wire.send(OK.replace(b"200 OK", b"500 Oops") if path == "/error" else OK)

    def hang_up(self, wire):
        read_request(wire)
        wire.send(OK)
        read_request(wire)

    def give(self, wire):
        while True:
            path = read_request(wire)[0].split()[1]
            if path == "/refuse":
                wire.send(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
                continue
            body = self.keys if path == "/keys" else b"192.0.2.0/24\n"
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def refuse(self, wire):
        """A collector that takes every second batch, and refuses the others for good."""
        while True:
            read_request(wire)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            read_request(wire)
            wire.send(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")

    def close(self):
        self.over.set()
        for server in (self.app, self.stale, self.files, self.collector, self.door, self.accepting):
            server.close()


class Scene:
    """The programs and a load that does not end before close()."""

    def __init__(self, folder):
        self.folder, self.faults, self.rounds = folder, [], 0
        for name in ("orders", "edge", "calm", "orders/state", "calm/state"):
            (folder / name).mkdir(mode=0o700)
        for name in ("orders", "calm"):
            (folder / name / "own.conf").write_text(RULES)
        for name in ("orders", "edge"):
            write_keys(folder / name / "keys.yaml")
        (folder / "edge" / "no-folder").write_text("a file")
        Authority(folder / "orders").issue("a", ["DNS:a.example"], days=1)
        self.services = Services(folder / "orders")
        self.programs = []
        self.over, self.threads = threading.Event(), []

    def start(self, alertmanager):
        port, self.secure = free_ports(2)
        urls = {name: getattr(self.services, name).url for name in ("app", "stale", "files", "collector", "door")}
        self.orders = Sidegate(self.folder / "orders", config=ORDERS.format(folder=self.folder / "orders", port=port, secure=self.secure,
                                                                            alertmanager=alertmanager, **urls), listen=f"127.0.0.1:{port}")
        self.orders.port = port
        self.programs.append(self.orders)
        self.edge = Sidegate(self.folder / "edge", self.services.app.url, EDGE.format(folder=self.folder / "edge"))
        self.calm = Sidegate(self.folder / "calm", self.services.app.url,
                             CALM.format(folder=self.folder / "calm", collector=self.services.accepting.url))
        self.programs += [self.edge, self.calm]
        for script in (self.ask_round, self.ask_slowly, self.crowd):
            thread = threading.Thread(target=self.repeat, args=(script,))
            thread.start()
            self.threads.append(thread)

    def repeat(self, script):
        while not self.over.is_set():
            try:
                script()
            except (Broken, OSError):
                self.over.wait(0.02)  # a child that was killed, a connection over the limit

    def ask_round(self):
        """One of everything that an answer comes to at once."""
        s = self.orders
        for target in ("/", "/search?q=pets", "/?q=odd", "/error", "/gone", "/login", "/few", "/door", "/staff", "/keyed",
                       *[f"/?q=attack{n}" for n in range(ATTACKS)]):
            s.ask("GET", target)
        for target, field in (("/door", ("Authorization", "me")), ("/staff", ("Authorization", "Bearer x.y.z")),
                              ("/keyed", ("x-api-key", GOOD)), ("/", ("X-Forwarded-For", "192.0.2.7"))):
            s.ask("GET", target, fields=[field])
        s.ask("POST", "/", body="x" * 100000, fields=[("Content-Type", "text/plain")])
        client = s.client()
        for n in range(2):  # the second one finds a connection that ends as it is used
            client.ask("GET", f"/stale/{n}")
        client.send("GET / HTTP/1.1\r\nno colon\r\n\r\n")
        client.answer()
        client.close()
        plain = Client(self.secure)  # no TLS where there should be
        plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        plain.finish()
        plain.close()
        for target in ("/", "/door", "/staff"):
            self.edge.ask("GET", target, fields=[("Authorization", "Bearer x.y.z")])
            self.calm.ask("GET", target.replace("/door", "/pets"))
        self.rounds += 1
        self.over.wait(0.05)  # Prometheus and the two programs have the same machine

    def ask_slowly(self):
        self.orders.ask("GET", "/slow")  # 504, or 503 where the crowd is before it

    def crowd(self):
        """More at once than the backend's connections and its queue have room for."""
        clients = [self.orders.client() for _ in range(6)]
        for client in clients:
            client.send(get("/late"))
        for client in clients:
            client.answer()
            client.close()

    # ---- events ----

    def lack_of_memory(self):
        """Bodies that are held for inspection fill the worker's share, and more come than may be connected."""
        held = []
        try:
            for _ in range(280):
                client = self.orders.client()
                held.append(client)
                try:
                    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 95000\r\nContent-Type: text/plain\r\n\r\n" + "x" * 90000)
                except OSError:
                    pass
            yield
        finally:
            for client in held:
                client.close()

    def kill_child(self):
        child = self.orders.child()
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: self.orders.child() not in (None, child), "another child")
        wait_until(self.orders.is_ready, "it serves")

    def break_configuration(self):
        good = self.orders.config.read_text()
        self.orders.config.write_text(good + "\nnonsense: 1\n")
        self.orders.signal(signal.SIGHUP)
        return good

    def mend_configuration(self, good):
        self.orders.config.write_text(good)
        self.orders.signal(signal.SIGHUP)

    def set_alarm(self, name, state):
        request = urllib.request.Request(f"http://127.0.0.1:{self.orders.admin_port}/api/v1/alarms/{name}/state", method="POST",
                                         data=json.dumps({"state": state, "reason": "tried"}).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def close(self):
        self.over.set()
        self.services.over.set()
        for thread in self.threads:
            thread.join()
        codes = [s.stop() for s in self.programs]
        self.services.close()
        return codes
