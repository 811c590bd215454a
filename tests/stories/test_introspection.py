# SPDX-License-Identifier: Apache-2.0
"""Opaque tokens: their issuer is asked about them (RFC 7662), and the answer is kept for a while."""
import base64
import json
import threading
import time
import urllib.parse

import pytest

from harness import always_ok, run, wait_until
from issuer import Issuer

CONFIG = """
authorizers:
  opaque: { type: introspection, url: "URL/introspect", client_id: "side gate", client_secret_file: SECRET, MORE }
routes:
  - { match: GET /me, authorizer: opaque }
  - { match: GET /orders, authorizer: opaque, scopes: [orders.read] }
"""
TOKEN = "opaque+token/of=alice"
ONE = "process: { threads: 1 }\n"  # a worker shares its calls with nobody


@pytest.fixture
def server(tmp_path):
    """Knows tokens by what it answers about them."""
    one = Issuer(tmp_path, [])
    one.known = {}

    def introspect(body):
        token = urllib.parse.parse_qs(body.decode())["token"][0]
        return json.dumps(one.known.get(token, {"active": False}))

    one.pages["/introspect"] = introspect
    yield one
    one.gate.set()
    one.stop()


def started(sidegate, backend, server, tmp_path, more="skew: 0", rest=""):
    secret = tmp_path / "secret"
    secret.write_text("a:secret&more\n")
    secret.chmod(0o600)
    b = backend(always_ok)
    return sidegate(b.url, CONFIG.replace("URL", server.url).replace("SECRET", str(secret)).replace("MORE", more) + rest), b


def ask(s, token=TOKEN, target="/me"):
    return s.ask("GET", target, fields=[("Authorization", f"Bearer {token}")])


def test_a_token_that_is_active_passes_with_its_claims(sidegate, backend, server, tmp_path):
    s, b = started(sidegate, backend, server, tmp_path, "headers: { X-User: sub, X-Tenant: tenant }")
    server.known[TOKEN] = {"active": True, "sub": "alice", "tenant": 7, "exp": time.time() + 60}
    assert ask(s).status == 200
    fields, body = server.fields[0]
    assert body == b"token_type_hint=access_token&token=opaque%2Btoken%2Fof%3Dalice"
    assert base64.b64decode(fields["Authorization"].removeprefix("Basic ")) == b"side%20gate:a%3Asecret%26more"
    assert fields["Content-Type"] == "application/x-www-form-urlencoded"
    assert b"X-User: alice\r\nX-Tenant: 7\r\n" in b.heard
    assert s.lines()[0]["authorizer"]["principal"] == "alice" and s.lines()[0]["authorizer"]["cache"] == "miss"
    assert s.lines()[0]["authorizer"]["call"]["address"] == server.url.removeprefix("http://")
    assert s.lines()[0]["authorizer"]["call"]["status"] == 200
    assert ask(s).status == 200 and s.lines(2)[1]["authorizer"]["cache"] == "hit"
    text = s.log.read_text() + s.errors() + run("config", "print", "-c", str(s.config))[1]
    assert TOKEN not in text and "secret&more" not in text


def test_who_is_not_active_is_unauthorized(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path, "issuer: me, audience: [orders], skew: 0")
    good = {"active": True, "iss": "me", "aud": ["x", "orders"]}
    server.known = {"ok": good, "old": {**good, "exp": time.time() - 1}, "soon": {**good, "nbf": time.time() + 60},
                    "other": {**good, "iss": "you"}, "else": {**good, "aud": "x"}, "off": {**good, "active": False}}
    reasons = {"old": "expired", "soon": "not_yet_valid", "other": "issuer_wrong", "else": "audience_wrong",
               "off": "token_inactive", "unheard-of": "token_inactive"}
    for token in reasons:
        answer = ask(s, token)
        assert (answer.status, answer.body) == (401, b'{"message":"Unauthorized"}'), token
    assert [line["decisions"][0]["reason"] for line in s.lines(len(reasons))] == list(reasons.values())
    assert ask(s, "ok").status == 200
    assert s.ask("GET", "/me").status == 401 and len(server.asked) == len(reasons) + 1


