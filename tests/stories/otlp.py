# SPDX-License-Identifier: Apache-2.0
"""A collector for stories: OTLP over HTTP as its specification has it (opentelemetry-proto 1.x), read strictly."""
import gzip
import struct
import threading

from harness import OK, Backend, field, read_request, wait_until

# message: {field number: (name, type, is it repeated)}; a type is a scalar's or another message's.
SCHEMA = {
    "Request": {1: ("resource_spans", "ResourceSpans", True)},
    "ResourceSpans": {1: ("resource", "Resource", False), 2: ("scope_spans", "ScopeSpans", True),
                      3: ("schema_url", "string", False)},
    "Resource": {1: ("attributes", "KeyValue", True), 2: ("dropped_attributes_count", "varint", False)},
    "ScopeSpans": {1: ("scope", "Scope", False), 2: ("spans", "Span", True), 3: ("schema_url", "string", False)},
    "Scope": {1: ("name", "string", False), 2: ("version", "string", False), 3: ("attributes", "KeyValue", True)},
    "KeyValue": {1: ("key", "string", False), 2: ("value", "AnyValue", False)},
    "AnyValue": {1: ("string", "string", False), 2: ("bool", "varint", False), 3: ("int", "varint", False),
                 4: ("double", "double", False), 5: ("array", "ArrayValue", False), 7: ("bytes", "bytes", False)},
    "ArrayValue": {1: ("values", "AnyValue", True)},
    "Span": {1: ("trace_id", "bytes", False), 2: ("span_id", "bytes", False), 3: ("trace_state", "string", False),
             4: ("parent_span_id", "bytes", False), 5: ("name", "string", False), 6: ("kind", "varint", False),
             7: ("start", "fixed64", False), 8: ("end", "fixed64", False), 9: ("attributes", "KeyValue", True),
             10: ("dropped_attributes_count", "varint", False), 11: ("events", "Event", True),
             12: ("dropped_events_count", "varint", False), 13: ("links", "Link", True),
             14: ("dropped_links_count", "varint", False), 15: ("status", "Status", False),
             16: ("flags", "fixed32", False)},
    "Event": {1: ("time", "fixed64", False), 2: ("name", "string", False), 3: ("attributes", "KeyValue", True),
              4: ("dropped_attributes_count", "varint", False)},
    "Link": {1: ("trace_id", "bytes", False), 2: ("span_id", "bytes", False), 3: ("trace_state", "string", False),
             4: ("attributes", "KeyValue", True), 6: ("flags", "fixed32", False)},
    "Status": {2: ("message", "string", False), 3: ("code", "varint", False)},
}
SCALARS = {"varint": 0, "fixed64": 1, "double": 1, "string": 2, "bytes": 2, "fixed32": 5}
EMPTY = {"varint": 0, "fixed64": 0, "double": 0.0, "string": "", "bytes": b"", "fixed32": 0}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def raw_value(data, at, wire_type):
    """(the value as it stands there, where the next field begins)"""
    if wire_type == 0:
        return varint(data, at)
    if wire_type == 2:
        length, at = varint(data, at)
        assert at + length <= len(data), "a field runs over its message"
        return data[at:at + length], at + length
    size, code = {1: (8, "<Q"), 5: (4, "<I")}[wire_type]
    return struct.unpack_from(code, data, at)[0], at + size


def value_of(kind, raw):
    if kind == "string":
        return raw.decode("utf-8")  # what is no UTF-8 fails
    if kind == "double":
        return struct.unpack("<d", struct.pack("<Q", raw))[0]
    return raw if kind in SCALARS else decode(raw, kind)


def decode(data, message):
    """A message as a dictionary; what OTLP does not know in that place is a fault."""
    found = {name: [] if repeated else EMPTY.get(kind) for name, kind, repeated in SCHEMA[message].values()}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        assert key >> 3 in SCHEMA[message], f"{message} has no field {key >> 3}"
        name, kind, repeated = SCHEMA[message][key >> 3]
        assert key & 7 == SCALARS.get(kind, 2), f"{message}.{name} is no {kind}"
        raw, at = raw_value(data, at, key & 7)
        value = value_of(kind, raw)
        if repeated:
            found[name].append(value)
        else:
            found[name] = ("set", value) if message == "AnyValue" else value
    return found


