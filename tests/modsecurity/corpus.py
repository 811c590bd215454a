# SPDX-License-Identifier: Apache-2.0
"""ModSecurity's regression cases: a file's rules, request, answer and what is expected of them."""
import json
import re
from pathlib import Path


class Case:
    def __init__(self, path, number, raw):
        self.path = path
        self.file = path.name
        self.name = f"{path.stem} {number}"
        self.title = raw["title"]
        self.raw = raw
        self.rules = "\n".join(raw["rules"])
        self.expected = raw["expected"]
        self.needs = raw.get("resource")

    def items(self):
        """What the case program reads, in order."""
        raw = self.raw
        yield "rules", self.rules
        yield "place", self.file
        for rule in dict.fromkeys(re.findall(r"""\bid:['"]?(\d+)""", self.rules)):
            yield "id", rule
        client, server = raw.get("client", {}), raw.get("server", {})
        yield "client", client.get("ip", "127.0.0.1")
        yield "client-port", str(client.get("port", 0))
        yield "server", server.get("ip", "127.0.0.1")
        yield "server-port", str(server.get("port", 0))
        request = raw.get("request", {})
        yield "method", request.get("method", "GET")
        yield "target", request.get("uri", "/")
        yield "protocol", "HTTP/" + str(request.get("http_version", 1.1))
        for name, value in fields(request.get("headers", {})):
            yield "field", f"{name}\n{value}"
        yield "body", body(request)
        response = raw.get("response", {})
        yield "answer", "200"
        yield "answer-protocol", response.get("protocol", "HTTP/1.1")
        for name, value in fields(response.get("headers", {})):
            yield "answer-field", f"{name}\n{value}"
        yield "answer-body", body(response)


def fields(headers):
    for name, value in (headers or {}).items():
        for one in value if isinstance(value, list) else [value]:
            yield name, one


def body(message):
    """Each line of a body ends in a line feed, as ModSecurity's harness writes them."""
    lines = message.get("body", [])
    return lines if isinstance(lines, str) else "".join(line + "\n" for line in lines)


def encoded(text):
    return str(text).encode("utf-8")


def framed(case):
    parts = []
    for name, text in case.items():
        data = encoded(text)
        parts.append(b"%s %d\n%s\n" % (name.encode(), len(data), data))
    return b"".join(parts)


def load(folder):
    for path in sorted(Path(folder).glob("*.json")):
        for number, raw in enumerate(json.loads(path.read_text()), 1):
            yield Case(path, number, raw)
