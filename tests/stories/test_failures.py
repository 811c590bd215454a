# SPDX-License-Identifier: Apache-2.0
"""Every failure of what a guard depends on: nobody is let in by it unless on_failure says so. The table names the test of each."""
import json
import re
import shutil
import signal

import pytest
from api_keys import GOOD, key_line, write_keys as write_api_keys
from harness import DATA, TOP, always_ok, free_port, read_request, run, wait_until
from test_jwt import token, write_keys
from test_web_acl import BLOCK, PATH, document, rule, starts

API = "arn:aws:execute-api:eu-west-1:123456789012:shop/prod"
BASE = DATA / "geo-maxmind-db" / "test-data" / "GeoLite2-Country-Test.mmdb"
GB, ABUSER, NOBODY = "2.125.160.216", "203.0.113.7", "198.51.100.1"


# ---- servers that are asked ----

def says(text, status=b"200 OK"):
    def script(wire):
        while True:
            read_request(wire)
            wire.send(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + text)
    return script


def never(wire):
    wire.until(b"an end that does not come")


def raw(text):
    def script(wire):
        read_request(wire)
        wire.send(text)
    return script


SERVERS = {
    "dead": None,
    "slow": never,
    "status": says(b'{"isAuthorized":true,"active":true}', b"500 X"),
    "garbage": says(b"<html>"),
    "empty": says(b""),
    "noise": raw(b"SSH-2.0-x\r\n\r\n"),
    "short": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"isAuthorized":true'),
    "large": says(b'{"isAuthorized":true,"active":true,"keys":"' + b" " * 3000000 + b'"}'),
}
CALLED = {"dead": "not_connected", "slow": "timed_out", "status": "bad_status", "garbage": "answer_no_json", "empty": "answer_no_json",
          "noise": "broken", "short": "broken", "large": "answer_too_long"}
ASKED = {**CALLED, "garbage": "answer_malformed", "empty": "answer_malformed", "large": "too_large"}
ISSUED = dict.fromkeys(SERVERS, "keys_missing")
REMOTE = {
    # type: its settings, the reasons, the error of an answer that makes no sense
    "http": ("type: http, url: \"URL/\", identity: [$request.header.authorization]", CALLED),
    "lambda": ("type: lambda, function: f, payload: token, url: \"URL\"", CALLED),
    "introspection": ("type: introspection, url: \"URL/\", bearer_token_file: SECRET", ASKED),
    "jwt": ("type: jwt, issuer: \"https://id.example/\", audience: [orders], algorithms: [EdDSA], jwks_url: \"URL/keys\"", ISSUED),
    "cognito": ("type: cognito, user_pool: eu-west-1_AbC123, audience: [orders], jwks_url: \"URL/keys\"", ISSUED),
}


def address_of(backend, failure):
    return backend(SERVERS[failure]).url if SERVERS[failure] else f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize("failure", SERVERS)
@pytest.mark.parametrize("kind", REMOTE)
def test_who_cannot_be_asked_lets_in_only_where_on_failure_says_so(sidegate, backend, tmp_path, kind, failure):
    settings, reasons = REMOTE[kind]
    secret = tmp_path / "secret"
    secret.write_text("x\n")
    secret.chmod(0o600)
    settings = settings.replace("URL", address_of(backend, failure)).replace("SECRET", str(secret)) + ", timeout: 300ms"
    upstream = backend(always_ok)
    s = sidegate(upstream.url, f"""
authorizers:
  deny: {{ {settings} }}
  detect: {{ {settings}, mode: detection_only }}
  allow: {{ {settings}, on_failure: allow }}
routes:
  - {{ match: GET /deny, authorizer: deny }}
  - {{ match: GET /detect, authorizer: detect }}
  - {{ match: GET /allow, authorizer: allow }}
""")
    def ask(how):
        return s.ask("GET", f"/{how}", fields=[("Authorization", f"Bearer {token()}")]).status

    assert ask("deny") == 500 and not upstream.heard
    assert ask("detect") == 200 and ask("allow") == 200
    lines = s.lines(3)
    assert [line["decisions"] for line in lines] == [
        [{"control": "authorizer", "name": how, "decision": word, "reason": reasons[failure]}]
        for how, word in [("deny", "block"), ("detect", "would_block"), ("allow", "count")]]
    malformed = reasons[failure].startswith("answer_") and kind in ("http", "lambda")
    assert [line["error"] for line in lines] == ["authorizer_malformed" if malformed else "authorizer_failed", None, None]
    for how, word in [("deny", "block"), ("detect", "would_block"), ("allow", "count")]:
        assert s.metric("sidegate_decisions_total", control=how, decision=word) == 1
    assert s.ask("GET", "/allow").status == 401  # nothing has failed: nobody is there


@pytest.mark.parametrize("failure", SERVERS)
def test_a_list_that_never_came_blocks_unless_on_failure_says_so(sidegate, backend, failure):
    url = address_of(backend, failure)
    upstream = backend(always_ok)
    s = sidegate(upstream.url, f"""
ip_sets:
  deny: {{ url: "{url}/list", refresh: 1h, timeout: 300ms }}
  allow: {{ url: "{url}/list", refresh: 1h, timeout: 300ms, on_failure: allow }}
access:
  - {{ name: d, match: {{ path: /deny, ip_set: deny }}, action: block }}
  - {{ name: a, match: {{ path: /allow, ip_set: allow }}, action: block }}
  - {{ name: x, match: {{ path: /detect, ip_set: deny }}, action: block, mode: detection_only }}
""")
    assert s.ask("GET", "/deny").status == 403 and not upstream.heard
    assert [s.ask("GET", f"/{how}").status for how in ("allow", "detect")] == [200, 200]
    found = [[(d["name"], d["decision"], "never came, on_failure" in d["reason"]) for d in line["decisions"]] for line in s.lines(3)]
    assert found == [[("d", "block", True)], [("a", "count", True)], [("x", "would_block", True)]]


