# SPDX-License-Identifier: Apache-2.0
"""Lambda-style authorizers: what a function or a server elsewhere is asked, what its answers come to, and how long they hold."""
import json
import os
import signal
import socket
import ssl
import threading
from pathlib import Path

import pytest

from api_keys import GOOD, write_keys
from certificates import Authority
from harness import Backend, Client, Wire, always_ok, field, free_port, read_request, run, wait_until
from otlp import Collector

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


def ask(s, token="t", method="GET", target="/orders/7", fields=()):
    return s.ask(method, target, fields=[*([("Authorization", token)] if token else []), *fields])


def line_of(s, count=1):
    return s.lines(count)[count - 1]


# ---- the outcome tables ----

def test_a_simple_yes_passes_and_a_simple_no_is_forbidden(door, function):
    f = function(YES)
    s = door(f)
    assert ask(s, "alice").status == 200
    f.reply = NO
    answer = ask(s, "bob")
    assert (answer.status, answer.body, answer["x-amzn-ErrorType"]) == (403, FORBIDDEN, "ForbiddenException")
    assert [line["authorizer"]["decision"] for line in s.lines(2)] == ["allow", "block"]
    assert s.lines(2)[1]["decisions"] == [
        {"control": "authorizer", "name": "custom", "decision": "block", "reason": "not_authorized"}]
    assert s.metric("sidegate_authorizer_requests_total", authorizer="custom", decision="allow") == 1
    assert s.metric("sidegate_authorizer_requests_total", authorizer="custom", decision="block") == 1
    assert s.ask("GET", "/open").status == 200 and len(f.asked) == 2


REST_ROWS = [
    # reply, fields, status, body, x-amzn-ErrorType, reason
    (policy("Allow"), "", 200, None, None, None),
    (policy("Allow", API + "/GET/orders/*"), "", 200, None, None, None),
    (policy("Deny"), "", 403, DENIED_EXPLICITLY, "AccessDeniedException", "the authorizer's policy denies it: Statement[0]"),
    (policy("Allow", API + "/GET/others/*"), "", 403, DENIED, "AccessDeniedException", "the authorizer's policy allows nothing of it"),
    ({"errorMessage": "Unauthorized"}, "X-Amz-Function-Error: Unhandled\r\n", 401, UNAUTHORIZED, "UnauthorizedException", "unauthorized"),
    ({"errorMessage": "Unauthorized", "errorType": "Exception"}, "X-Amz-Function-Error: Unhandled\r\n", 401, UNAUTHORIZED,
     "UnauthorizedException", "unauthorized"),
    ({"errorMessage": "unauthorized"}, "X-Amz-Function-Error: Unhandled\r\n", 500, NULL, "AuthorizerFailureException", "function_error"),
    ({"errorMessage": "boom"}, "", 500, NULL, "AuthorizerFailureException", "function_error"),
    (policy("Allow"), "X-Amz-Function-Error: Unhandled\r\n", 500, NULL, "AuthorizerFailureException", "function_error"),
    ({}, "", 500, NULL, "AuthorizerConfigurationException", "answer_without_verdict"),
    ([], "", 500, NULL, "AuthorizerConfigurationException", "answer_no_json"),
    (YES, "", 500, NULL, "AuthorizerConfigurationException", "answer_without_verdict"),
    (policy("Allow", principal=None), "", 500, NULL, "AuthorizerConfigurationException", "principal_missing"),
    (policy("Allow", context={"o": {}}), "", 500, NULL, "AuthorizerConfigurationException", "context_malformed"),
    (policy("Allow", context={"l": [1]}), "", 500, NULL, "AuthorizerConfigurationException", "context_malformed"),
    (policy("Perhaps"), "", 500, NULL, "AuthorizerConfigurationException", "policy_malformed"),
]


@pytest.mark.parametrize("payload", ["token", "request"])
def test_each_row_of_the_rest_table_is_answered_in_its_words(door, function, payload):
    f = function()
    s = door(f, f"payload: {payload}, ttl: 0, identity: [$request.header.authorization]", kind="lambda")
    for i, (reply, fields, status, body, error, reason) in enumerate(REST_ROWS):
        f.reply, f.fields = reply, fields
        answer = ask(s)
        assert (answer.status, answer["x-amzn-ErrorType"]) == (status, error), reply
        assert body is None or answer.body == body, reply
        decisions = line_of(s, i + 1)["decisions"]
        assert [d["reason"] for d in decisions] == ([reason] if reason else []), reply
    assert f.asked[0][0] == "POST /2015-03-31/functions/orders/invocations HTTP/1.1"
    assert field(f.asked[0][1], "x-amz-invocation-type") == "RequestResponse"


