# SPDX-License-Identifier: Apache-2.0
"""What is sent to make the rules work themselves to death: the CRS at each paranoia level, through the release build, with the
default budget. Every strike is told with its place, the CPU that was spent stays near the budget, a neighbour is served."""
import json
import os
import random
import urllib.parse
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import harness
from harness import DATA, TOP

RELEASE = Path(os.environ.get("SIDEGATE_RELEASE", TOP / "build" / "sidegate"))
CRS = DATA / "crs-4"
pytestmark = [
    pytest.mark.skipif(not RELEASE.exists(), reason=f"there is no release build: {RELEASE}"),
    pytest.mark.skipif(not CRS.is_dir(), reason=f"there is no {CRS} (SIDEGATE_TEST_DATA)"),
]

MIB = 1 << 20
BUDGET_US = 20_000
# Transformations, detectors and a pattern that may not be cut look at a value as a whole, after the budget is spent. It is
# CPU time, but a machine whose caches are busy makes that longer as well.
ONE_VALUE_US = 20_000

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b1"
JSON, XML, TEXT = "application/json", "text/xml", "text/plain"

# What CRS asks of a site: which media types it takes, and that it does not limit what we want to see through.
SITE = ("SecAction \"id:1,phase:1,pass,nolog,setvar:'tx.allowed_request_content_type=|application/x-www-form-urlencoded| "
        "|multipart/form-data| |text/xml| |application/json| |text/plain|'\"\n")
# The smallest configuration that lets rules see a text/plain body: REQUEST_BODY exists for forms only.
SEE_TEXT = "SecAction \"id:2,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On\"\n"


@pytest.fixture
def crs(sidegate, backend, tmp_path, monkeypatch):
    """crs(paranoia, more) -> the release build before a backend, with the CRS and the default budget."""
    monkeypatch.setattr(harness, "PROGRAM", str(RELEASE))

    def make(paranoia, more=f"cpu_budget: {BUDGET_US}us", rules=""):
        before = tmp_path / "site.conf"
        before.write_text(SITE + SEE_TEXT + rules)
        return sidegate(backend().url, f"rules: {{ crs: {{ folder: {CRS}, paranoia: {paranoia} }}, before: [{before}], mode: on, "
                                       f"log: {{ path: {tmp_path}/rules.log }}, request_body: {{ inspect: 4MiB }}, {more} }}\n"
                                       "process: { threads: 1 }")
    return make


