# SPDX-License-Identifier: Apache-2.0
"""The backend that the response tests need, after the CRS project's albedo: POST /reflect answers as its JSON body says
(status, headers, body or encodedBody), everything else is an empty 200."""
import base64
import http.client
import json

from harness import read_request


def reflection(body):
    """(status, headers, body) as the request wants them."""
    try:
        wanted = json.loads(body, strict=False)
        status = int(wanted.get("status", 0)) or 200
        text = wanted.get("body", "").encode() or base64.b64decode(wanted.get("encodedBody", ""))
        if not 200 <= status < 600:
            return 400, {}, b"Invalid status code"
        return status, wanted.get("headers", {}), text
    except (ValueError, TypeError, AttributeError):
        return 400, {}, b"Invalid JSON in request body"


def answer(line, fields, body):
    method, target = line.split(" ")[:2]
    status, headers, text = 200, {}, b""
    if method == "POST" and target.split("?")[0] in ("/reflect", "/reflect/"):
        status, headers, text = reflection(body)
    names = {name.lower() for name in headers}
    lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Other')}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "content-length"]
    if text and "content-type" not in names:
        lines.append("Content-Type: text/plain; charset=utf-8")
    if status not in (204, 304):
        lines.append(f"Content-Length: {len(text)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
    return head if method == "HEAD" or status in (204, 304) else head + text


def reflect(wire):
    """A connection's whole life."""
    while True:
        wire.send(answer(*read_request(wire)))