HTTP_ROWS = [
    (policy("Allow"), "", 200, None, None),
    (policy("Deny"), "", 403, FORBIDDEN, "the authorizer's policy denies it: Statement[0]"),
    (policy("Allow", API + "/GET/others/*"), "", 403, FORBIDDEN, "the authorizer's policy allows nothing of it"),
    ({"errorMessage": "Unauthorized"}, "X-Amz-Function-Error: Unhandled\r\n", 401, UNAUTHORIZED, "unauthorized"),
    ({"errorMessage": "boom"}, "X-Amz-Function-Error: Unhandled\r\n", 500, SERVER_ERROR, "function_error"),
    ({}, "", 500, SERVER_ERROR, "answer_without_verdict"),
]


@pytest.mark.parametrize("payload", ["1.0", "2.0"])
def test_each_row_of_the_http_api_table_is_answered_in_its_words(door, function, payload):
    f = function()
    s = door(f, f'payload: "{payload}", ttl: 0', kind="lambda")
    rows = HTTP_ROWS + [(YES, "", *((200, None, None) if payload == "2.0" else (500, SERVER_ERROR, "answer_without_verdict"))),
                        (NO, "", *((403, FORBIDDEN, "not_authorized") if payload == "2.0"
                                   else (500, SERVER_ERROR, "answer_without_verdict")))]
    for i, (reply, fields, status, body, reason) in enumerate(rows):
        f.reply, f.fields = reply, fields
        answer = ask(s)
        assert answer.status == status and (body is None or answer.body == body), reply
        assert [d["reason"] for d in line_of(s, i + 1)["decisions"]] == ([reason] if reason else []), reply


def test_a_plain_server_may_say_it_by_its_status(door, function):
    f = function()
    s = door(f, "ttl: 0")
    for status, wanted, body in ((401, 401, UNAUTHORIZED), (403, 403, FORBIDDEN), (500, 500, SERVER_ERROR), (204, 500, SERVER_ERROR),
                                 (302, 500, SERVER_ERROR), (200, 200, None)):
        f.status = status
        answer = ask(s)
        assert answer.status == wanted and (body is None or answer.body == body), status


# ---- identity and validation ----

def test_who_lacks_an_identity_is_unauthorized_without_a_call(door, function):
    f = function()
    s = door(f, "identity: [$request.header.authorization, $request.querystring.tenant]")
    for token, target in ((None, "/orders/7?tenant=a"), ("t", "/orders/7"), ("t", "/orders/7?tenant="), (" ", "/orders/7?tenant=a")):
        answer = ask(s, token, target=target)
        assert (answer.status, answer.body, answer["x-amzn-ErrorType"]) == (401, UNAUTHORIZED, "UnauthorizedException")
    assert not f.asked
    assert line_of(s)["decisions"][0]["reason"] == "identity_missing"
    assert ask(s, target="/orders/7?tenant=a").status == 200


def test_a_rest_request_authorizer_without_a_cache_is_asked_whatever_is_missing(door, function):
    f = function(policy())
    s = door(f, "payload: request, ttl: 0, identity: [$request.header.authorization]")
    assert ask(s, None).status == 200
    assert len(f.asked) == 1


def test_an_identity_that_does_not_match_the_expression_is_unauthorized_without_a_call(door, function):
    f = function(policy())
    s = door(f, "payload: token, validation: 'Bearer [a-z]+'")
    for token in ("Bearer x1", "bearer x", "Bearer x Bearer y", "Bearer x\ty", "x"):
        assert ask(s, token).body == UNAUTHORIZED
    assert not f.asked and line_of(s)["decisions"][0]["reason"] == "identity_not_valid"
    assert ask(s, "Bearer x").status == 200
    assert f.event == {"type": "TOKEN", "authorizationToken": "Bearer x", "methodArn": API + "/GET/orders/7"}


# ---- the cache ----

def test_two_requests_with_one_identity_are_one_call(door, function):
    f = function(YES)
    s = door(f)
    assert [ask(s).status for _ in range(3)] == [200] * 3 and len(f.asked) == 1
    assert ask(s, "other").status == 200 and len(f.asked) == 2
    assert [line["authorizer"]["cache"] for line in s.lines(4)] == ["miss", "hit", "hit", "miss"]
    assert "call" in s.lines(4)[0]["authorizer"] and "call" not in s.lines(4)[1]["authorizer"]
    assert s.metric("sidegate_authorizer_cache_total", authorizer="custom", result="hit") == 2
    assert s.metric("sidegate_authorizer_cache_total", authorizer="custom", result="miss") == 2


