# SPDX-License-Identifier: Apache-2.0
"""The resource policy of an API: who it allows, what the refused are told, and what the log says of it."""
import json
import signal
import subprocess

import pytest
from harness import PROGRAM, always_ok, wait_until
from test_jwt import token, write_keys

API = "arn:aws:execute-api:eu-west-1:123456789012:shop/prod"
POLICY = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Everybody", "Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke",
     "Resource": ["execute-api:/prod/GET/*", "execute-api:/prod/POST/orders"]},
    {"Sid": "OfficeAlone", "Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke",
     "Resource": "execute-api:/prod/*/admin/*", "Condition": {"NotIpAddress": {"aws:SourceIp": ["198.51.100.0/24", "2001:db8::/32"]}}},
    {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:UserAgent": "*robot*"}}},
]}


class Policed:
    def __init__(self, sidegate, backend, tmp_path, more="", policy=POLICY):
        self.file = tmp_path / "policy.json"
        self.file.write_text(json.dumps(policy))
        self.s = sidegate(backend(always_ok).url, f'policies: {{ resource: {self.file}, api: "{API}"{more} }}', trusted="127.0.0.1")

    def ask(self, method, target, client="192.0.2.1", fields=()):
        return self.s.ask(method, target, fields=[("X-Forwarded-For", client), *fields])


@pytest.fixture
def policed(sidegate, backend, tmp_path):
    return Policed(sidegate, backend, tmp_path)


@pytest.mark.parametrize("method,target,client,status", [
    ("GET", "/", "192.0.2.1", 200), ("GET", "/pets/1", "192.0.2.1", 200), ("POST", "/orders", "192.0.2.1", 200),
    ("POST", "/orders?a=/x", "192.0.2.1", 200), ("POST", "/orders/1", "192.0.2.1", 403), ("DELETE", "/pets/1", "192.0.2.1", 403),
    ("GET", "/admin/users", "192.0.2.1", 403), ("GET", "/admin/users", "198.51.100.9", 200), ("GET", "/admin/users", "2001:db8::1", 200),
    ("GET", "/%61dmin/users", "192.0.2.1", 403), ("DELETE", "/admin/users", "198.51.100.9", 403)])
def test_what_the_policy_allows_passes_and_nothing_else(policed, method, target, client, status):
    assert policed.ask(method, target, client).status == status


def test_who_is_not_allowed_is_told_in_api_gateways_words(policed):
    answer = policed.ask("DELETE", '/pets/"1"')
    assert answer.status == 403 and answer["x-amzn-ErrorType"] == "AccessDeniedException"
    assert answer["Content-Type"] == "application/json"
    assert answer.body == (b'{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: '
                           b'arn:aws:execute-api:eu-west-1:********9012:shop/prod/DELETE/pets/\\"1\\""}')
    line = policed.s.lines()[0]
    assert line["error"] == "access_denied" and line["upstream"] is None
    assert line["decisions"] == [{"control": "policy", "name": "resource", "decision": "block",
                                  "reason": "the resource policy allows nothing of it"}]
    assert policed.s.metric("sidegate_decisions_total", stage="policy", control="resource", decision="block") == 1


def test_an_explicit_deny_is_named_as_one_and_its_statement_in_the_log_alone(policed):
    answer = policed.ask("GET", "/admin/x")
    assert json.loads(answer.body)["Message"].endswith(":shop/prod/GET/admin/x with an explicit deny")
    assert b"OfficeAlone" not in answer.body
    assert policed.s.lines()[0]["decisions"][0]["reason"] == "the resource policy denies it: OfficeAlone"


def test_every_value_of_a_field_is_looked_at(policed):
    assert policed.ask("GET", "/", fields=[("User-Agent", "fine"), ("User-Agent", "a robot")]).status == 403
    assert policed.s.lines()[0]["decisions"][0]["reason"] == "the resource policy denies it: Statement[2]"


def test_a_path_that_a_backend_may_read_otherwise_has_to_pass_in_both(sidegate, backend, tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(POLICY))
    s = sidegate(backend(always_ok).url, f"policies: {{ resource: {file}, api: '{API}' }}\nlimits: {{ doubtful_paths: pass }}")
    assert s.ask("GET", "/pets/..%2fadmin").status == 200
    assert s.ask("GET", "/pets/../admin/x").status == 403
    assert s.ask("GET", "/admin/../pets").status == 403


def test_a_policy_that_only_detects_says_what_it_would_have_done(sidegate, backend, tmp_path):
    policed = Policed(sidegate, backend, tmp_path, ", mode: detection_only")
    assert policed.ask("DELETE", "/pets").status == 200
    assert policed.s.lines()[0]["decisions"][0]["decision"] == "would_block"


def test_a_reload_takes_a_new_policy_and_keeps_the_old_one_where_it_is_broken(policed):
    open_to_all = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}
    assert policed.ask("DELETE", "/pets").status == 403
    policed.file.write_text("{")
    policed.s.signal(signal.SIGHUP)
    wait_until(lambda: policed.s.metric("sidegate_config_last_reload_successful") == 0, "the refused reload")
    assert policed.ask("DELETE", "/pets").status == 403
    policed.file.write_text(json.dumps(open_to_all))
    policed.s.signal(signal.SIGHUP)
    wait_until(lambda: policed.ask("DELETE", "/pets").status == 200, "the new policy")


