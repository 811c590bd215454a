# SPDX-License-Identifier: Apache-2.0
"""A collector of all three signals: what comes is read by protoc's Python, from the program's own .proto."""
import gzip
import importlib
import subprocess
import sys

from harness import TOP, Backend, field, read_request, wait_until
from packages import python_packages

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


def messages(folder):
    """The module of OTLP's messages, or why it is not there."""
    why = python_packages("python3-protobuf")
    if why:
        return why
    done = subprocess.run(["protoc", f"-I{TOP / 'exporters/proto'}", f"--python_out={folder}", "otlp.proto"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"protoc: {done.stderr.strip()}"
    sys.path.insert(0, str(folder))
    return importlib.import_module("otlp_pb2")


def plain(value):
    """An AnyValue as what it holds."""
    kind = value.WhichOneof("value")
    return [plain(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def attributes(pairs):
    names = [pair.key for pair in pairs]
    assert len(names) == len(set(names)), f"a key stands there twice: {names}"
    return {pair.key: plain(pair.value) for pair in pairs}


class Signals(Backend):
    """Keeps what it accepts, by signal. `answer(path)` says what a request is answered: bytes."""

    REQUESTS = {"/v1/traces": "ExportTraceServiceRequest", "/v1/metrics": "ExportMetricsServiceRequest",
                "/v1/logs": "ExportLogsServiceRequest"}

    def __init__(self, module, answer=None):
        self.module, self.answer = module, answer or (lambda path: OK)
        self.kept = {path: [] for path in self.REQUESTS}
        super().__init__(self.collect)

    def collect(self, wire):
        while True:
            line, fields, body = read_request(wire)
            method, path, _ = line.split(" ")
            assert method == "POST" and field(fields, "content-type") == "application/x-protobuf"
            body = gzip.decompress(body) if field(fields, "content-encoding") == "gzip" else body
            message = getattr(self.module, self.REQUESTS[path])()
            message.ParseFromString(body)
            assert message.SerializeToString() and not message.UnknownFields(), "a field that OTLP does not know"
            answer = self.answer(path)
            if b" 200 " in answer:
                self.kept[path].append(message)
            wire.send(answer)

    def metrics(self):
        """[(metric, its scope, its resource's attributes)], in the order in which they came."""
        return [(metric, scope.scope, attributes(resource.resource.attributes)) for message in list(self.kept["/v1/metrics"])
                for resource in message.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics]

    def metric(self, name, seconds=20):
        """The latest of that name, once there is one."""
        return wait_until(lambda: [metric for metric, _, _ in self.metrics() if metric.name == name], f"{name} has come",
                          seconds)[-1]

    def records(self):
        return [record for message in list(self.kept["/v1/logs"]) for resource in message.resource_logs
                for scope in resource.scope_logs for record in scope.log_records]