def test_a_refusal_is_kept_as_well_but_an_error_is_not(door, function):
    f = function(NO)
    s = door(f)
    assert [ask(s).status for _ in range(2)] == [403] * 2 and len(f.asked) == 1
    f.reply = {"errorMessage": "Unauthorized"}
    assert [ask(s, "u").status for _ in range(2)] == [401] * 2 and len(f.asked) == 3
    f.reply = {}
    assert [ask(s, "v").status for _ in range(2)] == [500] * 2 and len(f.asked) == 5


def test_ttl_0_asks_each_time(door, function):
    f = function(YES)
    s = door(f, "identity: [$request.header.authorization], ttl: 0")
    assert [ask(s).status for _ in range(3)] == [200] * 3 and len(f.asked) == 3
    assert "cache" not in line_of(s)["authorizer"]


def test_an_answer_is_forgotten_when_its_time_is_over(door, function):
    f = function(YES)
    s = door(f, "identity: [$request.header.authorization], ttl: 100ms")
    ask(s)
    wait_until(lambda: ask(s).status == 200 and len(f.asked) == 2, "it is asked again")


def test_a_kept_policy_is_asked_about_each_method_and_route_that_shares_the_authorizer(door, function):
    f = function(policy("Allow", API + "/GET/orders/*"))
    s = door(f, "payload: token")
    assert ask(s).status == 200
    assert (ask(s, method="DELETE").status, ask(s, target="/files/a/b").status, ask(s, target="/orders/8").status) == (403, 403, 200)
    assert len(f.asked) == 1


def test_an_identity_by_route_keeps_an_answer_for_each_route(door, function):
    f = function(YES)
    s = door(f, "identity: [$request.header.authorization, $context.routeKey]")
    for target in ("/orders/7", "/orders/8", "/files/a", "/files/b"):
        assert ask(s, target=target).status == 200
    assert [event["routeKey"] for _, _, event in f.asked] == ["ANY /orders/{id}", "ANY /files/{proxy+}"]


def test_what_is_joined_by_a_comma_is_not_taken_for_two(door, function):
    f = function(YES)
    s = door(f, "identity: [$request.querystring.q]")
    for query in ("q=a,b", "q=a&q=b", "q=a%2Cb", "q=b&q=a"):
        ask(s, target="/orders/7?" + query)
    assert [event["identitySource"] for _, _, event in f.asked] == [["a,b"], ["a,b"], ["b,a"]]


def test_requests_with_one_identity_at_one_time_share_a_call(door, function):
    f = function(YES)
    s = door(f, more="process: { threads: 1 }")  # a worker shares its calls with nobody
    f.gate.clear()
    clients = [s.client() for _ in range(4)]
    for client in clients:
        client.send(b"GET /orders/7 HTTP/1.1\r\nHost: a\r\nAuthorization: t\r\n\r\n")
    wait_until(lambda: f.asked and s.metric("http_server_active_requests") == 4, "all of them wait")
    other = s.client()
    other.send(b"GET /orders/7 HTTP/1.1\r\nHost: a\r\nAuthorization: u\r\n\r\n")
    wait_until(lambda: len(f.asked) == 2, "another identity is another call")
    f.gate.set()
    assert [client.answer().status for client in [*clients, other]] == [200] * 5
    caches = sorted(line["authorizer"]["cache"] for line in s.lines(5))
    assert caches == ["miss", "miss", "shared", "shared", "shared"] and len(f.asked) == 2
    assert s.metric("sidegate_authorizer_cache_total", authorizer="custom", result="shared") == 3


def test_a_reload_keeps_the_answers_of_an_authorizer_that_is_still_the_same(door, function):
    f = function(YES)
    s = door(f)
    ask(s)
    config = s.config.read_text()

    def reload(text):
        s.config.write_text(text)
        s.signal(signal.SIGHUP)

    reload(config.replace("GET /open", "GET /opened"))
    wait_until(lambda: s.ask("GET", "/opened").status == 200, "the reload")
    assert ask(s).status == 200 and len(f.asked) == 1
    reload(config.replace("GET /open", "GET /open2").replace("type: http,", "type: http, ttl: 4m,"))
    wait_until(lambda: s.ask("GET", "/open2").status == 200, "the reload")
    assert ask(s).status == 200 and len(f.asked) == 2


def test_an_answer_about_another_api_is_not_taken_for_this_one(door, function):
    f = function(policy(resource=f"{API}/*"))
    s = door(f, "payload: request, identity: [$request.header.authorization]")
    assert ask(s).status == 200
    other = API.replace("/prod", "/test")
    f.reply = policy(resource=f"{other}/*")
    s.config.write_text(s.config.read_text().replace(API, other).replace("GET /open", "GET /opened"))
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.ask("GET", "/opened").status == 200, "the reload")
    assert ask(s).status == 200 and len(f.asked) == 2
    assert f.event["methodArn"].startswith(other)


