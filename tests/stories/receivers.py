# SPDX-License-Identifier: Apache-2.0
"""Who alarms tell: a receiver of SNS's messages, and one that behaves as Alertmanager's v2 API does. Both read strictly."""
import json
import re
import threading
import time
from datetime import datetime

from harness import Backend, field, read_request, wait_until

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\+0000|Z)$")


def when(text):
    """Seconds since 1970."""
    assert TIME.match(text), text
    return datetime.fromisoformat(text.replace("Z", "+00:00").replace("+0000", "+00:00")).timestamp()


class Receiver:
    """Keeps what came; `status(n)` says how the n-th request (from 0) is answered."""

    def __init__(self, status=lambda n: 200, port=None):
        self.status, self.requests, self.lock = status, [], threading.Lock()
        self.backend = Backend(self.serve, port)
        self.url, self.port = self.backend.url, self.backend.port

    def serve(self, wire):
        while True:
            line, fields, body = read_request(wire)
            with self.lock:
                number = len(self.requests)
                status = self.status(number)
                self.requests.append((line, fields, body, status))
                if status == 200:
                    self.take(line, fields, body)
            wire.send(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n")

    def close(self):
        self.backend.close()


class Topic(Receiver):
    """Subscribed over HTTP, with the envelope or (raw) without."""

    def __init__(self, raw=False, **kwargs):
        self.raw, self.messages, self.ids = raw, [], []
        super().__init__(**kwargs)

    def take(self, line, fields, body):
        assert line.split()[0] == "POST"
        assert field(fields, "x-amz-sns-message-type") == "Notification"
        assert UUID.match(field(fields, "x-amz-sns-message-id")), fields
        assert field(fields, "x-amz-sns-rawdelivery") == ("true" if self.raw else None)
        message = json.loads(body)
        if not self.raw:
            assert field(fields, "content-type") == "text/plain; charset=UTF-8"
            assert message["Type"] == "Notification" and TIME.match(message["Timestamp"])
            assert message["MessageId"] == field(fields, "x-amz-sns-message-id")
            assert message["TopicArn"].startswith("arn:aws:sns:")
            subject, message = message["Subject"], json.loads(message["Message"])
            assert subject == f'{message["NewStateValue"]}: "{message["AlarmName"]}" in {message["Region"]}'
        when(message["StateChangeTime"])
        self.messages.append(message)
        self.ids.append(field(fields, "x-amz-sns-message-id"))

    def states(self, alarm=None):
        return [(m["OldStateValue"], m["NewStateValue"]) for m in self.messages if alarm in (None, m["AlarmName"])]

    def wait(self, count, seconds=40):
        wait_until(lambda: len(self.messages) >= count, f"{count} messages", seconds)
        return self.messages


class Alertmanager(Receiver):
    """Knows alerts by their labels; one that is not told of again ends by itself."""

    def __init__(self, clock=time.time, **kwargs):
        self.clock, self.alerts, self.posts, self.lines = clock, {}, [], []
        super().__init__(**kwargs)

    def take(self, line, fields, body):
        assert line in ("POST /api/v2/alerts HTTP/1.1", "POST /am/api/v2/alerts?tenant=a HTTP/1.1"), line
        self.lines.append(line)
        assert field(fields, "content-type") == "application/json"
        for alert in json.loads(body):
            assert set(alert) <= {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
            assert alert["labels"]["alertname"]
            assert all(isinstance(v, str) for v in (*alert["labels"].values(), *alert["annotations"].values()))
            assert when(alert["startsAt"]) <= when(alert["endsAt"])
            self.posts.append(alert)
            self.alerts[alert["labels"]["alertname"]] = alert

    def firing(self):
        return {name for name, alert in self.alerts.items() if when(alert["endsAt"]) > self.clock()}
