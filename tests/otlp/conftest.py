# SPDX-License-Identifier: Apache-2.0
"""The stories' fixtures, and what other people's suites are needed for."""
import os
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/stories"))
from harness import Backend, Sidegate  # noqa: E402
from signals import Signals, messages  # noqa: E402


@pytest.fixture(scope="session")
def data():
    """data("obs-...") -> the folder of a suite; without it the test is skipped."""
    def folder(name):
        found = Path(os.environ.get("SIDEGATE_TEST_DATA", TOP / "../shared/data")) / name
        if not found.is_dir():
            pytest.skip(f"{name} is not there: set SIDEGATE_TEST_DATA")
        return found
    return folder


@pytest.fixture(scope="session")
def module(tmp_path_factory):
    found = messages(tmp_path_factory.mktemp("messages"))
    if isinstance(found, str):
        pytest.skip(f"OTLP's messages cannot be read: {found}")
    return found


class Scene:
    """A program before a backend, which tells a collector everything."""

    def __init__(self, folder, module):
        (folder / "rules.conf").write_text(
            'SecRuleEngine On\n'
            'SecRule ARGS:q "@contains attack" "id:100,phase:2,deny,status:403,log,msg:\'an attack\',ver:\'mine/1\'"\n'
            'SecRule ARGS:q "@contains odd" "id:101,phase:2,pass,log,msg:\'odd\'"\n')
        self.there = Signals(module)
        self.backend = Backend()
        self.s = Sidegate(folder, self.backend.url, config=f"""
otlp: {{ endpoint: "{self.there.url}" }}
logs: {{ otlp: [requests, events] }}
metrics: {{ exporter: otlp, otlp: {{ interval: 1s }} }}
rules: {{ files: [{folder}/rules.conf] }}
ip_sets: {{ office: {{ addresses: [203.0.113.0/24] }} }}
access:
  - {{ name: office, match: {{ ip_set: office }}, action: block, mode: detection_only }}
  - {{ name: blocked, match: {{ path: /blocked }}, action: block }}
alarms:
  - {{ name: errors, metric: 5XXError, statistic: Average, period: 60s, evaluation_periods: 1, threshold: 0.05,
       comparison_operator: GreaterThanThreshold }}
""")

    def ask_everything(self):
        for target in ("/?q=odd", "/?q=attack", "/blocked", "/plain"):
            self.s.ask(target=target, fields=(("User-Agent", "me"),))
        self.s.stop()

    def close(self):
        self.there.close()
        self.backend.close()


@pytest.fixture(scope="module")
def heard(module, tmp_path_factory):
    """What a collector heard of a program that was asked for everything, and that has ended."""
    scene = Scene(tmp_path_factory.mktemp("scene"), module)
    scene.ask_everything()
    yield scene.there
    scene.close()