# ---- failures ----

def test_no_answer_in_time_and_nonsense_are_refused(door, function):
    f = function(body=b"<html>")
    f.gate.clear()
    slow = door(f, "identity: [$request.header.authorization], timeout: 200ms")
    answer = ask(slow)
    assert (answer.status, answer.body) == (500, SERVER_ERROR)
    assert line_of(slow)["decisions"][0]["reason"] == "timed_out" and line_of(slow)["error"] == "authorizer_failed"
    assert line_of(slow)["authorizer"]["call"]["error"] == "timed_out"
    assert not slow.server.heard
    f.gate.set()
    assert ask(slow).status == 500
    assert line_of(slow, 2)["decisions"][0]["reason"] == "answer_no_json" and line_of(slow, 2)["error"] == "authorizer_malformed"


def test_a_dead_server_is_refused(door):
    url = f"http://127.0.0.1:{free_port()}"
    s = door(None, "payload: token", kind="lambda", url=url)
    answer = ask(s)
    assert (answer.status, answer.body, answer["x-amzn-ErrorType"]) == (500, NULL, "AuthorizerFailureException")
    assert line_of(s)["decisions"][0] == {"control": "authorizer", "name": "custom", "decision": "block", "reason": "not_connected"}


@pytest.mark.parametrize("body", [None, b"nonsense"])
def test_on_failure_allow_lets_pass_and_says_so(door, function, body):
    f = function(body=body) if body else None
    s = door(f, "payload: token, on_failure: allow, headers: { X-User: principalId }", url=None if f else f"http://127.0.0.1:{free_port()}")
    assert ask(s, fields=[("X-User", "forged")]).status == 200
    line = line_of(s)
    assert line["authorizer"]["decision"] == "count" and line["error"] is None
    assert line["decisions"][0]["decision"] == "count"
    assert line["decisions"][0]["reason"] == ("answer_no_json" if body else "not_connected")
    assert b"forged" not in s.server.heard
    assert ask(s, None).status == 401  # nothing has failed: nobody is there


BROKEN = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "broken"),
    (b"\x16\x03\x01 no HTTP\r\n\r\n", "broken"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b" " * 70000, "answer_too_long"),
    (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 21\r\n\r\n" + b'{"isAuthorized":true}', "bad_status"),
    (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 21\r\n\r\n" + b'{"isAuthorized":true}', "bad_status"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answer_no_json"),
]


@pytest.mark.parametrize("text, reason", BROKEN)
def test_whatever_goes_wrong_with_a_call_lets_nobody_in(door, text, reason):
    def script(wire):
        read_request(wire)
        wire.send(text)

    server = Backend(script)
    try:
        s = door(server, "identity: [$request.header.authorization], timeout: 2s")
        answer = ask(s)
        assert (answer.status, answer.body) == (500, SERVER_ERROR) and not s.server.heard
        assert line_of(s)["decisions"][0]["reason"] == reason
    finally:
        server.close()


def test_on_failure_allow_does_not_let_pass_who_is_refused(door, function):
    f = function({"errorMessage": "Unauthorized"})
    s = door(f, "on_failure: allow, identity: [$request.header.authorization]")
    assert ask(s).status == 401
    f.reply = policy("Deny")
    assert ask(s, "u").status == 403
    f.reply = NO
    assert ask(s, "v").status == 403


TOO_LONG = [
    ("identity: [$request.header.authorization], payload: request", "event_too_long", [("X-A", "\\" * 120000)]),
    ("identity: [$request.header.x-a], ttl: 1m", "identity_too_long", [("X-A", "a" * 300000)]),
]


@pytest.mark.parametrize("options, reason, fields", TOO_LONG)
def test_a_client_cannot_make_an_authorizer_fail_by_a_long_request(door, function, options, reason, fields):
    f = function()
    kind = "lambda" if "payload" in options else "http"
    s = door(f, options + ", on_failure: allow", kind=kind, more="limits: { header_bytes: 512KiB }")
    assert ask(s, fields=fields).status == 500
    assert line_of(s)["decisions"][0] == {"control": "authorizer", "name": "custom", "decision": "block", "reason": reason}
    assert not f.asked and not s.server.heard


