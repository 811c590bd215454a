# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a program and backends that end with their story."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from functions import API, Function  # noqa: E402
from harness import Backend, Sidegate, always_ok  # noqa: E402
from otlp import Collector  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A story that fails shows what the program said: often that is the only witness of what happens one time in hundreds."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for one in getattr(item, "programs", []):
            log = one.log.read_text(errors="replace").splitlines()[-5:] if one.log.exists() else []
            report.sections.append(("what the program said", "\n".join([one.errors()[-4000:], *log])))


@pytest.fixture
def backend():
    """backend(script) -> a scripted backend."""
    made = []

    def make(*args, **kwargs):
        made.append(Backend(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def sidegate(tmp_path, request):
    """sidegate(upstream=..., config=...) -> the program, ready; at the end it must stop in order."""
    made = request.node.programs = []

    def make(*args, **kwargs):
        made.append(Sidegate(tmp_path, *args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            assert one.stop() == 0, one.errors()


@pytest.fixture
def collector():
    """collector(...) -> a collector that ends with its story."""
    made = []

    def make(*args, **kwargs):
        made.append(Collector(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def function():
    made = []

    def make(*args, **kwargs):
        made.append(Function(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.gate.set()
        one.close()


@pytest.fixture
def door(sidegate, backend, function):
    """door(function, options) -> the program with that authorizer on /orders."""
    def make(asked, options="identity: [$request.header.authorization]", kind="http", more="", url=None):
        server = backend(always_ok)
        name = "" if kind == "http" else "function: orders, "
        config = f"""
authorizers:
  custom: {{ type: {kind}, {name}url: "{url or asked.url}", {options} }}
policies: {{ api: "{API}" }}
routes:
  - {{ match: "ANY /orders/{{id}}", authorizer: custom }}
  - {{ match: "ANY /files/{{proxy+}}", authorizer: custom }}
  - {{ match: GET /open }}
{more}"""
        s = sidegate(server.url, config)
        s.server = server
        return s

    return make