def test_scopes_are_those_of_the_answer(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path)
    server.known = {"r": {"active": True, "scope": "a orders.read"}, "w": {"active": True, "scope": "orders.write"}}
    assert [ask(s, "r", "/orders").status, ask(s, "w", "/orders").status] == [200, 403]


def test_an_answer_is_kept_but_not_beyond_the_tokens_end(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path, "ttl: 1h, skew: 0")
    end = int(time.time()) + 3
    server.known = {"long": {"active": True}, "short": {"active": True, "exp": end}}
    assert [ask(s, t).status for t in ("long", "short") for _ in range(3)] == [200] * 6
    assert len(server.asked) == 2
    wait_until(lambda: time.time() >= end, "the token's end")
    assert ask(s, "short").status == 401 and ask(s, "long").status == 200
    assert len(server.asked) == 3


def test_an_answer_is_kept_for_its_time_to_live(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path, "ttl: 2s")
    server.known = {TOKEN: {"active": True}}
    assert ask(s).status == 200
    server.known = {}
    wait_until(lambda: ask(s).status == 401, "the revoked token is refused")
    s, _ = started(sidegate, backend, server, tmp_path, "ttl: 0")
    server.known = {TOKEN: {"active": True}}
    before = len(server.asked)
    assert [ask(s).status for _ in range(3)] == [200] * 3 and len(server.asked) == before + 3


@pytest.mark.parametrize("what, reason", [("dead", "not_connected"), ("slow", "timed_out"), ("status", "bad_status"),
                                          ("garbage", "answer_malformed"), ("no", "answer_malformed"), ("large", "too_large")])
def test_a_server_that_cannot_say_is_a_failure(sidegate, backend, server, tmp_path, what, reason):
    s, _ = started(sidegate, backend, server, tmp_path, "timeout: 400ms")
    pages = {"garbage": "<html>", "no": '{"active": "true"}', "large": '{"active": true, "x": "' + "x" * 70000 + '"}'}
    server.known = {TOKEN: {"active": True}}
    if what == "dead":
        server.stop()
    elif what == "slow":
        server.gate.clear()
    elif what == "status":
        server.status = 401
    else:
        server.pages["/introspect"] = pages[what]
    answer = ask(s)
    assert (answer.status, answer.body) == (500, b'{"message":null}')
    line = s.lines()[0]
    assert line["error"] == "authorizer_failed" and line["decisions"][0]["reason"] == reason


def test_on_failure_allow_lets_pass_whom_nobody_vouches_for(sidegate, backend, server, tmp_path):
    s, b = started(sidegate, backend, server, tmp_path, "on_failure: allow, headers: { X-User: sub }")
    assert ask(s).status == 401  # that is an answer, and no failure
    server.stop()
    assert s.ask("GET", "/me", fields=[("Authorization", TOKEN), ("X-User", "root")]).status == 200
    assert b"x-user" not in b.heard.lower()
    assert s.lines(2)[1]["decisions"][0]["decision"] == "count"


def test_a_token_that_nobody_could_be_asked_about_is_refused_whatever_on_failure_says(sidegate, backend, server, tmp_path):
    s, b = started(sidegate, backend, server, tmp_path, "on_failure: allow")
    answer = ask(s, "/" * 30000)  # three times as long once it is encoded
    assert (answer.status, answer.body) == (401, b'{"message":"Unauthorized"}')
    assert s.lines()[0]["decisions"][0]["reason"] == "token_too_long"
    assert not server.asked and not b.heard


def test_what_can_be_no_token_is_refused_without_asking(sidegate, backend, server, tmp_path):
    """A server that stumbles over it would be a failure, and on_failure lets pass."""
    s, b = started(sidegate, backend, server, tmp_path, "on_failure: allow")
    server.status = 400
    for token in ("\xff\xfe", "two words", "a\tb"):
        assert ask(s, token).status == 401, token
    assert {line["decisions"][0]["reason"] for line in s.lines(3)} == {"token_malformed"}
    assert not server.asked and not b.heard


