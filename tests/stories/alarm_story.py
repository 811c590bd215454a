# SPDX-License-Identifier: Apache-2.0
"""What stories about alarms have in common: settings, receivers that end with their story, and the admin API's words."""
import json
import urllib.request

import pytest
from harness import wait_until

ERRORS = """  - { name: errors, description: "too many 5XX", metric: 5XXError, statistic: Average, period: 10s, evaluation_periods: 1,
      threshold: 0.05, comparison_operator: GreaterThanThreshold, treat_missing_data: notBreaching,
"""
# Nothing is ever sampled, and its state is only set by hand.
QUIET = """  - { name: quiet, metric: IntegrationLatency, statistic: Maximum, period: 10s, evaluation_periods: 1,
      threshold: 1, comparison_operator: GreaterThanThreshold, treat_missing_data: ignore,
"""
PATIENT = "timeout: 200s"  # of an action, where the program is hurried and its receiver is not


@pytest.fixture
def receiver():
    """receiver(class, ...) -> one that ends with its story."""
    made = []

    def make(kind, **kwargs):
        made.append(kind(**kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


def api(s, method, path, body=None, status=200):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{s.admin_port}/api/v1/alarms{path}", data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            got, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        got, text = e.code, e.read().decode()
    assert got == status, text
    return json.loads(text)


def set_state(s, state, alarm="quiet", reason="a test"):
    api(s, "POST", f"/{alarm}/state", {"state": state, "reason": reason})


def facts(s, alarm="quiet"):
    return next(one for one in api(s, "GET", "")["alarms"] if one["name"] == alarm)


def history(s, alarm="quiet", kind=None):
    """The oldest first."""
    items = api(s, "GET", f"/{alarm}/history")["history"][::-1]
    return [item for item in items if kind in (None, item["type"])]


def keep(tmp_path, alarms):
    """Settings with a folder of state."""
    return f"process: {{ threads: 1, state_dir: {tmp_path}/state }}\nservice: {{ name: orders, environment: blue }}\nalarms:\n{alarms}"


def wait_for_disk(tmp_path, text, times=1):
    book = tmp_path / "state" / "alarms.log"
    wait_until(lambda: book.exists() and book.read_text().count(text) >= times, f"that the disk has {text}")
