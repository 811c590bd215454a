# SPDX-License-Identifier: Apache-2.0
"""The execution log in API Gateway's wording: levels, data trace, what is cut and what is masked."""
import json
import re

import pytest
from api_keys import GOOD
from harness import always_ok, read_request, run, wait_until
from test_keys import PLANS, config as keys_config, write_keys

ROUTES = "routes: [{ match: 'GET /orders/{id}' }, { match: 'ANY /files/{path+}' }, { match: POST /in }]\n"


def started(sidegate, backend, tmp_path, level="info", more="", config=ROUTES, script=always_ok, url=None):
    s = sidegate(url or backend(script).url, "service: { name: shop, environment: prod }\n"
                 f"execution_log: {{ path: {tmp_path}/execution.log, level: {level}{more} }}\n{config}")
    s.execution = tmp_path / "execution.log"
    return s


def said(s, requests=1):
    """The texts behind the id, of each request."""
    done = wait_until(lambda: (text := s.execution.read_text()) and len(re.findall(r"Method completed|\(none\)", text)) >= requests and text, "the lines")
    s.stop()
    by_id = {}
    for line in s.execution.read_text().splitlines():
        match = re.fullmatch(r"\(([0-9a-f-]{36})\) (.*)", line)
        assert match, line
        by_id.setdefault(match.group(1), []).append(match.group(2))
    assert done
    return [(request, [text.replace(request, "ID") for text in texts]) for request, texts in by_id.items()]


def answering(head, body):
    def script(wire):
        while True:
            read_request(wire)
            wire.send(f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}")
    return script


def test_info_has_the_steps_of_a_request_in_their_order(sidegate, backend, tmp_path):
    s = started(sidegate, backend, tmp_path)
    s.ask("GET", "/orders/7?q=1&token=hunter2")
    (_, lines), = said(s)
    uri = s.upstream + "/orders/7?q=1&token=REDACTED"
    assert re.fullmatch(r"Received response\. Status: 200, Integration latency: \d+ ms", lines[8]), lines
    assert lines[:8] + lines[9:] == [
        "Extended Request Id: ID",
        "Verifying Usage Plan for request: ID. API Key:  API Stage: shop/prod",
        "API Key  authorized because method 'GET /orders/{id}' does not require API Key. Request will not contribute to throttle or quota limits",
        "Usage Plan check succeeded for API Key  and API Stage shop/prod",
        "Starting execution for request: ID",
        "HTTP Method: GET, Resource Path: /orders/7",
        f"Endpoint request URI: {uri}",
        f"Sending request to {uri}",
        "Successfully completed execution",
        "Method completed with status: 200"]


def test_data_trace_has_what_was_said_on_both_sides(sidegate, backend, tmp_path):
    s = started(sidegate, backend, tmp_path, more=", data_trace: on", script=answering("X-Shop: open\r\n", '{"made":7}'))
    body = b'{"name":"till",\n"password":"hunter2"}'
    s.ask("POST", "/in?a=1&b=2", [("X-Till", "7"), ("Content-Type", "application/json"), ("Content-Length", str(len(body)))], body)
    (_, lines), = said(s)
    texts = dict(line.split(": ", 1) for line in lines if ": " in line)
    assert texts["Method request path"] == "{}" and texts["Method request query string"] == "{a=1, b=2}"
    assert "X-Till=7" in texts["Method request headers"] and texts["Method request headers"].startswith("{Host=")
    assert texts["Method request body before transformations"] == '{"name":"till",\\n"password":"REDACTED"}'
    assert texts["Endpoint request body after transformations"] == '{"name":"till",\\n"password":"REDACTED"}'
    assert "X-Till=7" in texts["Endpoint request headers"] and "X-Forwarded-For=127.0.0.1" in texts["Endpoint request headers"]
    assert "X-Shop=open" in texts["Endpoint response headers"] and "X-Shop=open" in texts["Method response headers"]
    assert texts["Endpoint response body before transformations"] == texts["Method response body after transformations"] == '{"made":7}'
    order = [line.split(":")[0] for line in lines]
    assert order.index("Method request headers") < order.index("Endpoint request URI") < order.index("Endpoint request headers") < order.index("Method response headers")


@pytest.mark.parametrize("target,values", [("/orders/7", "{id=7}"), ("/files/a/b.txt", "{path=a/b.txt}")])
def test_path_variables_are_a_map(sidegate, backend, tmp_path, target, values):
    s = started(sidegate, backend, tmp_path, more=", data_trace: on")
    s.ask("GET", target)
    assert f"Method request path: {values}" in said(s)[0][1]


def test_what_is_long_is_cut_at_1024_characters(sidegate, backend, tmp_path):
    s = started(sidegate, backend, tmp_path, more=", data_trace: on", script=answering("", "a" * 5000))
    s.ask("POST", "/in", [("Content-Length", "3000")], b"b" * 3000)
    lines = said(s)[0][1]
    cut = [line for line in lines if line.endswith(" [TRUNCATED]")]
    assert len(cut) == 4 and {len(line) for line in cut} == {1024 + len(" [TRUNCATED]")}
    assert any(line.startswith("Method response body after transformations: aaaa") for line in cut)