def test_a_token_that_the_server_stumbles_over_lets_nobody_in(sidegate, backend, server, tmp_path):
    s, b = started(sidegate, backend, server, tmp_path, "on_failure: allow")
    for status in (400, 413, 431, 500):
        server.status = status
        assert ask(s, f"odd.{status}").status == 500, status
    assert {line["decisions"][0]["decision"] for line in s.lines(4)} == {"block"} and not b.heard
    for status in (401, 404, 503):  # that is about us, or it is away
        server.status = status
        assert ask(s, f"odd.{status}").status == 200, status


@pytest.mark.parametrize("page, reason", [("<html>", "answer_malformed"), ('{"active": "true"}', "answer_malformed"),
                                          ('{"x": "' + "x" * 70000 + '"}', "too_large"), (None, "timed_out")])
def test_a_token_over_which_the_server_makes_no_sense_lets_nobody_in_while_it_answers_others(sidegate, backend, server, tmp_path, page, reason):
    s, b = started(sidegate, backend, server, tmp_path, "on_failure: allow, timeout: 1s")
    plain = server.pages["/introspect"]

    def odd_or_not(body):
        if b"token=odd" not in body:
            return plain(body)
        if page is None:
            server.over.wait(30)
        return page or ""

    server.over = threading.Event()
    server.pages["/introspect"] = odd_or_not
    server.known = {TOKEN: {"active": True}}
    assert ask(s).status == 200
    assert ask(s, "odd").status == 500
    assert s.lines(2)[1]["decisions"][0]["decision"] == "block" and s.lines(2)[1]["decisions"][0]["reason"] == reason
    wait_until(lambda: ask(s, "odd").status == 200, "nobody has been answered for a while: it is away", 20)
    server.over.set()


@pytest.mark.parametrize("status", [502, 504])
def test_a_token_that_breaks_the_server_behind_a_proxy_lets_nobody_in_while_it_answers_others(sidegate, backend, server, tmp_path, status):
    s, b = started(sidegate, backend, server, tmp_path, "on_failure: allow, timeout: 1s")
    server.known = {TOKEN: {"active": True}}
    assert ask(s).status == 200
    server.status = status
    assert ask(s, "odd").status == 500
    assert s.lines(2)[1]["decisions"][0]["decision"] == "block" and s.lines(2)[1]["decisions"][0]["reason"] == "bad_status"
    wait_until(lambda: ask(s, "odd").status == 200, "nobody has been answered for a while: it is away", 20)


def test_a_server_that_says_503_of_itself_has_failed_whoever_else_it_answers(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path, "on_failure: allow, timeout: 10s")
    server.known = {TOKEN: {"active": True}}
    assert ask(s).status == 200
    server.status = 503
    assert ask(s, "one.too.many").status == 200
    assert s.lines(2)[1]["decisions"][0]["decision"] == "count"


def answered_at_once(s, server, tokens):
    """The statuses of requests with these tokens, all of which had come before the server answered any."""
    clients = [s.client() for _ in tokens]
    server.gate.clear()
    for client, token in zip(clients, tokens):
        client.send(f"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n")
    wait_until(lambda: s.metric("http_server_active_requests") == len(tokens), "all of them wait")
    server.gate.set()
    return [client.answer().status for client in clients]


def test_requests_with_one_token_at_one_time_share_a_call(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path, "timeout: 20s", ONE)
    server.known = {TOKEN: {"active": True, "sub": "alice"}}
    assert answered_at_once(s, server, [TOKEN] * 5 + ["bad"] * 3) == [200] * 5 + [401] * 3
    assert len(server.asked) == 2
    lines = s.lines(8)
    assert sorted(line["authorizer"]["cache"] for line in lines) == ["miss"] * 2 + ["shared"] * 6
    assert {line["authorizer"]["principal"] for line in lines if line["status"] == 200} == {"alice"}
    assert len([line for line in lines if line["authorizer"].get("call")]) == 2
    assert s.metric("sidegate_authorizer_cache_total", authorizer="opaque", result="shared") == 6


