# SPDX-License-Identifier: Apache-2.0
"""Tokens of an Amazon Cognito user pool: ID tokens, access tokens, and AWS's words for the rest."""
import time

import pytest

from harness import always_ok, run
from issuer import Issuer, Key

POOL = "eu-west-1_AbC123"
ISS = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"
CONFIG = """
authorizers:
  pool: { type: cognito, user_pool: POOL, audience: [client1], jwks_url: "URL/keys", skew: 0, timeout: 8s, headers: { X-User: sub, X-Mail: email } }
routes:
  - { match: GET /me, authorizer: pool }
  - { match: GET /orders, authorizer: pool, scopes: [orders/read, orders/write] }
"""


@pytest.fixture
def issuer(tmp_path):
    one = Issuer(tmp_path, [Key(tmp_path, "k1", "RS256")])
    yield one
    one.stop()


def started(sidegate, backend, issuer, pool=POOL):
    server = backend(always_ok)
    return sidegate(server.url, CONFIG.replace("URL", issuer.url).replace("POOL", pool)), server


def id_token(issuer, **claims):
    return issuer.token(**{"iss": ISS, "aud": "client1", "token_use": "id", "email": "a@b.example", **claims})


def access_token(issuer, scope="orders/read", **claims):
    return issuer.token(**{"iss": ISS, "aud": None, "client_id": "client1", "token_use": "access", "scope": scope, **claims})


def ask(s, target, token):
    return s.ask("GET", target, fields=[("Authorization", token)])


@pytest.mark.parametrize("pool", [POOL, f"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{POOL}"])
def test_an_id_token_passes_with_its_claims(sidegate, backend, issuer, pool):
    s, server = started(sidegate, backend, issuer, pool)
    assert ask(s, "/me", id_token(issuer)).status == 200
    assert ask(s, "/me", "Bearer " + id_token(issuer)).status == 200
    assert server.heard.count(b"X-User: alice\r\nX-Mail: a@b.example\r\n") == 2
    assert s.lines(2)[0]["authorizer"] == {"name": "pool", "type": "cognito", "principal": "alice", "decision": "allow"}


def test_a_route_with_scopes_asks_for_an_access_token_and_others_for_an_id_token(sidegate, backend, issuer):
    s, _ = started(sidegate, backend, issuer)
    access, identity = access_token(issuer), id_token(issuer, scope="orders/read")
    for _ in range(2):  # checked, and known from before
        assert [ask(s, "/orders", access).status, ask(s, "/me", identity).status] == [200, 200]
        assert [ask(s, "/orders", identity).status, ask(s, "/me", access).status] == [401, 401]
    assert {line["decisions"][0]["reason"] for line in s.lines(8) if line["status"] == 401} == {"token_use_wrong"}


def test_refusals_are_401_in_cognitos_words(sidegate, backend, issuer, tmp_path):
    s, _ = started(sidegate, backend, issuer)
    unauthorized, expired = b'{"message":"Unauthorized"}', b'{"message":"The incoming token has expired"}'
    cases = [("", "/me", unauthorized), ("x", "/me", unauthorized),
             (id_token(issuer, exp=time.time() - 5), "/me", expired),
             (id_token(issuer, aud="client2"), "/me", unauthorized),
             (id_token(issuer, iss=ISS + "x"), "/me", unauthorized),
             (issuer.token(Key(tmp_path, "k2", "RS256"), iss=ISS, aud="client1", token_use="id"), "/me", unauthorized),
             (access_token(issuer, "orders/other"), "/orders", unauthorized)]
    for token, target, body in cases:
        answer = ask(s, target, token)
        assert (answer.status, answer.body) == (401, body), token
        assert answer["x-amzn-ErrorType"] == "UnauthorizedException" and answer["WWW-Authenticate"] is None
    assert s.lines(len(cases))[-1]["decisions"][0]["reason"] == "scope_missing"


def test_keys_are_the_pools_own_where_nothing_else_is_said(tmp_path):
    config = tmp_path / "sidegate.yaml"
    base = ('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n'
            "authorizers: { pool: { type: cognito, REST } }\nroutes: [{ match: GET /, authorizer: pool }]\n")
    request = tmp_path / "get.http"
    request.write_text("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    config.write_text(base.replace("REST", f"user_pool: {POOL}"))
    code, said, _ = run("explain", "-c", str(config), str(request))
    assert f"not asked: it needs {ISS}/.well-known/jwks.json" in said, said
    code, printed, _ = run("config", "print", "-c", str(config))
    assert code == 0 and f"user_pool: {POOL}" in printed and "issuer:" not in printed and "algorithms:" not in printed
    for rest, fault in [("user_pool: evil.example", "expected a user pool"), ("audience: [a]", "user_pool is missing"),
                        (f"user_pool: {POOL}, issuer: x", "authorizers.*.issuer is not for type cognito")]:
        config.write_text(base.replace("REST", rest))
        code, _, said = run("check", "-c", str(config))
        assert code == 3 and fault in said and "sidegate.yaml:4:" in said, said