def multipart(parts):
    return "".join(f'--b1\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts) + "--b1--\r\n"


def wrapped(kind, value):
    """One long value in a body of that kind."""
    return {FORM: "a=" + urllib.parse.quote_plus(value, safe="'`;|&()[]{}<>/*!,.:@$"), MULTIPART: multipart([("a", value)]),
            JSON: json.dumps({"a": value}), XML: "<a>" + value.replace("&", "+").replace("<", "(") + "</a>", TEXT: value}[kind]


def listed(kind, pairs):
    """Many short ones."""
    return {FORM: "&".join(f"{n}={v}" for n, v in pairs), MULTIPART: multipart(pairs), JSON: json.dumps(dict(pairs)),
            XML: "<a>" + "".join(f'<b {n}="{v}">{v}</b>' for n, v in pairs) + "</a>", TEXT: "\n".join(f"{n}: {v}" for n, v in pairs)}[kind]


def fill(piece, size=MIB):
    return (piece * (size // len(piece) + 1))[:size]


KINDS = {"form": FORM, "multipart": MULTIPART, "json": JSON, "xml": XML, "text": TEXT}
SHAPES = {
    "quotes": lambda kind: wrapped(kind, fill("'`;|$(")),
    "shell": lambda kind: wrapped(kind, fill("a;b|c$(d)`e` ")),
    "paths": lambda kind: wrapped(kind, fill("/.././")),
    "sql": lambda kind: wrapped(kind, fill("1 or select(a,b) from ")),
    "tags": lambda kind: wrapped(kind, fill("[a style= on=x ")),
    "arguments": lambda kind: listed(kind, [(f"a{i}", "1") for i in range(10_000)]),
}


def post(client, kind, body):
    client.sock.settimeout(120)
    return client.ask("POST", "/p", fields=[("Content-Type", kind), ("Accept", "*/*"), ("User-Agent", "story")],
                      body=body.encode("latin-1"))


def line_of(s, answer):
    """The access line of that answer."""
    def found():
        return next((line for line in s.lines() if line["request_id"] == answer["x-request-id"]), None)
    return harness.wait_until(found, "the access line")


def said(s, answer):
    """The same, held against what the rules may cost."""
    line = line_of(s, answer)
    assert line["waf"]["cpu_us"] <= BUDGET_US + ONE_VALUE_US, line
    return line


def check_told(line):
    """A limit that ended the rules is told by its name, the phase, the rule and the value; what passed had none."""
    limit = line["waf"]["limit"]
    assert (line["error"] == "waf_limit") == (limit is not None and limit["name"] in ("cpu_budget", "pattern", "memory")), line
    if line["error"] == "waf_limit":
        assert line["status"] == 403 and limit["phase"] == 2 and limit["rule"] > 0 and limit["target"], line


def ended(line):
    """When the answer was over. The log's order is not that of time: what rules said comes first."""
    return datetime.fromisoformat(line["time"]) + timedelta(microseconds=line["duration_us"])


@pytest.mark.parametrize("paranoia", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_hostile_body_stays_within_the_budget_and_is_told(crs, paranoia, shape):
    s = crs(paranoia)
    struck = 0
    for name, kind in KINDS.items():
        with_a_neighbour = s.client()
        answer = post(s.client(), kind, SHAPES[shape](kind))
        line = said(s, answer)
        check_told(line)
        # A text is one value, and only few rules look at it: it may well pass within the budget.
        refused = line["error"] == "waf_limit" or (answer.status == 400 and line["waf"]["limit"]["name"] == "arguments")
        assert refused or name == "text", (name, line)
        struck += line["error"] == "waf_limit"
        assert with_a_neighbour.ask(target="/", fields=[("User-Agent", "story"), ("Accept", "*/*")]).status == 200
    counted = [s.metric("sidegate_rule_limits_total", limit=name) or 0 for name in ("cpu_budget", "pattern")]
    assert struck > 0 and sum(counted) >= struck


def test_a_neighbour_is_served_while_a_hostile_body_is_looked_at(crs):
    s = crs(1, more="cpu_budget: 0")
    neighbour, hostile = s.client(), s.client()
    asked = dict(fields=[("User-Agent", "story"), ("Accept", "*/*")])
    assert neighbour.ask(**asked).status == 200
    body = listed(JSON, [(f"a{i}", "select from; ls -la " * 10) for i in range(900)])
    hostile.send(f"POST /p HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAccept: */*\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}\r\n\r\n{body}")
    for _ in range(5):
        assert neighbour.ask(**asked).status == 200
    hostile.sock.settimeout(120)
    assert hostile.answer().status == 403
    ends = [(ended(line), line["path"]) for line in s.lines(7)]
    assert [path for _, path in sorted(ends)] == ["/"] * 6 + ["/p"], "the neighbour's answers came first"


DEEP = {
    "json": (JSON, "[" * 10_000 + "]" * 10_000),
    "objects": (JSON, '{"a":' * 10_000 + "1" + "}" * 10_000),
    "xml": (XML, "<a>" * 10_000 + "</a>" * 10_000),
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_nested_ten_thousand_deep_is_refused_with_the_reason(crs, tmp_path, name):
    s = crs(1)
    kind, body = DEEP[name]
    answer = post(s.client(), kind, body)
    assert answer.status == 400
    line = said(s, answer)
    assert line["error"] == "waf_blocked" and line["waf"]["rules"] == [200002]
    harness.wait_until(lambda: "Parsing depth limit exceeded" in (tmp_path / "rules.log").read_text(), "the rule log's line")


@pytest.mark.parametrize("name", ["form", "multipart", "json"])
def test_arguments_beyond_the_limit_are_no_way_around_the_rules(crs, name):
    """The attack stands where no rule looks any more: behind SecArgumentsLimit, and the budget is large enough to get there."""
    s = crs(1, more="cpu_budget: 0")
    kind = KINDS[name]
    body = listed(kind, [(f"a{i}", "1") for i in range(1001)] + [("z", "x' union select 1,2 from users--")])
    answer = post(s.client(), kind, body)
    line = line_of(s, answer)
    assert answer.status == 400 and 200002 in line["waf"]["rules"]
    assert line["waf"]["limit"]["name"] == "arguments"
    assert s.metric("sidegate_rule_limits_total", limit="arguments") == 1


# ---- harmless ones ----

WORDS = ("green river stone walk bread morning paper quiet table garden winter music bright simple corner paint wooden summer yellow "
         "north little round market letter silver family ground water orange evening").split()


def prose(size):
    """Sentences that no rule of the first level takes for anything."""
    draw = random.Random(7)
    lines = []
    while sum(map(len, lines)) < size:
        lines.extend(" ".join(draw.choice(WORDS) for _ in range(9)) + "\n" for _ in range(200))
    return "".join(lines)[:size]


def rows(size, each):
    text = prose(size)
    return [text[i:i + each].strip() for i in range(0, size, each)]


HARMLESS = {
    "form": (FORM, lambda: "&".join(f"f{i}={urllib.parse.quote_plus(v)}" for i, v in enumerate(rows(MIB, 2000)))),
    "multipart": (MULTIPART, lambda: multipart([(f"f{i}", v) for i, v in enumerate(rows(MIB, 2000))])),
    "upload": (MULTIPART, lambda: '--b1\r\nContent-Disposition: form-data; name="doc"; filename="notes.txt"\r\n'
                                  f"Content-Type: text/plain\r\n\r\n{prose(MIB)}\r\n--b1--\r\n"),
    "json": (JSON, lambda: json.dumps({"rows": [{"id": i, "note": v} for i, v in enumerate(rows(MIB, 3000))]})),
    "xml": (XML, lambda: "<rows>" + "".join(f'<row id="{i}">{v}</row>' for i, v in enumerate(rows(MIB, 2000))) + "</rows>"),
    "text": (TEXT, lambda: prose(MIB)),
}


def test_a_harmless_mebibyte_of_each_kind_passes_where_the_limits_are_raised(crs):
    """Some 200 patterns over a MiB take more than 20 ms: the README says how much. Who takes such bodies raises the budget."""
    s = crs(1, more="cpu_budget: 10s")
    costs = {}
    for name, (kind, make) in HARMLESS.items():
        body = make()
        answer = post(s.client(), kind, body)
        line = line_of(s, answer)
        assert answer.status == 200, (name, line)
        assert line["waf"]["limit"] is None and line["waf"]["action"] == "pass", (name, line)
        assert line["bytes_in"] == len(body)
        costs[name] = line["waf"]["cpu_us"]
    print(costs)
    assert s.metric("sidegate_rule_limits_total", limit="cpu_budget") in (None, 0)