def test_nobody_shares_a_call_whose_answer_is_not_to_be_kept(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path, "timeout: 20s, ttl: 0", ONE)
    server.known = {TOKEN: {"active": True}}
    assert answered_at_once(s, server, [TOKEN] * 4) == [200] * 4
    assert len(server.asked) == 4


def test_who_asked_may_go_and_those_who_wait_get_the_answer(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path, "timeout: 20s", ONE)
    server.known = {TOKEN: {"active": True}}
    server.gate.clear()
    first, second = s.client(), s.client()
    for client in (first, second):
        client.send(f"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n\r\n")
        wait_until(lambda: server.asked, "the first one has asked")
    wait_until(lambda: s.metric("http_server_active_requests") == 2, "both wait")
    first.reset()
    wait_until(lambda: s.metric("http_server_active_requests") == 1, "the first one has gone")
    server.gate.set()
    assert second.answer().status == 200 and len(server.asked) == 1


def test_a_call_that_fails_fails_for_all_who_share_it(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path, "timeout: 400ms", ONE)
    server.status = 503
    assert answered_at_once(s, server, [TOKEN] * 3) == [500] * 3
    assert len(server.asked) == 1 and {line["decisions"][0]["reason"] for line in s.lines(3)} == {"bad_status"}


def test_who_gives_up_takes_nothing_with_it(sidegate, backend, server, tmp_path):
    s, _ = started(sidegate, backend, server, tmp_path, "timeout: 20s")
    server.known = {TOKEN: {"active": True}}
    server.gate.clear()
    for _ in range(5):
        client = s.client()
        client.send(f"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n\r\n")
        wait_until(lambda: (s.metric("http_server_active_requests") or 0) >= 1, "it waits")
        client.reset()
        wait_until(lambda: s.metric("http_server_active_requests") == 0, "it has gone")
    server.gate.set()
    assert ask(s).status == 200


def test_what_is_wrong_is_said_at_its_place(tmp_path):
    config, secret = tmp_path / "sidegate.yaml", tmp_path / "secret"
    secret.write_text("x\n")
    secret.chmod(0o600)
    base = ('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n'
            "authorizers: { o: { type: introspection, REST } }\nroutes: [{ match: GET /, authorizer: o }]\n")

    def check(rest, *options):
        config.write_text(base.replace("REST", rest))
        code, *said = run("check", "-c", str(config), *options)
        return code, "".join(said)

    assert check('url: "https://id.example/i", bearer_token_file: secret', "--strict")[0] == 0
    for rest, fault in [("bearer_token_file: secret", "authorizers.*.url is missing"),
                        ('url: "https://id.example/i"', "needs client_id with client_secret_file"),
                        ('url: "https://id.example/i", client_id: a', "needs client_id with client_secret_file"),
                        ('url: "https://id.example/i", client_id: a, client_secret_file: secret, bearer_token_file: secret', "alone"),
                        ('url: "https://a:b@id.example/i", bearer_token_file: secret', "expected http://host/path"),
                        ('url: "https://id.example/i", bearer_token_file: none', "none"),
                        ('url: "https://id.example/i", bearer_token_file: secret, jwks_url: "https://x/"', "is not for type introspection")]:
        code, said = check(rest)
        assert code == 3 and fault in said and "sidegate.yaml:4:" in said, said
    secret.chmod(0o644)
    for rest in ("bearer_token_file: secret", "client_id: a, client_secret_file: secret"):
        code, said = check(f'url: "https://id.example/i", {rest}')
        assert code == 3 and "everybody may read it" in said and "sidegate.yaml:4:" in said, said
    secret.chmod(0o600)
    code, said = check('url: "http://id.example/i", bearer_token_file: secret', "--strict")
    assert code == 3 and "without TLS" in said