def test_detection_only_says_who_would_have_been_refused(door, function):
    f = function(NO)
    s = door(f, "mode: detection_only, identity: [$request.header.authorization]")
    replies = [NO, policy("Deny"), {"errorMessage": "Unauthorized"}, {}]
    for i, reply in enumerate(replies):
        f.reply = reply
        assert ask(s, f"t{i}").status == 200
        assert line_of(s, i + 1)["decisions"][0]["decision"] == "would_block"
    assert ask(s, None).status == 200 and line_of(s, 5)["decisions"][0]["reason"] == "identity_missing"
    assert len(f.asked) == len(replies)


def test_off_asks_nobody(door, function):
    f = function(NO)
    s = door(f, "mode: off, identity: [$request.header.authorization]")
    assert ask(s).status == 200 and not f.asked and line_of(s)["authorizer"] is None


def test_a_client_that_goes_leaves_the_answer_to_the_next_one(door, function):
    f = function(YES)
    s = door(f)
    f.gate.clear()
    client = s.client()
    client.send(b"GET /orders/7 HTTP/1.1\r\nHost: a\r\nAuthorization: t\r\n\r\n")
    wait_until(lambda: f.asked, "the function is asked")
    client.reset()
    line = s.lines()[0]
    assert line["error"] == "client_gone" and line["status"] is None
    f.gate.set()
    wait_until(lambda: ask(s).status == 200 and line_of(s, len(s.lines(2)))["authorizer"]["cache"] == "hit", "it is known")
    assert len(f.asked) <= 2


def test_a_stop_does_not_wait_for_an_authorizer_for_ever(door, function):
    f = function(YES)
    s = door(f, more="timeouts: { drain: 300ms, drain_delay: 0 }")
    f.gate.clear()
    client = s.client()
    client.send(b"GET /orders/7 HTTP/1.1\r\nHost: a\r\nAuthorization: t\r\n\r\n")
    wait_until(lambda: f.asked, "the function is asked")
    assert s.stop() == 0


# ---- what others get to know ----

def test_the_context_goes_to_the_backend_in_fields_that_nobody_can_forge(door, function):
    f = function(policy(context={"tenant": "acme", "level": 7, "admin": True}))
    s = door(f, "payload: token, headers: { X-User: principalId, X-Tenant: tenant, X-Level: level, X-Admin: admin, X-None: none }")
    forged = [("X-User", "root"), ("x-tenant", "evil"), ("X_Level", "highest"), ("X-None", "forged")]
    assert ask(s, fields=forged).status == 200
    heard = s.server.heard
    for text in (b"X-User: alice\r\n", b"X-Tenant: acme\r\n", b"X-Level: 7\r\n", b"X-Admin: true\r\n"):
        assert heard.count(text) == 1
    for text in (b"root", b"evil", b"highest", b"forged"):
        assert text not in heard
    assert line_of(s)["authorizer"]["principal"] == "alice"
    assert s.ask("GET", "/open", fields=[("X-User", "root")]).status == 200
    assert b"root" not in s.server.heard


def test_a_context_with_control_bytes_is_no_field(door, function):
    f = function({"isAuthorized": True, "context": {"bad": "a\r\nX-Evil: 1", "good": "g"}})
    s = door(f, "headers: { X-Bad: bad, X-Good: good }, identity: [$request.header.authorization]")
    assert ask(s).status == 200
    assert b"X-Evil" not in s.server.heard and b"X-Good: g" in s.server.heard


def test_rates_count_by_what_an_authorizer_says(door, function):
    f = function(policy(context={"tenant": "acme"}))
    s = door(f, "payload: token", more="""  - { match: "GET /limited", authorizer: custom, rate_limits: [each] }
rate_limits: { each: { key: [jwt.tenant], rate: 1/m, burst: 1 } }
""")
    assert ask(s, "a", target="/limited").status == 200
    assert ask(s, "b", target="/limited").status == 429


def test_nothing_of_a_token_or_an_answer_is_in_the_logs(door, function):
    f = function(policy(usageIdentifierKey="secret-usage-key", context={"c": "secret-context"}))
    s = door(f, "payload: token")
    ask(s, "secret-token")
    f.reply = {"errorMessage": "secret-message"}
    ask(s, "secret-token-2")
    text = s.log.read_text() + s.errors() + s.status("/metrics")[1]
    assert line_of(s, 2) and "secret" not in text


def test_the_call_is_a_client_span_of_the_authorizer_row(door, function):
    collector = Collector()
    try:
        f = function(YES)
        s = door(f, more=f'otlp: {{ endpoint: "{collector.url}" }}\n')
        assert ask(s).status == 200
        wait_until(lambda: len([x for x in collector.spans if x.kind == "client"]) == 2, "both calls are there")
        spans = collector.spans
        call = next(x for x in spans if x.name == "POST")
        row = next(x for x in spans if x.name == "authorizer")
        assert call.parent == row.id and call.tags["sidegate.authorizer"] == "custom" and call.tags["http.response.status_code"] == 200
        assert field(f.asked[0][1], "traceparent").split("-")[2] == call.id
    finally:
        collector.close()