def test_at_level_error_only_what_failed_is_there(sidegate, backend, tmp_path):
    s = started(sidegate, backend, tmp_path, level="error", more=", data_trace: on", url="http://127.0.0.1:9", config="routes: [{ match: 'GET /orders/{id}' }]\n")
    assert s.ask("GET", "/orders/7").status == 502
    (_, lines), = said(s)
    assert lines == ["Extended Request Id: ID", "Execution failed due to a network error communicating with endpoint", "Method completed with status: 502"]


def test_at_level_error_a_request_that_went_well_is_no_line(sidegate, backend, tmp_path):
    s = started(sidegate, backend, tmp_path, level="error")
    s.ask("GET", "/orders/7")
    s.lines(1)
    s.stop()
    assert s.execution.read_text() == ""


def test_a_backend_that_says_nothing_is_a_timeout(sidegate, backend, tmp_path):
    s = started(sidegate, backend, tmp_path, config=ROUTES + "timeouts: { response_header: 200ms, drain_delay: 0 }\n",
                script=lambda wire: (read_request(wire), wire.rest()))
    assert s.ask("GET", "/orders/7").status == 504
    lines = said(s)[0][1]
    assert "Execution failed due to a timeout error" in lines and lines[-2:-1] != ["Successfully completed execution"]


def test_who_comes_too_often_is_told_with_the_limit(sidegate, backend, tmp_path):
    s = started(sidegate, backend, tmp_path, config="rate_limits: { all: { rate: 1/m, burst: 1 } }\nroutes: [{ match: 'GET /orders/{id}', rate_limits: [all] }]\n")
    s.ask("GET", "/orders/7")
    assert s.ask("GET", "/orders/7").status == 429
    lines = said(s, 2)[1][1]
    assert "Key throttle limit exceeded for RestApi shop, Stage prod, Resource /orders/{id}, HttpMethod GET. Limit: 0.01 Burst: 1" in lines
    assert "Gateway response type: THROTTLED with status code: 429" in lines and "Method completed with status: 429" in lines


def test_a_refusal_of_the_rules_says_so(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS:q "@contains evil" "id:1,phase:1,deny,log"\n')
    s = started(sidegate, backend, tmp_path, level="error", config=ROUTES + f"rules: {{ files: [{tmp_path}/own.conf] }}\n")
    s.ask("GET", "/orders/7?q=evil")
    assert "Execution failed due to an error: waf_blocked" in said(s)[0][1]


def test_an_api_key_is_known_by_its_id_and_its_value_by_six_characters(sidegate, backend, tmp_path):
    write_keys(tmp_path / "keys.yaml")
    s = started(sidegate, backend, tmp_path, more=", data_trace: on", config=keys_config(tmp_path, PLANS))
    s.ask("GET", "/pets", [("x-api-key", GOOD)])
    text = "\n".join(said(s)[0][1])
    assert "Usage Plan check succeeded for API Key k1 and API Stage shop/prod" in text and "API Key: k1" in text
    assert "*" * (len(GOOD) - 6) + GOOD[-6:] in text and GOOD not in text


SECRETS = ["of-somebody", "dXNlcjpodW50ZXIy", "s3ssion-7", "hunter2", "eyJhbGciOiJIUzI1NiJ9", "AKIAIOSFODNN7EXAMPLE", "opensesame", "till-token-1234567890-secret"]


def test_no_secret_is_in_it_whatever_it_stands_in(sidegate, backend, tmp_path):
    answer = '<a><secret>opensesame</secret></a> {"token": "hunter2", "key":"AKIAIOSFODNN7EXAMPLE"} eyJhbGciOiJIUzI1NiJ9.e30.c2ln'
    s = started(sidegate, backend, tmp_path, more=", data_trace: on", script=answering("Set-Cookie: sid=s3ssion-7\r\nX-Note: Bearer of-somebody\r\n", answer))
    for fields, body in (([("Authorization", "Bearer of-somebody"), ("Cookie", "sid=s3ssion-7"), ("X-Note", "AKIAIOSFODNN7EXAMPLE")], b"password=hunter2&a=1"),
                         ([("Authorization", "Basic dXNlcjpodW50ZXIy"), ("X-Auth-Token", "till-token-1234567890-secret")], b"{\"client_secret\" : \"hunter2\", \"a\": 'x'}"),
                         ([("Proxy-Authorization", "hunter2")], b"note: Bearer of-somebody\npassword: hunter2")):
        s.ask("POST", "/in?a=1&password=hunter2", [*fields, ("Content-Length", str(len(body)))], body)
    text = json.dumps(said(s, 3))
    assert [secret for secret in SECRETS if secret in text] == []
    assert "a=1" in text and "REDACTED" in text


def test_no_value_makes_a_line(sidegate, backend, tmp_path):
    s = started(sidegate, backend, tmp_path, more=", data_trace: on")
    body = b"x\n(00000000) Method completed"
    s.ask("POST", "/in?a=%0a1&b=\x81", [("Content-Length", str(len(body))), ("X-A", "1\t2")], body)
    assert len(said(s)) == 1


def test_what_makes_no_sense_is_refused(tmp_path):
    (tmp_path / "c.yaml").write_text("version: 1\nlisteners: [{ address: 127.0.0.1:0 }]\nupstreams: { a: { targets: [\"http://127.0.0.1:9\"] } }\n"
                                     "execution_log: { path: x, level: debug }\n")
    code, _, why = run("check", "-c", str(tmp_path / "c.yaml"))
    assert code == 3 and "off, error or info" in why and "c.yaml:4:" in why
