# SPDX-License-Identifier: Apache-2.0
"""The program with lists of addresses, for stories that change them while it runs."""
import json
import urllib.error
import urllib.request

from harness import wait_until


class Lists:
    """The program with lists, asked in the name of any client, and its admin API."""

    def __init__(self, s, token=None):
        self.s, self.token = s, token

    def ask(self, client):
        return self.s.ask(fields=[("X-Forwarded-For", client)]).status

    def api(self, method, path="", body=None, **fields):
        """(status, what the answer says)."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.s.admin_port}/api/v1/ip_sets{path}", data, {**headers, **fields},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def put(self, name, address, method="PUT", **more):
        return self.api(method, f"/{name}/entries", {"address": address, **more})

    def says(self, text):
        """The log's line may be a moment behind the answer."""
        wait_until(lambda: text in self.s.errors(), f"'{text}' in the log")

    def entries(self, name):
        return self.api("GET", f"/{name}")[1]["entries"]