def test_the_usage_key_of_an_answer_is_the_api_key(sidegate, backend, function, tmp_path):
    f = function(policy(usageIdentifierKey=GOOD))
    s = sidegate(backend(always_ok).url, f"""
api_keys: {{ file: {write_keys(tmp_path / "keys.yaml")}, source: authorizer }}
usage_plans: {{ basic: {{ keys: [k1] }} }}
authorizers: {{ custom: {{ type: lambda, function: f, url: "{f.url}", payload: token }} }}
routes: [{{ match: "ANY /{{proxy+}}", authorizer: custom, api_key: required }}]
""")
    assert [ask(s).status, ask(s).status] == [200, 200] and len(f.asked) == 1
    assert s.lines(2)[1]["api_key_id"] == "k1" and GOOD not in s.log.read_text()
    f.reply = policy(usageIdentifierKey="unknown-unknown-unknown")
    assert (ask(s, "u").status, line_of(s, 3)["decisions"][0]["reason"]) == (403, "key_unknown")
    f.reply = policy()
    assert (ask(s, "v").status, line_of(s, 4)["decisions"][0]["reason"]) == (403, "key_missing")


def test_a_server_behind_tls_has_to_be_whom_ca_file_trusts(door, tmp_path):
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    authority.issue("here", ["IP:127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "here.crt", tmp_path / "here.key")
    heard = []

    def script(wire):
        wire.sock = context.wrap_socket(wire.sock, server_side=True)
        while True:
            heard.append(read_request(wire))
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n" + b'{"isAuthorized":true}')

    server = Backend(script)
    try:
        url, more = server.url.replace("http:", "https:"), "identity: [$request.header.authorization], ca_file: "
        s = door(None, more + str(authority.file), url=url)
        assert ask(s).status == 200 and len(heard) == 1
        config = s.config.read_text()
        s.config.write_text(config.replace(str(authority.file), str(stranger.file)).replace("GET /open", "GET /opened"))
        s.signal(signal.SIGHUP)
        wait_until(lambda: s.ask("GET", "/opened").status == 200, "the reload")
        assert ask(s, "u").body == SERVER_ERROR and len(heard) == 1
        wait_until(lambda: any(d["reason"] == "not_verified" for line in s.lines() for d in line["decisions"]), "the log says why")
    finally:
        server.close()


def test_explain_asks_nobody_elsewhere_and_says_so(tmp_path):
    (tmp_path / "c.yaml").write_text("""version: 1
listeners: [{ address: "127.0.0.1:1" }]
upstreams: { app: { targets: ["http://127.0.0.1:2"] } }
authorizers: { custom: { type: http, url: "http://127.0.0.1:3", identity: [$request.header.authorization] } }
routes: [{ match: "GET /a", authorizer: custom }]
""")
    (tmp_path / "r.http").write_text("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
    code, said, wrong = run("explain", "-c", str(tmp_path / "c.yaml"), str(tmp_path / "r.http"))
    assert code == 0 and "not asked: it needs http://127.0.0.1:3" in said, (said, wrong)


# ---- the resource policy ----

def resource_policy(tmp_path, effect, resource="execute-api:/*"):
    path = tmp_path / "resource.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": resource}]}))
    return path


def test_a_deny_of_the_resource_policy_refuses_before_the_call_and_its_allow_is_enough_after_it(door, function, tmp_path):
    f = function(policy("Allow", API + "/GET/others/*"))
    s = door(f, "payload: token")
    assert ask(s).status == 403
    config = s.config.read_text()
    for effect, status, calls in (("Deny", 403, 1), ("Allow", 200, 1)):
        path = resource_policy(tmp_path, effect)
        s.config.write_text(config.replace(f'api: "{API}"', f'api: "{API}", resource: {path}').replace("GET /open", f"GET /{effect}"))
        s.signal(signal.SIGHUP)
        wait_until(lambda want=status, at=f"/{effect}": s.ask("GET", at).status == want, "the reload")
        assert ask(s).status == status and len(f.asked) == calls


# ---- events ----

DATA = Path(os.environ.get("SIDEGATE_TEST_DATA", "/nonexistent")) / "gateway-lambda-events"


