# SPDX-License-Identifier: Apache-2.0
"""Who brings a JSON Web Token: what passes, what API Gateway's words for the rest are, and what the log says of it."""
import base64
import hashlib
import hmac
import json
import signal
import time

from harness import always_ok, run, wait_until

SECRET = b"a secret that only the issuer has"
CONFIG = """
authorizers:
  staff: { type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: KEYS, skew: 0 }
routes:
  - { match: GET /open }
  - { match: GET /orders, authorizer: staff }
  - { match: POST /orders, authorizer: staff, scopes: [orders.write, admin] }
"""
UNAUTHORIZED = b'{"message":"Unauthorized"}'


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(secret=SECRET, header=None, **claims):
    body = {"iss": "https://id.example/", "aud": "orders", "exp": time.time() + 60, "sub": "alice", **claims}
    text = ".".join(b64(json.dumps(part).encode()) for part in (header or {"alg": "HS256", "kid": "k1"}, body))
    return text + "." + b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())


def write_keys(path, secret=SECRET, key_id="k1"):
    path.write_text(json.dumps({"keys": [{"kty": "oct", "kid": key_id, "k": b64(secret)}]}))
    path.chmod(0o600)


def started(sidegate, backend, tmp_path, config=CONFIG):
    write_keys(tmp_path / "keys.json")
    server = backend(always_ok)
    return sidegate(server.url, config.replace("KEYS", str(tmp_path / "keys.json"))), server


def ask(s, text, method="GET", target="/orders"):
    return s.ask(method, target, fields=[("Authorization", text)])


def test_a_good_token_passes_behind_bearer_or_alone(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path)
    good = token()
    assert ask(s, f"Bearer {good}").status == 200
    assert ask(s, good).status == 200
    assert s.ask("GET", "/open").status == 200
    line = s.lines(3)[0]
    assert line["authorizer"] == {"name": "staff", "type": "jwt", "principal": "alice", "decision": "allow"}
    assert s.lines(3)[2]["authorizer"] is None
    assert good not in s.log.read_text() and good not in s.errors()
    assert s.metric("sidegate_authorizer_requests_total", authorizer="staff", decision="allow") == 2


def test_who_brings_nothing_is_unauthorized(sidegate, backend, tmp_path):
    s, server = started(sidegate, backend, tmp_path)
    answer = s.ask("GET", "/orders")
    assert (answer.status, answer.body) == (401, UNAUTHORIZED)
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["x-amzn-ErrorType"] == "UnauthorizedException"
    assert answer["Content-Type"] == "application/json"
    line = s.lines()[0]
    assert line["error"] == "unauthorized" and line["upstream"] is None
    assert line["decisions"] == [{"control": "authorizer", "name": "staff", "decision": "block", "reason": "token_missing"}]
    assert line["authorizer"]["decision"] == "block"
    assert s.metric("sidegate_authorizer_requests_total", authorizer="staff", decision="block") == 1
    assert s.metric("sidegate_decisions_total", stage="authenticate", control="staff", decision="block") == 1


def test_each_refusal_says_why_in_its_challenge(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path)
    now = time.time()
    cases = {
        "the token does not have a valid audience": token(aud="invoices"),
        "the token does not have a valid issuer": token(iss="https://evil.example/"),
        "the token has expired": token(exp=now - 1),
        "the token is not valid yet": token(nbf=now + 60),
        "the token was issued in the future": token(iat=now + 60),
        "the signature of the token is wrong": token(secret=b"another secret that is as long....."),
        "signing method none is invalid": token(header={"alg": "none"}),
        "the key of the token is not known": token(header={"alg": "HS256", "kid": "../../dev/null"}),
        "the signing method of the token is not allowed": token(header={"alg": "RS256", "kid": "k1"}),
        "the token names a key set of its own": token(header={"alg": "HS256", "jku": "http://127.0.0.1:9/"}),
        "the token is not in three parts": "Basic YTpi",
    }
    for why, text in cases.items():
        answer = ask(s, f"Bearer {text}" if text.count(".") == 2 else text)
        assert (answer.status, answer.body) == (401, UNAUTHORIZED), why
        assert answer["WWW-Authenticate"] == f'Bearer error="invalid_token" error_description="{why}"'
    reasons = [line["decisions"][0]["reason"] for line in s.lines(len(cases))]
    assert reasons[0] == "audience_wrong" and len(set(reasons)) == len(cases)
    assert all(line["authorizer"]["principal"] in ("", None) for line in s.lines())


def test_two_authorization_fields_are_refused(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path)
    answer = s.ask("GET", "/orders", fields=[("Authorization", token()), ("Authorization", token())])
    assert answer.status == 401
    assert s.lines()[0]["decisions"][0]["reason"] == "token_twice"


def test_one_of_the_routes_scopes_is_enough(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path)
    assert ask(s, token(scope="openid orders.write"), "POST").status == 200
    assert ask(s, token(scp=["admin"]), "POST").status == 200
    answer = ask(s, token(scope="orders.read"), "POST")
    assert (answer.status, answer.body) == (403, b'{"message":"Forbidden"}')
    assert answer["WWW-Authenticate"] == ('Bearer scope="orders.write admin" error="insufficient_scope" '
                                          'error_description="the token does not have a required scope"')
    line = s.lines(3)[2]
    assert line["authorizer"] == {"name": "staff", "type": "jwt", "principal": "alice", "decision": "block"}
    assert line["decisions"][0]["reason"] == "scope_missing" and line["error"] == "forbidden"


def test_detection_only_says_who_would_have_been_refused(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, CONFIG.replace("skew: 0", "skew: 0, mode: detection_only"))
    assert s.ask("POST", "/orders").status == 200
    assert ask(s, token(), "POST").status == 200
    assert [line["authorizer"]["decision"] for line in s.lines(2)] == ["would_block", "would_block"]
    assert [line["decisions"][0]["reason"] for line in s.lines(2)] == ["token_missing", "scope_missing"]


