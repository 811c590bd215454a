# SPDX-License-Identifier: Apache-2.0
"""Servers that authorizers ask, and what stories of them have in common."""
import json
import threading

from harness import Backend, read_request

UNAUTHORIZED, FORBIDDEN = b'{"message":"Unauthorized"}', b'{"message":"Forbidden"}'
NULL, SERVER_ERROR = b'{"message":null}', b'{"message":"Internal Server Error"}'
DENIED = b'{"Message":"User is not authorized to access this resource"}'
DENIED_EXPLICITLY = b'{"Message":"User is not authorized to access this resource with an explicit deny"}'
YES, NO = {"isAuthorized": True}, {"isAuthorized": False}
API = "arn:aws:execute-api:eu-west-1:123456789012:abc/prod"


def policy(effect="Allow", resource="*", principal="alice", **more):
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, **more}


class Function:
    """A server that is asked: keeps each question, answers what it is told to."""

    def __init__(self, answer=YES, status=200, fields="", body=None):
        self.reply, self.status, self.fields, self.body = answer, status, fields, body
        self.asked, self.gate = [], threading.Event()
        self.gate.set()
        self.backend = Backend(self.script)
        self.url, self.close = self.backend.url, self.backend.close

    def script(self, wire):
        while True:
            line, fields, body = read_request(wire)
            self.asked.append((line, fields, json.loads(body)))
            self.gate.wait(30)
            text = self.body if self.body is not None else json.dumps(self.reply).encode()
            wire.send(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n" % (self.status, len(text), self.fields.encode()) + text)

    @property
    def event(self):
        return self.asked[-1][2]


def ask(s, token="t", method="GET", target="/orders/7", fields=()):
    return s.ask(method, target, fields=[*([("Authorization", token)] if token else []), *fields])


def line_of(s, count=1):
    return s.lines(count)[count - 1]
