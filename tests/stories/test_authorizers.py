# SPDX-License-Identifier: Apache-2.0
"""Lambda-style authorizers: what their answers come to, how long they hold, and what others get to know."""
import json
import signal
import ssl

import pytest
from api_keys import GOOD, write_keys
from certificates import Authority
from functions import API, DENIED, DENIED_EXPLICITLY, FORBIDDEN, NO, NULL, SERVER_ERROR, UNAUTHORIZED, YES, Function, ask, line_of, policy
from harness import Backend, always_ok, field, read_request, run, wait_until
from otlp import Collector


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