def plain(value):
    """An AnyValue as what it holds."""
    kind, (_, held) = next((k, v) for k, v in value.items() if isinstance(v, tuple))
    return [plain(one) for one in held["values"]] if kind == "array" else held


def attributes(pairs):
    names = [pair["key"] for pair in pairs]
    assert len(names) == len(set(names)), f"a key stands there twice: {names}"
    return {pair["key"]: plain(pair["value"]) for pair in pairs}


class Span:
    KINDS = {1: "internal", 2: "server", 3: "client"}

    def __init__(self, data, resource):
        self.trace_id, self.id = data["trace_id"].hex(), data["span_id"].hex()
        self.parent = data["parent_span_id"].hex()
        self.name, self.kind = data["name"], self.KINDS[data["kind"]]
        self.start, self.end, self.flags = data["start"], data["end"], data["flags"]
        self.trace_state, self.resource = data["trace_state"], resource
        self.tags = attributes(data["attributes"])
        self.events = [(event["name"], attributes(event["attributes"])) for event in data["events"]]
        self.links = [(link["trace_id"].hex(), link["span_id"].hex()) for link in data["links"]]
        self.is_error = (data["status"] or {}).get("code") == 2

    def __repr__(self):
        return f"<{self.kind} {self.name} {self.tags}>"


class Collector(Backend):
    """Keeps the spans that it accepts. `answer(batch)` says what the n-th batch is answered: bytes, or None: nothing, ever."""

    OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"

    def __init__(self, answer=None, address=None):
        self.answer, self.batches, self.spans = answer or (lambda batch: self.OK), 0, []
        self.resources, self.heads, self.over = [], [], threading.Event()
        self.others = []  # what came of other signals, as it came
        super().__init__(self.collect, address)

    def collect(self, wire):
        while True:
            line, fields, body = read_request(wire)
            assert line.startswith("POST /v1/") and field(fields, "content-type") == "application/x-protobuf"
            body = gzip.decompress(body) if field(fields, "content-encoding") == "gzip" else body
            if line != "POST /v1/traces HTTP/1.1":
                self.others.append(body)
                wire.send(self.OK)
                continue
            spans = self.read(body)
            self.batches += 1
            self.heads.append(fields)
            answer = self.answer(self.batches)
            if answer is None:
                self.over.wait(60)
                return
            if b" 200 " in answer:
                self.spans += spans
            wire.send(answer)

    def read(self, body):
        spans = []
        for resource_spans in decode(body, "Request")["resource_spans"]:
            resource = attributes(resource_spans["resource"]["attributes"])
            for scope_spans in resource_spans["scope_spans"]:
                assert scope_spans["scope"]["name"] == "sidegate"
                spans += [Span(span, resource) for span in scope_spans["spans"]]
        return spans

    def of(self, trace_id, kind=None):
        return [span for span in list(self.spans) if span.trace_id == trace_id and kind in (None, span.kind)]

    def close(self):
        self.over.set()
        super().close()


def otlp(url, more="", traces=""):
    """The configuration of an exporter, and what it says of traces."""
    return f'otlp: {{ endpoint: "{url}"{more} }}\n' + (f"traces: {{ {traces} }}\n" if traces else "")


def keeping(kept, answer=OK):
    def script(wire):
        while True:
            kept.append(read_request(wire)[1])
            wire.send(answer)
    return script


def ask_traced(s, *fields):
    """Asks once, and gives the line of the log."""
    before = len(s.log.read_text().splitlines()) if s.log.exists() else 0
    assert s.ask(fields=fields).status == 200
    return s.lines(before + 1)[-1]


def server_span(there, trace_id):
    return wait_until(lambda: there.of(trace_id, "server"), "the span has come")[0]
