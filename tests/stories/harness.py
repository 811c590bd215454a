# SPDX-License-Identifier: Apache-2.0
"""What a story is told with: the program, a scripted backend, a raw client. No sleeps: everything waits for a condition."""
import collections
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SIDEGATE", str(TOP / "build-asan" / "sidegate"))
HURRIED = Path(PROGRAM).parent / "tests" / "stories" / "sidegate_hurried"  # hurry.c; where there is none, stories take their time
HURRY = {"HURRY_SPEED": "20" if HURRIED.exists() else "1", "HURRY_SINCE": str(int(time.time()))}
THREADS = os.environ.get("SIDEGATE_THREADS", "1")
DATA = Path(os.environ.get("SIDEGATE_TEST_DATA", TOP.parent / "shared" / "data"))


def hurried_time():
    """Seconds since 1970 as programs that are hurried have them."""
    since = int(HURRY["HURRY_SINCE"])
    return since + (time.time() - since) * int(HURRY["HURRY_SPEED"])


def has_just_rested(ledger):
    """What a spool's sender tried in vain stands in its ledger as resting, and the next try is not near: pauses are of a second and more."""
    age = time.time() - ledger.stat().st_mtime
    return 0.2 < age < 0.4 or age > 5


def wait_until(condition, what, seconds=10):
    """Looks until the condition holds; its value is returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        threading.Event().wait(0.005)


PORTS = range(10000, 32000)  # below those that systems give to whoever asks for any
held_ports = collections.deque(maxlen=100)  # their locks; who asked for them has long begun when one falls out


def free_ports(count):
    """So many different ones. Nobody who asks like this gets them until they are in use, nor the system for a connection."""
    found = []
    while len(found) < count:
        port = random.choice(PORTS)
        lock, probe = socket.socket(socket.AF_UNIX), socket.socket()
        try:
            lock.bind(f"\0sidegate-port-{port}")
            probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
        else:
            held_ports.append(lock)
            found.append(port)
        probe.close()
    return found


def free_port():
    return free_ports(1)[0]


class Broken(Exception):
    """The other side ended before what was asked for had come."""


class Wire:
    """A connection, by bytes: what clients and scripted backends speak."""

    def __init__(self, sock, seconds=10):
        self.sock = sock
        self.sock.settimeout(seconds)
        self.held = b""
        self.heard = b""  # everything that ever came

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Broken("closed")
        self.held += data
        self.heard += data

    def until(self, mark):
        while mark not in self.held:
            self.more()
        found, self.held = self.held.split(mark, 1)
        return found

    def exactly(self, count):
        while len(self.held) < count:
            self.more()
        found, self.held = self.held[:count], self.held[count:]
        return found

    def head(self):
        """(first line, [(name, value)]) of the next head."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        return lines[0], [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]

    def chunks(self):
        """A chunked body, put together; trailers are read over."""
        body = b""
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                while self.until(b"\r\n"):
                    pass
                return body
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"

    def rest(self):
        """Everything up to the end of the connection."""
        try:
            while True:
                self.more()
        except (Broken, ConnectionError):
            found, self.held = self.held, b""
            return found

    def is_closed(self):
        """True where the other side has ended and nothing more comes."""
        try:
            self.more()
            return False
        except (Broken, ConnectionError):
            return True

    def finish(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.sock.close()

    def close(self):
        self.sock.close()


def field(fields, name):
    """The value of a field, or None."""
    return next((v for n, v in fields if n.lower() == name.lower()), None)


class Answer:
    def __init__(self, line, fields, body):
        self.line, self.fields, self.body = line, fields, body
        self.status = int(line.split()[1])

    def __getitem__(self, name):
        return field(self.fields, name)


class Client(Wire):
    def __init__(self, address):
        if isinstance(address, str):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(address)
        else:
            sock = socket.create_connection(("127.0.0.1", address), 10)
        super().__init__(sock)

    def answer(self, to="GET"):
        """The next answer, interim ones included."""
        line, fields = self.head()
        status = int(line.split()[1])
        length, coding = field(fields, "content-length"), field(fields, "transfer-encoding")
        if to == "HEAD" or status in (204, 304) or status < 200:
            body = b""
        elif coding == "chunked":
            body = self.chunks()
        elif length is not None:
            body = self.exactly(int(length))
        else:
            body = self.rest()
        return Answer(line, fields, body)

    def ask(self, method="GET", target="/", fields=(), body=None, version="HTTP/1.1"):
        lines = [f"{method} {target} {version}"]
        lines += ["Host: test.example"] if not any(n.lower() == "host" for n, _ in fields) else []
        lines += [f"{n}: {v}" for n, v in fields]
        if body is not None and not any(n.lower() in ("content-length", "transfer-encoding") for n, _ in fields):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines) + "\r\n\r\n")
        if body:
            self.send(body)
        return self.answer(method)


HOST = "Host: a\r\n"
CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class TlsClient(Client):
    """A connection with its handshake done."""

    def __init__(self, port, context, name="a.example", session=None):
        plain = socket.create_connection(("127.0.0.1", port), 10)
        Wire.__init__(self, context.wrap_socket(plain, server_hostname=name, session=session))


def get(target="/", more="", version="HTTP/1.1"):
    """A request's bytes."""
    return f"GET {target} {version}\r\n{HOST}{more}\r\n"


def post(more, body=""):
    return f"POST / HTTP/1.1\r\n{HOST}{more}\r\n{body}"


def always_ok(wire):
    """A backend that answers each request with 200, whatever it is."""
    while True:
        read_request(wire)
        wire.send(OK)