# ---- files ----

HARMS = {"garbage": b"\x00{[ no such thing\n", "empty": b"", "cut": None, "missing": None}
FILES = ["abusers.txt", "country.mmdb", "acl.json", "keys.json", "aws-keys.yaml", "policy.json", "api-keys.yaml"]
CONFIG = """
ip_sets: { abusers: { file: abusers.txt } }
geo: { country_db: country.mmdb }
access:
  - { name: abusers, match: { ip_set: abusers }, action: block }
  - { name: abroad, match: { path: /geo, country: [GB] }, action: block }
  - { web_acl: acl.json }
aws_keys: { file: aws-keys.yaml }
policies: { resource: policy.json, api: "API" }
api_keys: { file: api-keys.yaml }
usage_plans: { basic: { keys: [k1] } }
authorizers:
  staff: { type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: keys.json }
  aws: { type: sigv4, region: eu-west-1 }
routes:
  - { match: GET /staff, authorizer: staff }
  - { match: GET /aws, authorizer: aws }
  - { match: GET /key, api_key: required }
  - { match: "ANY /{proxy+}" }
""".replace("API", API)
needs_base = pytest.mark.skipif(not BASE.is_file(), reason=f"there is no {BASE} (SIDEGATE_TEST_DATA)")


def write_files(folder):
    (folder / "abusers.txt").write_text("203.0.113.0/24\n192.0.2.0/24\n")
    shutil.copyfile(BASE, folder / "country.mmdb")
    (folder / "acl.json").write_text(document(rule(0, "acl", starts(PATH, "/acl"), BLOCK)))
    write_keys(folder / "keys.json")
    (folder / "aws-keys.yaml").write_text('keys:\n  AKIDEXAMPLE: { secret: "wJalrXUtnFEMI/K7MDENG", '
                                          'principal: "arn:aws:iam::123456789012:user/alice" }\n')
    (folder / "aws-keys.yaml").chmod(0o600)
    statements = [{"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": f"execute-api:/prod/*{path}"}
                  for effect, path in [("Allow", ""), ("Deny", "/denied")]]
    (folder / "policy.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    write_api_keys(folder / "api-keys.yaml", key_line("k1", GOOD))


def harm(path, how):
    """The file's bytes before it."""
    before, mode = path.read_bytes(), path.stat().st_mode
    path.unlink()
    if how != "missing":
        path.write_bytes(before[:len(before) * 2 // 3] if how == "cut" else HARMS[how])
        path.chmod(mode)
    return before, mode


def probe(s):
    """What each guard answers: whom it refuses, and then whom it lets in."""
    def ask(target, client=NOBODY, *fields):
        return s.ask("GET", target, fields=[("X-Forwarded-For", client), *fields]).status

    bearer = ("Authorization", f"Bearer {token()}")
    refused = [ask("/open", ABUSER), ask("/geo", GB), ask("/acl"), ask("/staff"), ask("/aws"), ask("/denied"), ask("/key")]
    return refused, [ask("/open"), ask("/geo"), ask("/staff", NOBODY, bearer), ask("/key", NOBODY, ("x-api-key", GOOD))]


WELL = [403, 403, 403, 401, 403, 403, 403], [200, 200, 200, 200]


@needs_base
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_breaks_is_refused_at_a_reload_and_each_guard_stands(sidegate, backend, tmp_path, name):
    write_files(tmp_path)
    s = sidegate(backend(always_ok).url, CONFIG, trusted="127.0.0.1")
    assert probe(s) == WELL
    for how in HARMS:
        if (name, how) == ("abusers.txt", "cut"):
            continue  # a shorter list is a list
        before, mode = harm(tmp_path / name, how)
        s.signal(signal.SIGHUP)
        wait_until(lambda: s.metric("sidegate_config_last_reload_successful") == 0, f"{how}: it is refused")
        assert probe(s) == WELL, how
        (tmp_path / name).write_bytes(before)
        (tmp_path / name).chmod(mode)
        s.signal(signal.SIGHUP)
        wait_until(lambda: s.metric("sidegate_config_last_reload_successful") == 1, f"{how}: it is mended")
    assert probe(s) == WELL


@needs_base
@pytest.mark.parametrize("name", FILES)
def test_nothing_starts_with_a_broken_file(tmp_path, name):
    config = tmp_path / "c.yaml"
    config.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n' + CONFIG)
    write_files(tmp_path)
    assert run("check", "-c", str(config))[0] == 0
    for how in HARMS:
        if (name, how) == ("abusers.txt", "cut"):
            continue
        before, mode = harm(tmp_path / name, how)
        code, *said = run("check", "-c", str(config))
        assert code == 3 and name in "".join(said), (how, said)
        (tmp_path / name).write_bytes(before)
        (tmp_path / name).chmod(mode)