def test_the_rules_see_a_request_before_its_token_is_asked_for(sidegate, backend, tmp_path):
    rules = tmp_path / "rules.conf"
    rules.write_text('SecRuleEngine On\nSecRule ARGS:q "@streq evil" "id:1,phase:1,deny,status:406"\n')
    s, _ = started(sidegate, backend, tmp_path, CONFIG + f"rules: {{ files: [{rules}] }}\n")
    assert s.ask("GET", "/orders?q=evil").status == 406
    assert s.ask("GET", "/orders?q=good").status == 401
    assert s.ask("GET", "/nowhere").status == 404


def test_a_reload_takes_the_keys_of_today(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path)
    other = b"the secret of the day after that one"
    old, new = token(), token(secret=other, header={"alg": "HS256", "kid": "k2"})
    assert [ask(s, old).status, ask(s, new).status] == [200, 401]
    write_keys(tmp_path / "keys.json", other, "k2")
    before = s.errors().count("is in force")
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.errors().count("is in force") > before, "the reload")
    assert [ask(s, old).status, ask(s, new).status] == [401, 200]


def test_a_token_that_was_found_good_is_refused_once_it_has_expired(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path)
    until = int(time.time()) + 3
    short = token(exp=until, scope="orders.write")
    assert [ask(s, short, "POST").status for _ in range(3)] == [200, 200, 200]
    assert [line["authorizer"]["principal"] for line in s.lines(3)] == ["alice"] * 3
    assert ask(s, short[:-1] + ("A" if short[-1] != "A" else "B"), "POST").status == 401
    wait_until(lambda: time.time() >= until, "the token to expire")
    answer = ask(s, short, "POST")
    assert answer.status == 401 and "the token has expired" in answer["WWW-Authenticate"]


def test_the_backend_is_told_of_claims_and_no_client_can_say_so_itself(sidegate, backend, tmp_path):
    s, server = started(sidegate, backend, tmp_path, CONFIG.replace("skew: 0", "headers: { X-User: sub, X-Groups: groups, X-Odd: odd }"))
    forged = [("X-User", "root"), ("x-groups", "admin"), ("X-Odd", "1")]
    for _ in range(2):  # checked, and known from before
        text = token(groups=["a", "b"], odd="a\r\nX-Admin: 1")
        assert s.ask("GET", "/orders", fields=[("Authorization", text), *forged]).status == 200
        assert s.ask("GET", "/orders", fields=[("Authorization", text), *forged]).status == 200
    assert s.ask("GET", "/open", fields=forged).status == 200
    heard = server.heard.lower()
    assert heard.count(b"x-user: alice\r\n") == 4 and heard.count(b"x-user:") == 4
    assert heard.count(b'x-groups: ["a","b"]\r\n') == 4 and heard.count(b"x-groups:") == 4
    assert b"x-odd" not in heard and b"x-admin" not in heard


def test_a_reload_of_other_settings_asks_a_token_anew(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path)
    good = token()
    assert ask(s, good).status == 200
    s.write(CONFIG.replace("KEYS", str(tmp_path / "keys.json")).replace("[orders]", "[invoices]"))
    before = s.errors().count("is in force")
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.errors().count("is in force") > before, "the reload")
    assert ask(s, good).status == 401


def test_what_is_wrong_with_keys_and_settings_is_said_at_its_place(tmp_path):
    keys, config = tmp_path / "keys.json", tmp_path / "sidegate.yaml"
    base = 'version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n'

    def check(text=CONFIG):
        config.write_text(base + text.replace("KEYS", "keys.json"))
        code, *said = run("check", "-c", str(config))
        return code, "".join(said)

    write_keys(keys)
    assert check()[0] == 0
    for change, fault in [(("[HS256]", "[HS265]"), "there is no algorithm 'HS265'"),
                          (("authorizer: staff }", "authorizer: stuff }"), "there is no authorizer 'stuff'"),
                          (("GET /open }", "GET /open, scopes: [a] }"), "without an authorizer"),
                          (("[orders.write, admin]", "['a b']"), "expected a scope"),
                          (('issuer: "https://id.example/", ', ""), "authorizers.*.issuer is missing: type jwt needs it"),
                          (("jwks_file: KEYS, ", ""), "algorithms: a secret"),
                          (("skew: 0", "scew: 0"), "did you mean 'skew'?"),
                          (("skew: 0", "headers: { Host: sub }"), "this is no field that could hold a claim")]:
        code, said = check(CONFIG.replace(*change, 1))
        assert code == 3 and fault in said and "sidegate.yaml:" in said, said
    config.write_text(base + CONFIG.replace("KEYS", "keys.json").replace("skew: 0", 'skew: 0, headers: { X-User: sub, "X-G": "a b" }'))
    code, printed, _ = run("config", "print", "-c", str(config))
    assert code == 0 and 'headers: {X-User: sub, X-G: "a b"}' in printed and "authorizer: staff" in printed, printed
    config.write_text(printed)
    assert run("config", "print", "-c", str(config))[1] == printed
    write_keys(keys)
    keys.chmod(0o644)
    code, said = check()
    assert code == 3 and "there is a secret in it and everybody may read it" in said, said
    write_keys(keys, b"too short")
    assert "a secret of fewer than 32 bytes is too weak" in check()[1]
    keys.write_text('{"keys": [\n{]}')
    assert "keys.json:2:" in check()[1]
    keys.unlink()
    code, said = check()
    assert code == 3 and "sidegate.yaml:6:" in said and "jwks_file" in said, said