def read_request(wire):
    """(line, fields, body) of the next request."""
    line, fields = wire.head()
    if field(fields, "transfer-encoding") == "chunked":
        return line, fields, wire.chunks()
    return line, fields, wire.exactly(int(field(fields, "content-length") or 0))


class Backend:
    """Runs `script(wire)` for each connection on a thread of its own; everything that was heard is kept."""

    def __init__(self, script=always_ok, address=None):
        self.script, self.wires, self.errors = script, [], []
        if isinstance(address, str):
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(address)
            self.port = None
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", address or 0))
            self.port = self.listener.getsockname()[1]
        self.listener.listen(128)
        self.url = f"http://127.0.0.1:{self.port}" if self.port else f"unix:{address}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            wire = Wire(sock, 30)
            self.wires.append(wire)
            threading.Thread(target=self.serve, args=(wire,), daemon=True).start()

    def serve(self, wire):
        try:
            self.script(wire)
        except (Broken, OSError):
            pass
        except AssertionError as e:
            self.errors.append(e)
        finally:
            wire.close()

    @property
    def heard(self):
        return b"".join(w.heard for w in self.wires)

    def close(self):
        self.listener.close()
        for wire in self.wires:
            wire.close()
        assert not self.errors, self.errors


class Sidegate:
    """The program with a configuration; ends with the story. `hurried`: a minute of its clock is three seconds."""

    def __init__(self, folder, upstream="http://127.0.0.1:9", config="", listen=None, environment=None, options=(),
                 trusted=None, hurried=False):
        self.folder = Path(folder)
        port, self.status_port, self.admin_port = free_ports(3)
        self.port = port if listen is None else None
        self.listen = listen or f"127.0.0.1:{self.port}"
        self.log = self.folder / "access.log"
        self.rule_log = self.folder / "rules.log"
        self.config = self.folder / "sidegate.yaml"
        self.upstream = upstream
        self.trusted = f", trusted_proxies: [{trusted}]" if trusted else ""
        self.write(config)
        self.said = open(self.folder / "stderr", "wb")
        files = ["-c", str(self.config)]
        if "rules:" in config and "cpu_budget" not in config:
            # What a story says of budgets holds; the rest must not hang on how busy the machine is.
            patient = self.folder / "patient.yaml"
            patient.write_text("version: 1\nrules: { cpu_budget: 30s }\n")
            files = ["-c", str(patient), *files]
        program = HURRIED if hurried and HURRIED.exists() else PROGRAM
        self.process = subprocess.Popen([program, "run", *files, *options], stderr=self.said, stdout=self.said,
                                        env=dict(os.environ, **(HURRY if hurried else {}), **(environment or {})))
        try:
            wait_until(self.is_ready, "the program is ready", 30)
        except AssertionError as e:
            self.process.kill()
            raise AssertionError(f"{e}\n{self.errors()}")

    def write(self, config):
        """The configuration: what every story has, and the story's own text, which may name sections again with `+`."""
        base = {
            "version": "1",
            "process": f"{{ threads: {THREADS} }}",
            "service": "{ name: story }",
            "listeners": f'[{{ name: public, address: "{self.listen}"{self.trusted} }}]',
            "status": f"{{ address: 127.0.0.1:{self.status_port} }}",
            "admin": f"{{ address: 127.0.0.1:{self.admin_port} }}",
            "upstreams": f'{{ app: {{ targets: ["{self.upstream}"] }} }}',
            "access_log": f"{{ path: {self.log} }}",
            "timeouts": "{ drain_delay: 0 }",
        }
        own = re.findall(r"^([a-z_]+):", config, re.M)
        lines = [f"{key}: {value}" for key, value in base.items() if key not in own]
        self.config.write_text("\n".join(lines) + "\n" + config + "\n")

    def is_ready(self):
        assert self.process.poll() is None, f"the program ended with {self.process.returncode}"
        try:
            return self.status("/readyz")[0] == 200
        except OSError:
            return False

    def status(self, path, port=None, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.status_port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def client(self):
        return Client(self.port if self.port else self.listen.removeprefix("unix:"))

    def ask(self, *args, **kwargs):
        client = self.client()
        try:
            return client.ask(*args, **kwargs)
        finally:
            client.close()

    def lines(self, count=1):
        """The access log's lines, once there are so many."""
        wait_until(lambda: self.log.exists() and self.log.read_bytes().count(b"\n") >= count, f"{count} log lines")
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def metric(self, name, **labels):
        """The sum over all series of that name with these labels."""
        total, found = 0.0, False
        for line in self.status("/metrics")[1].splitlines():
            match = re.match(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$', line)
            if match and match.group(1) == name:
                have = dict(re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', match.group(2) or ""))
                if all(have.get(k) == v for k, v in labels.items()):
                    total, found = total + float(match.group(3)), True
        return total if found else None

    def child(self):
        """The process that serves: the child of the one that was started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def kill_child(self):
        """And waits until the next one serves."""
        child = self.child()
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: self.child() not in (None, child), "another child", 30)
        wait_until(self.is_ready, "the next child serves", 30)

    def errors(self):
        return (self.folder / "stderr").read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=20):
        """Ends it in order; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"did not stop within {seconds} s\n{self.errors()}")
        finally:
            self.said.close()
        text = self.errors()
        assert "ERROR: AddressSanitizer" not in text and "runtime error:" not in text, text
        assert "ERROR: LeakSanitizer" not in text and "WARNING: ThreadSanitizer" not in text, text
        return code


def run(*words, environment=None, seconds=60):
    """A command of the program that ends by itself: (code, standard output, standard error)."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=seconds,
                          env=dict(os.environ, **(environment or {})))
    return done.returncode, done.stdout, done.stderr
