# SPDX-License-Identifier: Apache-2.0
"""Receivers of log lines for stories: syslog by RFC 5424 over every way, Firehose's HTTP endpoint delivery, PutLogEvents. Each
can go away (its port closed, its connections reset) and come back."""
import base64
import gzip
import json
import os
import re
import socket
import ssl
import threading
import uuid

from harness import Backend, Wire, field, read_request

MESSAGE = re.compile(r'<(\d{1,3})>1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) (-|(?:\[[^ \]]+(?: [^= ]+="(?:\\.|[^"\\\]])*")*\])+) (.*)\Z', re.S)


class Message:
    """One message of RFC 5424, read strictly."""

    def __init__(self, data):
        match = MESSAGE.match(data.decode("utf-8"))
        assert match, data
        priority, self.time, self.host, self.app, self.process, self.kind, self.data, self.text = match.groups()
        assert int(priority) <= 191 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", self.time), data
        self.facility, self.severity = divmod(int(priority), 8)
        self.parameters = {k: re.sub(r"\\(.)", r"\1", v) for k, v in re.findall(r' ([^= ]+)="((?:\\.|[^"\\\]])*)"', self.data)}


class Syslog:
    """way: "udp", "tcp", "tls" (with a context), "unix" (datagrams) or "unix-stream"."""

    def __init__(self, way, folder=None, context=None):
        self.way, self.context, self.messages, self.errors = way, context, [], []
        self.path = os.path.join(folder, "log") if way.startswith("unix") else None
        self.port = None
        self.open()
        self.address = f"unix:{self.path}" if self.path else f"{way}://127.0.0.1:{self.port}"

    def open(self):
        self.wires, self.is_open = [], True
        datagrams = self.way in ("udp", "unix")
        self.socket = socket.socket(socket.AF_UNIX if self.path else socket.AF_INET, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM)
        if self.path:
            self.socket.bind(self.path)
        else:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.socket.bind(("127.0.0.1", self.port or 0))
            self.port = self.socket.getsockname()[1]
        if not datagrams:
            self.socket.listen(16)
        threading.Thread(target=self.datagrams if datagrams else self.accept, args=(self.socket,), daemon=True).start()

    def datagrams(self, sock):
        while True:
            try:
                data = sock.recv(1 << 17)
            except OSError:
                return
            if data:
                self.take(data)

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
                if not self.is_open:
                    sock.close()
                    return
                if self.context:
                    sock = self.context.wrap_socket(sock, server_side=True)
            except ssl.SSLError as e:
                self.errors.append(e)
                continue
            except OSError:
                return
            wire = Wire(sock, 600)
            self.wires.append(wire)
            threading.Thread(target=lambda wire=wire: self.stream(wire), daemon=True).start()

    def stream(self, wire):
        """Octet counting: the length, a space, the message."""
        try:
            while True:
                length = wire.until(b" ")
                assert re.fullmatch(rb"[1-9][0-9]*", length), length
                self.take(wire.exactly(int(length)))
        except (AssertionError, ValueError) as e:
            self.errors.append(e)
        except Exception:
            pass  # the connection ended

    def take(self, data):
        try:
            self.messages.append(Message(data))
        except (AssertionError, UnicodeDecodeError) as e:
            self.errors.append(e)

    def texts(self):
        return [m.text for m in self.messages]

    def go_away(self):
        """In the middle of whatever is under way."""
        self.is_open = False
        if self.path:
            os.unlink(self.path)
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        for wire in self.wires:
            try:
                wire.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            wire.close()

    def close(self):
        if self.is_open:
            self.go_away()
        assert not self.errors, self.errors


class HttpReceiver:
    """`answer(fields, body)` gives the status and the body for each request."""

    def __init__(self, answer=None, context=None):
        self.answer_by, self.requests, self.context = answer, [], context
        self.lock = threading.Lock()
        self.port = None
        self.open()

    def open(self):
        self.backend = Backend(self.serve, self.port)  # its script may be exchanged
        self.port = self.backend.port
        self.url = f"http://127.0.0.1:{self.port}"

    def serve(self, wire):
        while True:
            line, fields, body = read_request(wire)
            assert line.split()[0] == "POST", line
            if field(fields, "content-encoding") == "gzip":
                body = gzip.decompress(body)
            with self.lock:
                status, answer = (self.answer_by or self.answer)(fields, json.loads(body))
            text = json.dumps(answer).encode()
            wire.send(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + text)

    def go_away(self):
        self.backend.listener.shutdown(socket.SHUT_RDWR)
        for wire in self.backend.wires:
            wire.reset()
        self.backend.close()

    def close(self):
        self.backend.close()


class Firehose(HttpReceiver):
    def __init__(self, key=None, answer=None):
        self.key, self.lines, self.ids = key, [], []
        super().__init__(answer)

    def answer(self, fields, body):
        assert field(fields, "x-amz-firehose-protocol-version") == "1.0"
        assert field(fields, "x-amz-firehose-source-arn").startswith("arn:aws:firehose:")
        assert field(fields, "content-type") == "application/json"
        assert field(fields, "x-amz-firehose-request-id") == body["requestId"] == str(uuid.UUID(body["requestId"]))
        assert sorted(body) == ["records", "requestId", "timestamp"] and 0 < len(body["records"]) <= 500
        if self.key and field(fields, "x-amz-firehose-access-key") != self.key:
            return 401, {"requestId": body["requestId"], "timestamp": body["timestamp"], "errorMessage": "who are you?"}
        self.take(body)
        return 200, {"requestId": body["requestId"], "timestamp": body["timestamp"]}

    def take(self, body):
        self.ids.append(body["requestId"])
        for record in body["records"]:
            text = base64.b64decode(record["data"], validate=True).decode()
            assert text.endswith("\n")
            self.lines.append(text[:-1])


class CloudwatchLogs(HttpReceiver):
    """One group; its streams as they are made."""

    def __init__(self, group, streams=(), answer=None):
        self.group, self.streams, self.events = group, {name: [] for name in streams}, []
        super().__init__(answer)

    def answer(self, fields, body):
        assert field(fields, "content-type") == "application/x-amz-json-1.1"
        target = field(fields, "x-amz-target")
        if body["logGroupName"] != self.group:
            return 400, {"__type": "ResourceNotFoundException", "message": "The specified log group does not exist."}
        if target == "Logs_20140328.CreateLogStream":
            self.streams[body["logStreamName"]] = []
            return 200, {}
        assert target == "Logs_20140328.PutLogEvents", target
        if body["logStreamName"] not in self.streams:
            return 400, {"__type": "com.amazonaws.logs#ResourceNotFoundException", "message": "The specified log stream does not exist."}
        self.take(body)
        return 200, {"nextSequenceToken": "1"}

    def take(self, body):
        events = body["logEvents"]
        times = [event["timestamp"] for event in events]
        assert times == sorted(times), "events are in the order of their times"
        assert 0 < len(events) <= 10000 and times[-1] - times[0] <= 24 * 3600 * 1000
        assert sum(len(event["message"].encode()) + 26 for event in events) <= 1048576
        assert all(sorted(event) == ["message", "timestamp"] and event["message"] for event in events)
        self.streams[body["logStreamName"]] += [event["message"] for event in events]