def same(ours, theirs, path, by_type, missing):
    """Every key of theirs is in ours, of the same type, and with the same value but where only AWS's account knows it."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), path
        for key, value in theirs.items():
            name = key.lower() if path == "headers" and by_type.get("small") else key
            where = f"{path}.{key}" if path else key
            if where in missing:
                continue
            assert name in ours, where
            same(ours[name], value, where, by_type, missing)
    else:
        assert type(ours) is type(theirs), (path, ours, theirs)
        assert path in by_type["paths"] or any(path.startswith(p + ".") for p in by_type["paths"]) or ours == theirs, (path, ours, theirs)


# ids, names and times that are another request's; what a 2.0 document calls its API and stage is not what its ARN says
CONTEXT = ["domainName", "domainPrefix", "extendedRequestId", "requestId", "requestTime", "requestTimeEpoch", "resourceId", "time",
           "timeEpoch", "identity.sourceIp", "identity.userAgent", "http.sourceIp", "http.userAgent"]
CONTEXT_2_0 = ["apiId", "stage", "routeKey"]


DOCUMENTS = [
    ("apigw-custom-auth-request.json", "token"), ("powertools/apiGatewayAuthorizerTokenEvent.json", "token"),
    ("apigw-custom-auth-request-type-request.json", "request"),
    ("apigw-v2-custom-authorizer-v1-request.json", "1.0"), ("powertools/apiGatewayAuthorizerRequestEvent.json", "1.0"),
    ("apigw-v2-custom-authorizer-v2-request.json", "2.0"), ("powertools/apiGatewayAuthorizerV2Event.json", "2.0")]
NAMED_BY_THE_REQUEST = ("headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables")


def keys_of(event, path=""):
    """Every key that the format has; what the request itself names is none of it."""
    for key, value in event.items():
        yield path + key
        if isinstance(value, dict) and key not in NAMED_BY_THE_REQUEST:
            yield from keys_of(value, f"{path}{key}.")


def known_keys(payload):
    """Of all documents of the format; the one of REST's leaves out what 1.0 shares with it."""
    formats = {"request": ("request", "1.0")}.get(payload, (payload,))
    return {key for file, of in DOCUMENTS if of in formats for key in keys_of(json.loads((DATA / file).read_text()))}


@pytest.mark.parametrize("file, payload", DOCUMENTS)
def test_the_request_that_a_document_of_aws_tells_of_makes_that_document(sidegate, backend, function, file, payload):
    if not DATA.is_dir():
        pytest.skip("SIDEGATE_TEST_DATA is not set")
    theirs = json.loads((DATA / file).read_text())
    f = function(policy() if payload != "2.0" else YES)
    arn = theirs.get("methodArn") or theirs["routeArn"]
    api, method = arn.split("/GET/")[0], theirs.get("httpMethod") or theirs.get("requestContext", {}).get("http", {}).get("method", "GET")
    path = theirs.get("path") or theirs.get("rawPath") or "/"
    query = theirs.get("rawQueryString") or "&".join(f"{k}={v}" for k, v in theirs.get("queryStringParameters", {}).items())
    variables = ", ".join(f"{k}: {v}" for k, v in theirs.get("stageVariables", {}).items())
    sources = "$request.header.Authorization" if payload == "token" else "$request.header.X-First, $request.header.X-Second"
    match = f"{method} {path}" if path != "/" else "GET /"
    server = backend(always_ok)
    s = sidegate(server.url, f"""
authorizers:
  custom: {{ type: lambda, function: f, url: "{f.url}", payload: "{payload}", identity: [{sources}], stage_variables: {{ {variables} }} }}
policies: {{ api: "{api}" }}
routes: [{{ match: "{match}", authorizer: custom }}]
""")
    fields = [(name, value) for name, value in theirs.get("headers", {}).items() if name.lower() != "host"]
    if payload == "token":
        fields = [("Authorization", theirs["authorizationToken"])]
    else:
        fields += [("X-First", "user1"), ("X-Second", "123"), ("x-api-key", "...")]
    if "Host" in theirs.get("headers", {}):
        fields = [("Host", theirs["headers"]["Host"])] + fields
    if "cookies" in theirs:
        fields.append(("Cookie", "; ".join(theirs["cookies"])))
    host = "" if any(name == "Host" for name, _ in fields) else "Host: api.example\r\n"
    client = s.client()
    head = f"{method} {path}{'?' + query if query else ''} HTTP/1.1\r\n{host}" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
    client.send(head.encode())
    client.answer()
    assert f.asked, s.lines()
    by_type = {"small": payload == "2.0", "paths": [f"requestContext.{name}" for name in CONTEXT]}
    # without TLS nobody shows a certificate, and the 2.0 documents have a parameter that their path has not: the unit test has both
    missing = {"requestContext.identity.clientCert", "requestContext.authentication"}
    if payload == "2.0":
        missing.add("pathParameters")
        by_type["paths"] += ["routeArn", "routeKey"] + [f"requestContext.{name}" for name in CONTEXT_2_0]
    if "powertools" in file and payload == "1.0":
        missing.add("multiValueHeaders")  # of another request than its headers
    same(f.event, theirs, "", by_type, missing)
    assert set(keys_of(f.event)) - known_keys(payload) == set()


