# SPDX-License-Identifier: Apache-2.0
"""Logs over OTLP: a record for each request, and for what rules matched and controls decided."""
import re

import pytest

from harness import wait_until
from signals import Signals, attributes, messages

INFO, WARN, ERROR = 9, 13, 17
RULES = '''SecRuleEngine On
SecRule ARGS:q "@contains attack" "id:100,phase:2,deny,status:403,log,msg:'an attack'"
SecRule ARGS:q "@contains odd" "id:101,phase:2,pass,log,msg:'odd'"
'''


@pytest.fixture(name="there")
def a_receiver(tmp_path_factory):
    module = messages(tmp_path_factory.mktemp("otlp"))
    if isinstance(module, str):
        pytest.skip(f"OTLP's messages cannot be read: {module}")
    made = Signals(module)
    yield made
    made.close()


def telling(there, logs, folder, traces="otlp"):
    (folder / "rules.conf").write_text(RULES)
    return f'''otlp: {{ endpoint: "{there.url}" }}
logs: {{ otlp: {logs} }}
traces: {{ exporter: {traces} }}
rules: {{ files: [{folder}/rules.conf] }}
access: [{{ name: closed, match: {{ path: /closed }}, action: block }}]
'''


def figures(s):
    """The account of the log records; it must add up."""
    page, label = s.status("/metrics")[1], r'\{destination="otlp",signal="logs"'
    found = {name: int(re.search(rf"^sidegate_export_{name}{label}\}} (\d+)$", page, re.M).group(1))
             for name in ("produced_total", "sent_total", "queue_records")}
    dropped = sum(int(count) for count in re.findall(rf"^sidegate_export_dropped_total{label},reason=\"\w+\"\}} (\d+)$", page, re.M))
    assert found["produced_total"] == found["sent_total"] + dropped + found["queue_records"], (found, dropped)
    return found


def test_each_request_is_a_record_that_its_trace_leads_to(sidegate, backend, there, tmp_path):
    s = sidegate(backend().url, config=telling(there, "requests", tmp_path))
    assert s.ask(target="/orders?q=1&password=hunter2", fields=(("User-Agent", "me"),)).status == 200
    line = s.lines(1)[0]
    record = wait_until(there.records, "a record has come")[0]
    tags = attributes(record.attributes)
    assert (record.event_name, record.severity_number, record.severity_text) == ("sidegate.request", INFO, "INFO")
    assert (record.trace_id.hex(), record.span_id.hex(), record.flags) == (line["trace_id"], line["span_id"], 1)
    assert tags["http.response.status_code"] == 200 and tags["url.path"] == "/orders" and tags["user_agent.original"] == "me"
    assert tags["sidegate.request_id"] == line["request_id"] and tags["sidegate.duration_us"] == line["duration_us"]
    assert "hunter2" not in str(record) and record.body.string_value.startswith("GET /orders?q=1&password=")
    span = wait_until(lambda: there.kept["/v1/traces"], "its span has come")[0].resource_spans[0].scope_spans[0].spans[0]
    assert span.trace_id == record.trace_id
    wait_until(lambda: figures(s)["sent_total"] == 1, "the record is counted as sent")


def test_events_alone_say_what_matched_and_what_was_decided(sidegate, backend, there, tmp_path):
    s = sidegate(backend().url, config=telling(there, "[events]", tmp_path, traces="none"))
    assert [s.ask(target=target).status for target in ("/", "/?q=odd", "/?q=attack", "/closed")] == [200, 200, 403, 403]
    s.stop()
    told = [(record.event_name, record.severity_number, record.body.string_value) for record in there.records()]
    assert sorted(told) == sorted([
        ("waf.rule_match", INFO, "odd"), ("waf.rule_match", WARN, "an attack"),
        ("waf.decision", WARN, "the rules refused the request"), ("sidegate.decision", WARN, "access closed: block")])
    match = next(attributes(record.attributes) for record in there.records() if record.body.string_value == "an attack")
    assert match["waf.rule_id"] == 100 and match["waf.variable"] == "ARGS:q" and match["url.path"] == "/"


def test_a_backend_that_is_gone_is_an_error(sidegate, there, tmp_path):
    s = sidegate("http://127.0.0.1:9", config=telling(there, "[requests, events]", tmp_path))
    assert s.ask().status == 502
    record = wait_until(there.records, "a record has come")[0]
    assert (record.severity_number, record.severity_text) == (ERROR, "ERROR")
    assert attributes(record.attributes)["error.type"]


def test_without_logs_otlp_no_record_leaves(sidegate, backend, there, tmp_path):
    s = sidegate(backend().url, config=telling(there, "none", tmp_path))
    assert s.ask(target="/?q=odd").status == 200
    s.stop()
    assert there.kept["/v1/traces"] and not there.kept["/v1/logs"]
