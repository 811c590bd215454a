# SPDX-License-Identifier: Apache-2.0
"""X-Ray's daemon for stories: takes segments by UDP and holds each against the documented shape (segment documents, v1.0.0)."""
import json
import re
import socket
import threading

from harness import wait_until

NAME = re.compile(r"[^\W_]*[\w\s_.:/%&#=+\\\-@]*")
HEX16, TRACE_ID = re.compile(r"[0-9a-f]{16}"), re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
TEXT = "text of 250 characters"
BOOL, COUNT, NUMBER, ID, TRACE, MAP = "bool", "count", "number", "id", "trace id", "map"

EXCEPTION = {"id": ID, "message": TEXT, "type": TEXT, "remote": BOOL, "truncated": COUNT, "skipped": COUNT, "cause": ID, "stack": list}
SHAPE = {  # member: type; what is a dictionary has these members and no others
    "name": "name", "id": ID, "trace_id": TRACE, "parent_id": ID, "start_time": NUMBER, "end_time": NUMBER, "in_progress": BOOL,
    "type": TEXT, "origin": TEXT, "user": TEXT, "resource_arn": TEXT, "namespace": TEXT, "inferred": BOOL,
    "error": BOOL, "throttle": BOOL, "fault": BOOL,
    "service": {"version": TEXT, "compiler": TEXT, "compiler_version": TEXT, "name": TEXT},
    "http": {"request": {"method": TEXT, "url": TEXT, "user_agent": TEXT, "client_ip": TEXT, "x_forwarded_for": BOOL, "traced": BOOL},
             "response": {"status": COUNT, "content_length": "integer"}},
    "aws": {"account_id": TEXT, "operation": TEXT, "region": TEXT, "request_id": TEXT, "table_name": TEXT, "resource_names": list,
            "api_gateway": {"account_id": TEXT, "rest_api_id": TEXT, "stage": TEXT, "request_id": TEXT},
            "xray": {"sdk": TEXT, "sdk_version": TEXT, "auto_instrumentation": BOOL, "sampling_rule_name": TEXT}},
    "cause": {"working_directory": TEXT, "paths": list, "exceptions": [EXCEPTION]},
    "annotations": "annotations", "metadata": "metadata", "subsegments": "subsegments", "sql": MAP,
    "links": [{"trace_id": TRACE, "id": ID, "attributes": MAP}],
}
REQUIRED = {"segment": {"name", "id", "trace_id", "start_time"}, "subsegment": {"name", "id", "start_time"}}
ONLY = {"segment": {"user", "origin", "resource_arn", "service", "links"}, "subsegment": {"namespace", "sql"}}


def check_value(value, kind, where):
    if isinstance(kind, dict):
        assert isinstance(value, dict), where
        for member, held in value.items():
            assert member in kind, f"{where}.{member} is nowhere documented"
            check_value(held, kind[member], f"{where}.{member}")
    elif isinstance(kind, list):
        assert isinstance(value, list) and value, where
        for i, one in enumerate(value):
            check_value(one, kind[0], f"{where}[{i}]")
    elif isinstance(kind, type):
        assert isinstance(value, kind), where
    elif kind in (TEXT, "name"):
        assert isinstance(value, str) and 0 < len(value) <= (200 if kind == "name" else 250), where
        assert kind == TEXT or NAME.fullmatch(value), f"{where}: {value}"
    elif kind == BOOL:
        assert isinstance(value, bool), where
    elif kind in (COUNT, "integer"):
        assert isinstance(value, int) and not isinstance(value, bool) and (kind == "integer" or value >= 0), where
    elif kind == NUMBER:
        assert isinstance(value, (int, float)) and not isinstance(value, bool), where
    elif kind in (ID, TRACE):
        assert (HEX16 if kind == ID else TRACE_ID).fullmatch(value), f"{where}: {value}"
    elif kind == MAP:
        assert isinstance(value, dict), where
    elif kind == "annotations":
        assert len(value) <= 50, where
        for key, held in value.items():
            assert re.fullmatch(r"(aws:)?[A-Za-z0-9_]+", key), f"{where}.{key}"
            assert isinstance(held, (str, int, float)) and len(str(held)) <= 1000, f"{where}.{key}"
    elif kind == "metadata":
        assert all(isinstance(held, dict) for held in value.values()) and not any(k.startswith("AWS.") for k in value), where
    elif kind == "subsegments":
        for i, one in enumerate(value):
            check_document(one, "subsegment", f"{where}[{i}]")


def check_document(document, kind="segment", where="segment"):
    """Holds a document against the documented shape: members, types, forms, what must be there and what goes together."""
    check_value(document, SHAPE, where)
    assert REQUIRED[kind] <= set(document), f"{where}: {REQUIRED[kind] - set(document)} is missing"
    assert not ONLY["subsegment" if kind == "segment" else "segment"] & set(document), where
    assert ("end_time" in document) != document.get("in_progress", False), where
    assert document.get("end_time", document["start_time"]) >= document["start_time"], where
    status = document.get("http", {}).get("response", {}).get("status", 0)
    assert document.get("error", False) == (400 <= status < 500) or not status, where
    assert document.get("throttle", False) == (status == 429), where
    assert document.get("fault", False) == (status >= 500) or not status, where
    assert document.get("namespace", "remote") in ("remote", "aws"), where


def all_of(document):
    """The document and all its subsegments."""
    return [document] + [inner for sub in document.get("subsegments", []) for inner in all_of(sub)]


class Daemon:
    """Keeps the segments that come; a datagram that is none is an error that close() raises."""

    def __init__(self, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.segments, self.errors = [], []
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while True:
            data = self.socket.recv(65536)
            if data == b"over":
                return
            try:
                self.segments.append(self.read(data))
            except (AssertionError, ValueError) as e:
                self.errors.append((e, data))

    def read(self, data):
        header, text = data.split(b"\n", 1)
        assert json.loads(header) == {"format": "json", "version": 1}
        assert len(data) <= 65507 and len(text) <= 64 * 1024
        document = json.loads(text)
        check_document(document)
        ids = [one["id"] for one in all_of(document)]
        assert len(ids) == len(set(ids))
        return document

    def of(self, trace_id):
        """The segment of the trace, once it has come; `trace_id` as the log has it."""
        want = f"1-{trace_id[:8]}-{trace_id[8:]}"
        return wait_until(lambda: [s for s in list(self.segments) if s["trace_id"] == want], f"a segment of {want} has come")[0]

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"over", ("127.0.0.1", self.port))
        self.thread.join(10)
        self.socket.close()
        assert not self.errors, self.errors


def xray(daemon=None, more="", traces=""):
    """The configuration of an exporter to X-Ray, and what else it says of traces."""
    address = f"address: 127.0.0.1:{daemon.port}" if daemon else ""
    inside = ", ".join(part for part in (address, more) if part)
    return f"traces: {{ exporter: xray, xray: {{ {inside} }}" + (f", {traces}" if traces else "") + " }\n"