def test_a_verified_certificate_is_in_the_event(sidegate, backend, function, tmp_path):
    authority = Authority(tmp_path)
    authority.issue("a", ["DNS:a.example"])
    authority.issue("ann", subject="/O=Shop/CN=ann", usage="clientAuth")
    f, port = function(YES), free_port()
    sidegate(backend(always_ok).url, f"""
listeners:
  - address: "127.0.0.1:{port}"
    tls: {{ certificates: [{{ cert_file: a.crt, key_file: a.key }}], client_auth: required, client_ca_file: {authority.file} }}
authorizers:
  custom: {{ type: http, url: "{f.url}", identity: [$context.identity.clientCert.subjectDN] }}
routes: [{{ match: "ANY /{{proxy+}}", authorizer: custom }}]
""", listen=f"127.0.0.1:{port}")
    context = ssl.create_default_context(cafile=str(authority.file))
    context.load_cert_chain(tmp_path / "ann.crt", tmp_path / "ann.key")
    client = Client.__new__(Client)
    Wire.__init__(client, context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="a.example"))
    assert client.ask("GET", "/x").status == 200
    told = f.event["requestContext"]["authentication"]["clientCert"]
    pem = (tmp_path / "ann.crt").read_text()
    assert told["clientCertPem"] == pem[pem.index("-----BEGIN"):]
    assert told["subjectDN"] == "CN=ann,O=Shop" and f.event["identitySource"] == ["CN=ann,O=Shop"]
    known = ssl._ssl._test_decode_cert(str(tmp_path / "ann.crt"))
    assert told["serialNumber"].replace(":", "") == known["serialNumber"].lower()
    assert told["validity"] == {"notBefore": known["notBefore"], "notAfter": known["notAfter"]}


# ---- settings ----

def test_each_wrong_setting_is_named_with_its_place(tmp_path):
    cases = {
        'type: http, identity: [$request.header.a]': "authorizers.*.url is missing: type http needs it",
        'type: lambda, url: "http://127.0.0.1:1", identity: [$request.header.a]': "function is missing",
        'type: http, url: "http://127.0.0.1:1"': "answers cannot be kept without an identity",
        'type: http, url: "http://127.0.0.1:1", identity: [$request.heder.a]': "did you mean '$request.header.NAME'",
        'type: http, url: "http://127.0.0.1:1", identity: [$context.routekey]': "did you mean '$context.routeKey'",
        'type: http, url: "http://127.0.0.1:1", identity: [$stageVariables.zon], stage_variables: { zone: eu }': "did you mean 'zone'",
        'type: http, url: "http://127.0.0.1:1", identity: [$request.header.a], ttl: 61m': "an hour at the most",
        'type: http, url: "http://127.0.0.1:1", identity: [$request.header.a], payload: tokn': "did you mean 'token'",
        'type: http, url: "http://127.0.0.1:1", identity: [$request.querystring.a], payload: token': "one field as its token",
        'type: http, url: "http://127.0.0.1:1", identity: [$request.header.a], payload: "1.0", answer: simple': "policies alone",
        'type: http, url: "http://127.0.0.1:1", identity: [$request.header.a], validation: "a("': "this is no pattern",
        'type: http, url: "http://127.0.0.1:1", identity: [$request.header.a], validation: "a)|(b"': "this is no pattern",
        'type: http, url: "http://u:p@127.0.0.1:1", identity: [$request.header.a]': "without user and password",
        'type: http, url: "http://127.0.0.1:1", identity: [$request.header.a], issuer: x': "issuer is not for type http",
        'type: htp, url: "http://127.0.0.1:1"': "did you mean 'http'",
    }
    for i, (options, wanted) in enumerate(cases.items()):
        path = tmp_path / f"{i}.yaml"
        path.write_text(f"""version: 1
listeners: [{{ address: "127.0.0.1:1" }}]
upstreams: {{ app: {{ targets: ["http://127.0.0.1:2"] }} }}
authorizers:
  custom: {{ {options} }}
""")
        done = run("check", "-c", str(path))
        code, said = done[0], done[1] + done[2]
        assert code == 3 and wanted in said and f"{i}.yaml:5" in said, (options, said)