@pytest.fixture
def with_tokens(sidegate, backend, tmp_path):
    """GET allowed, a token asked for everywhere but below /open."""
    write_keys(tmp_path / "keys.json")
    (tmp_path / "policy.json").write_text(json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "execute-api:/prod/GET/*"},
        {"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "execute-api:/prod/GET/closed"}]}))

    def start(mode="on", policy_mode="on"):
        return sidegate(backend(always_ok).url, f"""
policies: {{ resource: {tmp_path}/policy.json, api: "{API}", mode: {policy_mode} }}
authorizers:
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: {tmp_path}/keys.json, mode: {mode} }}
routes:
  - {{ match: "ANY /open/{{proxy+}}" }}
  - {{ match: GET /scoped, authorizer: staff, scopes: [admin] }}
  - {{ match: "ANY /{{proxy+}}", authorizer: staff }}
""")
    return start


def bearer(**claims):
    return [("Authorization", f"Bearer {token(**claims)}")]


def test_the_policy_is_asked_behind_a_token_and_before_where_there_is_none(with_tokens):
    s = with_tokens()
    assert s.ask("GET", "/orders", fields=bearer()).status == 200
    assert s.ask("GET", "/closed").status == 401  # who has no token is not told what the policy says
    assert s.ask("DELETE", "/orders", fields=[("Authorization", "Bearer x.y.z")]).status == 401
    answer = s.ask("GET", "/closed", fields=bearer())
    assert answer.status == 403 and json.loads(answer.body)["Message"].endswith("/GET/closed with an explicit deny")
    assert s.ask("DELETE", "/orders", fields=bearer()).status == 403
    assert s.ask("GET", "/scoped", fields=bearer()).body == b'{"message":"Forbidden"}'
    assert s.ask("GET", "/open/1").status == 200
    assert s.ask("POST", "/open/1").status == 403
    lines = s.lines(8)
    assert lines[1]["decisions"] == [{"control": "authorizer", "name": "staff", "decision": "block", "reason": "token_missing"}]
    assert lines[3]["decisions"] == [{"control": "policy", "name": "resource", "decision": "block",
                                      "reason": "the resource policy denies it: Closed"}]
    assert lines[3]["authorizer"]["decision"] == "allow"
    assert s.metric("sidegate_decisions_total", stage="authorize", control="resource", decision="block") == 2
    assert s.metric("sidegate_decisions_total", stage="policy", control="resource", decision="block") == 1


def test_an_authorizer_that_only_detects_leaves_the_policy_its_say(with_tokens):
    s = with_tokens(mode="detection_only")
    assert s.ask("GET", "/orders").status == 200
    assert s.ask("GET", "/closed").status == 403
    decisions = [(d["control"], d["decision"]) for d in s.lines(2)[1]["decisions"]]
    assert decisions == [("authorizer", "would_block"), ("policy", "block")]


def test_a_policy_that_only_detects_leaves_the_authorizer_its_say(with_tokens):
    s = with_tokens(policy_mode="detection_only")
    assert s.ask("GET", "/closed").status == 401
    assert s.ask("GET", "/closed", fields=bearer()).status == 200
    assert [(d["control"], d["decision"]) for d in s.lines(2)[1]["decisions"]] == [("policy", "would_block")]


def test_explain_says_what_the_policy_comes_to(tmp_path):
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    (tmp_path / "request.http").write_bytes(b"GET /admin/x HTTP/1.1\r\nHost: a.example\r\n\r\n")
    (tmp_path / "c.yaml").write_text("version: 1\nlisteners: [{ address: 127.0.0.1:0 }]\n"
                                     f"policies: {{ resource: policy.json, api: '{API}' }}\n"
                                     'upstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n')
    done = subprocess.run([PROGRAM, "explain", "-c", tmp_path / "c.yaml", tmp_path / "request.http"], capture_output=True, text=True,
                          check=False)
    assert "blocked with 403 by policy resource" in done.stdout
    assert "the resource policy denies it: OfficeAlone" in done.stdout


@pytest.mark.parametrize("policy,api,fault", [
    ('{"Statement": [{"Effect": "Allow", "Principal": "*", "Acton": "*", "Resource": "*"}]}', API,
     "policy.json: Statement[0]: unknown member 'Acton' (did you mean 'Action'?)"),
    ('{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"IpAdress": {"aws:SourceIp": "1"}}}]}',
     API, "Statement[0].Condition.IpAdress: unknown condition operator 'IpAdress' (did you mean 'IpAddress'?)"),
    ("{\n  1", API, "policy.json:2:"),
    (None, API, "c.yaml:3:23: policies.resource: '"),
    ('{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}', "arn:aws:s3:::bucket",
     "policies.api: this is no stage of an API (arn:aws:execute-api:REGION:ACCOUNT:API/STAGE)")])
def test_what_is_wrong_with_a_policy_is_said_by_check(tmp_path, policy, api, fault):
    if policy is not None:
        (tmp_path / "policy.json").write_text(policy)
    (tmp_path / "c.yaml").write_text("version: 1\nlisteners: [{ address: 127.0.0.1:0 }]\n"
                                     f"policies: {{ resource: policy.json, api: '{api}' }}\n"
                                     'upstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n')
    done = subprocess.run([PROGRAM, "check", "-c", tmp_path / "c.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 3 and fault in done.stderr + done.stdout
