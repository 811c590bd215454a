# SPDX-License-Identifier: Apache-2.0
"""Each part of the audit log, in both forms: what it holds, and that it is there only where it is asked for."""
import hashlib
import json
import re
from pathlib import Path

import pytest

from harness import read_request, wait_until

FORMS = pytest.mark.parametrize("form", ["json", "native"])
FORM_FIELDS = [("Content-Type", "multipart/form-data; boundary=BOUND")]
FORM_BODY = (b'--BOUND\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello you\r\n'
             b'--BOUND\r\nContent-Disposition: form-data; name="doc"; filename="a.txt"\r\n\r\nfile text\r\n--BOUND--\r\n')
RULES = """
SecComponentSignature "PARTS/1.0"
SecWebAppId shop
SecSensorId edge-7
SecRule ARGS:q "@streq attack" "id:1,phase:2,deny,status:403,log,auditlog,msg:'An attack',logdata:'%{MATCHED_VAR}',severity:2,tag:one"
SecRule ARGS:q "@streq hushed" "id:2,phase:2,pass,nolog,auditlog,msg:'Not for the rule log'"
SecRule ARGS:q "@streq quiet" "id:3,phase:2,pass,log,noauditlog,msg:'Not for the audit log'"
"""


def answers(wire):
    """A backend that reads bodies and sends a page."""
    while True:
        read_request(wire)
        wire.send("HTTP/1.1 200 X\r\nContent-Type: text/html\r\nX-Answer: yes\r\nContent-Length: 9\r\n\r\n<p>hi</p>")


class Log:
    """The program with one rule file and an audit log of these parts."""

    def __init__(self, sidegate, backend, tmp_path, form, parts, more="", rules="", options=""):
        (tmp_path / "own.conf").write_text(RULES + more)
        self.path = tmp_path / "audit"
        self.form = form
        config = (f"rules: {{ files: [{tmp_path}/own.conf], log: {{ path: {tmp_path}/rules.log }}, "
                  f"response_body: {{ inspect: 64KiB }} {rules} }}\n"
                  f"audit_log: {{ path: {self.path}, when: always, parts: {parts}, format: {form} {options} }}\n")
        self.s = sidegate(backend(answers).url, config=config)

    def text(self, count=1):
        end = b"\n" if self.form == "json" else b"---Z--\n\n"
        wait_until(lambda: self.path.exists() and self.path.read_bytes().count(end) >= count, f"{count} records")
        return self.path.read_text()

    def record(self):
        """JSON: the transaction; native: the text of each part."""
        text = self.text()
        if self.form == "json":
            return json.loads(text.splitlines()[0])["transaction"]
        parts = re.split(r"^---\w{8}---([A-Z])--\n", text, flags=re.M)
        return dict(zip(parts[1::2], (p.strip("\n") for p in parts[2::2])))


@pytest.fixture
def log(sidegate, backend, tmp_path):
    return lambda *arguments, **named: Log(sidegate, backend, tmp_path, *arguments, **named)


@FORMS
def test_part_a_says_when_who_and_where(log, form):
    at = log(form, "AZ")
    answer = at.s.ask(target="/?q=x")
    got = at.record()
    if form == "native":
        assert set(got) == {"A", "Z"}
        assert re.match(r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] " + re.escape(answer["x-request-id"]) +
                        r" 127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+$", got["A"])
    else:
        assert got["unique_id"] == answer["x-request-id"] and got["client_ip"] == got["host_ip"] == "127.0.0.1"
        assert got["client_port"] > 0 and got["host_port"] > 0
        assert re.match(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$", got["time_stamp"])
        assert "headers" not in got["request"] and "messages" not in got and "body" not in got["response"]


@FORMS
def test_part_b_is_the_request_head(log, form):
    at = log(form, "ABZ")
    at.s.ask(target="/a?q=x", fields=[("X-One", "1"), ("X-One", "2")])
    got = at.record()
    if form == "native":
        assert got["B"].splitlines()[:2] == ["GET /a?q=x HTTP/1.1", "Host: test.example"]
        assert "X-One: 1\nX-One: 2" in got["B"]
    else:
        request = got["request"]
        assert (request["method"], request["uri"], request["http_version"]) == ("GET", "/a?q=x", 1.1)
        assert request["headers"]["Host"] == "test.example" and request["headers"]["X-One"] == ["1", "2"]


@FORMS
def test_part_c_is_the_request_body(log, form):
    at = log(form, "ACZ")
    at.s.ask("POST", "/", [("Content-Type", "text/plain")], b"as it came")
    got = at.record()
    assert (got["C"] if form == "native" else got["request"]["body"]) == "as it came"


@FORMS
def test_parts_d_and_g_hold_nothing(log, form):
    at = log(form, "ADGZ")
    at.s.ask()
    got = at.record()
    assert set(got) == {"A", "Z"} if form == "native" else "headers" not in got["response"] and "body" not in got["response"]


@FORMS
def test_part_e_is_the_answers_body_without_any_rule_that_looks_at_it(log, form):
    at = log(form, "AEZ")
    at.s.ask()
    got = at.record()
    assert (got["E"] if form == "native" else got["response"]["body"]) == "<p>hi</p>"


@FORMS
def test_part_e_is_empty_where_answers_are_not_inspected(log, form):
    at = log(form, "AEZ", more="SecAction \"id:9,phase:1,pass,nolog,ctl:responseBodyAccess=Off\"\n")
    at.s.ask()
    got = at.record()
    assert (got["E"] if form == "native" else got["response"]["body"]) == ""


@FORMS
def test_part_f_is_the_answers_head(log, form):
    at = log(form, "AFZ")
    at.s.ask()
    got = at.record()
    if form == "native":
        assert got["F"].splitlines()[0] == "HTTP/1.1 200" and "X-Answer: yes" in got["F"]
    else:
        assert got["response"]["http_code"] == 200 and got["response"]["headers"]["X-Answer"] == "yes"


@FORMS
def test_part_h_says_what_matched_and_what_was_done(log, form):
    at = log(form, "AHZ")
    assert at.s.ask(target="/?q=attack").status == 403
    got = at.record()
    if form == "native":
        assert 'ModSecurity: Access denied with code 403 (phase 2). Matched "Operator' in got["H"]
        assert '[id "1"]' in got["H"] and '[msg "An attack"]' in got["H"] and '[data "attack"]' in got["H"]
        assert "Action: Intercepted (phase 2)" in got["H"] and 'Engine-Mode: "Enabled"' in got["H"]
        assert re.search(r"^Stopwatch: \d+ \d+ ", got["H"], re.M)
    else:
        message, = got["messages"]
        assert message["message"] == "An attack" and message["details"]["ruleId"] == "1"
        assert message["details"]["data"] == "attack" and message["details"]["tags"] == ["one"]
        assert message["details"]["severity"] == "2" and got["producer"]["secrules_engine"] == "Enabled"


@FORMS
def test_part_h_says_who_made_it_and_for_what_application(log, form):
    at = log(form, "AHZ")
    at.s.ask()
    got = at.record()
    if form == "native":
        assert re.search(r"^Producer: Sidegate \S+; PARTS/1\.0\.$", got["H"], re.M)
        assert 'WebApp-Info: "shop"' in got["H"] and 'Sensor-Id: "edge-7"' in got["H"]
    else:
        producer = got["producer"]
        assert producer["components"] == ["PARTS/1.0"]
        assert (producer["webapp_id"], producer["sensor_id"]) == ("shop", "edge-7")


@FORMS
def test_part_i_is_the_form_without_its_files(log, form):
    at = log(form, "AIZ")
    at.s.ask("POST", "/", FORM_FIELDS, FORM_BODY)
    got = at.record()
    assert (got["I"] if form == "native" else got["request"]["fake_body"]) == "note=hello%20you"


@FORMS
def test_part_j_is_about_the_uploads(log, form):
    at = log(form, "AJZ")
    at.s.ask("POST", "/", FORM_FIELDS, FORM_BODY)
    got = at.record()
    if form == "native":
        assert got["J"].splitlines() == ['1,9,"a.txt","doc"', "Total,9"]
    else:
        assert got["uploads"] == {"info": [{"file_size": 9, "file_name": "a.txt", "field": "doc"}], "total": 9}


@FORMS
def test_part_k_is_every_rule_that_matched_in_order(log, form):
    at = log(form, "AKZ", more="SecRule ARGS:q \"@streq hushed\" \"id:4,phase:2,pass,log\"\n")
    at.s.ask(target="/?q=hushed")
    got = at.record()
    if form == "native":
        first, second = got["K"].splitlines()
        assert "id:2" in first and "id:4" in second
    else:
        assert [(m["ruleId"], m["phase"]) for m in got["matched_rules"]] == [("2", 2), ("4", 2)]


@FORMS
def test_part_z_ends_a_record(log, form):
    at = log(form, "AZ")
    at.s.ask()
    at.s.ask()
    text = at.text(2)
    if form == "native":
        assert re.fullmatch(r"(---\w{8}---A--\n\[.*\n---\w{8}---Z--\n\n){2}", text)
    else:
        assert len([json.loads(line) for line in text.splitlines()]) == 2


@FORMS
def test_a_body_that_was_cut_is_marked(log, form):
    at = log(form, "ACEHZ", rules=", request_body: { inspect: 1KiB, over_limit: prefix }")
    at.s.ask("POST", "/", [("Content-Type", "text/plain")], b"x" * 4096)
    got = at.record()
    if form == "native":
        assert got["C"] == "x" * 1024 and "Request-Body-Cut: only its beginning was inspected and kept" in got["H"]
        assert "Response-Body-Cut" not in got["H"]
    else:
        assert got["request"]["body"] == "x" * 1024 and got["request"]["body_cut"] is True
        assert "body_cut" not in got["response"]


@FORMS
def test_a_record_of_its_own_is_the_same_text_as_in_the_serial_log(log, form, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    at = log(form, "ABHZ", options=f", type: concurrent, storage_dir: {store}")
    answer = at.s.ask(target="/?q=attack")
    wait_until(lambda: at.path.exists() and at.path.read_bytes().count(b"\n") == 1, "the index")
    name, start, size, digest = at.path.read_text().split()[-4:]
    content = Path(name).read_bytes()
    assert (start, int(size), digest) == ("0", len(content), "md5:" + hashlib.md5(content).hexdigest())
    if form == "json":
        assert json.loads(content)["transaction"]["unique_id"] == answer["x-request-id"]
    else:
        assert content.startswith(b"---") and b"---H--\nModSecurity: Access denied" in content
