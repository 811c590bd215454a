# SPDX-License-Identifier: Apache-2.0
"""Who signs requests with an AWS Signature: what passes, what AWS's words for the rest are, and what a key's policies let it do."""
import datetime
import json
import signal

import pytest
from harness import Client, OK, read_request, run, wait_until
from otlp import Collector
from signers import KEY_ID, REGION, SECRET, Signed, chunked, now, stamp
from test_jwt import token, write_keys

API = "arn:aws:execute-api:eu-west-1:123456789012:shop/prod"
ALICE = "arn:aws:iam::123456789012:user/staff/alice"
MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing "
            "method. Consult the service documentation for details.")
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


def statement(effect="Allow", resource="*", principal=None, **more):
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource, **({"Principal": principal} if principal else {}), **more}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Gate:
    """The program with keys, in a folder of its own; the backend keeps the bodies that reach it."""

    def __init__(self, sidegate, backend, folder, keys=None, authorizer="", resource=None, more="", limits="[]"):
        self.folder, self.bodies, self.heads = folder, [], []
        (folder / "all.json").write_text(document(statement()))
        self.write_keys(keys or {KEY_ID: {"policies": "[all.json]"}})
        policies = f'policies: {{ api: "{API}"'
        if resource is not None:
            (folder / "resource.json").write_text(resource)
            policies += f", resource: {folder}/resource.json"

        def keep(wire):
            while True:
                _, fields, body = read_request(wire)
                self.heads.append(fields)
                self.bodies.append(body)
                wire.send(OK)

        self.s = sidegate(backend(keep).url, f"""
aws_keys: {{ file: {folder}/aws-keys.yaml }}
{policies} }}
authorizers:
  aws: {{ type: sigv4, region: {REGION}{authorizer} }}
routes:
  - {{ match: "ANY /open/{{proxy+}}" }}
  - {{ match: "ANY /{{proxy+}}", authorizer: aws, rate_limits: {limits} }}
{more}""")

    def write_keys(self, keys):
        lines = ["keys:"]
        for key_id, members in keys.items():
            members = {"secret": json.dumps(SECRET), "principal": f'"{ALICE}"', **members}
            lines += [f"  {key_id}:", *[f"    {name}: {value}" for name, value in members.items()]]
        file = self.folder / "aws-keys.yaml"
        file.write_text("\n".join(lines) + "\n")
        file.chmod(0o600)

    def line(self, count=1):
        return self.s.lines(count)[count - 1]


@pytest.fixture
def gate(sidegate, backend, tmp_path):
    return lambda **how: Gate(sidegate, backend, tmp_path, **how)


def refused(answer, message, error_type):
    assert answer.status == 403 and json.loads(answer.body) == {"message": message}
    assert answer["x-amzn-ErrorType"] == error_type and answer["Content-Type"] == "application/json"
    assert answer.body.startswith(b'{"message":"')


# --- v4 ---------------------------------------------------------------------------------------------------------------------------


def test_a_signed_request_passes_and_the_log_says_whose_it_is(gate):
    g = gate(authorizer=", headers: { X-Caller: userArn, X-Account: accountId }")
    signed = Signed(path="/orders/a b".replace(" ", "%20"), query=[("b", "2"), ("a", "x y/z"), ("a", "")], fields=[("X-Note", "two  blanks")])
    assert signed.send(g.s).status == 200
    assert g.line()["authorizer"] == {"name": "aws", "type": "sigv4", "principal": ALICE, "decision": "allow"}
    assert ("X-Caller", ALICE) in g.heads[0] and ("X-Account", "123456789012") in g.heads[0]
    assert signed.signature not in g.s.log.read_text() and SECRET not in g.s.log.read_text() + g.s.errors()
    assert g.s.metric("sidegate_authorizer_requests_total", authorizer="aws", decision="allow") == 1
    assert g.s.ask("GET", "/open/x").status == 200


def test_a_date_in_https_spelling_passes(gate):
    g = gate()
    assert Signed(http_date=True).send(g.s).status == 200
    another = (now() - datetime.timedelta(seconds=9)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert Signed(http_date=True).replace("Date", another).send(g.s).status == 403


@pytest.mark.parametrize("spoil,message,error_type,reason", [
    (lambda r: r.replace("Authorization", ""), "Missing Authentication Token", "MissingAuthenticationTokenException", "no signature"),
    (lambda r: r.replace("Authorization", 'Bearer "a'), "'\"a' not a valid key=value pair (missing equal-sign) in Authorization header: "
     "'Bearer \"a'.", "IncompleteSignatureException", "incomplete signature"),
    (lambda r: Signed(key_id="AKIDOTHER"), "The security token included in the request is invalid.", "UnrecognizedClientException",
     "unknown access key"),
    (lambda r: Signed(token="of nobody"), "The security token included in the request is invalid.", "UnrecognizedClientException",
     "unknown access key"),
    (lambda r: Signed(secret="another"), MISMATCH, "InvalidSignatureException", "signature does not match"),
    (lambda r: Signed(region="us-east-1"), "Credential should be scoped to a valid region, not 'us-east-1'.", "InvalidSignatureException",
     "signature of another scope"),
    (lambda r: Signed(service="s3"), "Credential should be scoped to correct service: 'execute-api'.", "InvalidSignatureException",
     "signature of another scope"),
])
def test_who_is_refused_is_told_why_in_awss_words(gate, spoil, message, error_type, reason):
    g = gate()
    refused(spoil(Signed()).send(g.s), message, error_type)
    assert g.line()["decisions"] == [{"control": "authorizer", "name": "aws", "decision": "block", "reason": reason}]
    assert g.line()["upstream"] is None and not g.bodies
    assert g.s.metric("sidegate_decisions_total", stage="authenticate", control="aws", decision="block") == 1


def test_clocks_may_be_five_minutes_apart_and_no_more(gate):
    g = gate()
    assert Signed(when=now() - datetime.timedelta(minutes=4)).send(g.s).status == 200
    assert Signed(when=now() + datetime.timedelta(minutes=4)).send(g.s).status == 200
    old = now() - datetime.timedelta(minutes=6)
    answer = Signed(when=old).send(g.s)
    message = json.loads(answer.body)["message"]
    assert answer.status == 403 and answer["x-amzn-ErrorType"] == "InvalidSignatureException"
    assert message.startswith(f"Signature expired: {stamp(old)} is now earlier than ") and message.endswith(" - 5 min.)")
    assert json.loads(Signed(when=now() + datetime.timedelta(minutes=6)).send(g.s).body)["message"].startswith("Signature not yet current: ")
    assert g.line(3)["decisions"][0]["reason"] == "stale signature"


def test_a_session_brings_its_token(gate):
    g = gate(keys={KEY_ID: {"session_token": "of-the-session", "policies": "[all.json]"}})
    assert Signed(token="of-the-session").send(g.s).status == 200
    assert Signed(token="of-the-session", by_query=True).send(g.s).status == 200
    assert Signed().send(g.s)["x-amzn-ErrorType"] == "UnrecognizedClientException"


def test_a_presigned_request_passes_until_it_expires(gate):
    g = gate()
    assert Signed(by_query=True, query=[("q", "a+b c")]).send(g.s).status == 200
    assert Signed(by_query=True, when=now() - datetime.timedelta(minutes=30), expires=3600).send(g.s).status == 200
    expired = Signed(by_query=True, when=now() - datetime.timedelta(minutes=30), expires=60).send(g.s)
    assert expired.status == 403 and json.loads(expired.body)["message"].startswith("Signature expired: ")
    changed = Signed(by_query=True, query=[("q", "1")])
    changed.query[0] = ("q", "2")
    refused(changed.send(g.s), MISMATCH, "InvalidSignatureException")


# --- bodies -----------------------------------------------------------------------------------------------------------------------

BODY = b'{"order": 1}' * 5000


@pytest.mark.parametrize("said", [True, False])
def test_a_body_that_was_signed_passes_and_a_changed_one_never_leaves(gate, said):
    g = gate()
    assert Signed("POST", body=BODY, say_payload=said).send(g.s).status == 200
    assert g.bodies == [BODY]
    for at in (0, 30000, len(BODY) - 1):
        changed = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1:]
        refused(Signed("POST", body=BODY, say_payload=said).send(g.s, changed), MISMATCH, "InvalidSignatureException")
    refused(Signed("POST", body=BODY, say_payload=said).send(g.s, BODY[:-1]), MISMATCH, "InvalidSignatureException")
    assert g.bodies == [BODY]
    stage, reason = ("gather_rest", "the body is not the one that was signed") if said else ("authenticate", "signature does not match")
    assert g.line(2)["decisions"] == [{"control": "authorizer", "name": "aws", "decision": "block", "reason": reason}]
    assert g.line(2)["upstream"] is None
    assert g.s.metric("sidegate_decisions_total", stage=stage, control="aws", decision="block") == 4


@pytest.mark.parametrize("said", [True, False])
def test_a_client_that_waits_to_be_told_sends_its_body_only_where_head_and_key_are_good(gate, said):
    g = gate()
    client = Client(g.s.port)
    signed = Signed("POST", body=BODY, say_payload=said)
    head = "\r\n".join([f"POST {signed.target} HTTP/1.1", *[f"{n}: {v}" for n, v in signed.fields], f"Content-Length: {len(BODY)}",
                        "Expect: 100-continue", "", ""])
    client.send(head)
    assert client.answer().status == 100
    client.send(BODY[:100])
    client.send(BODY[100:])
    assert client.answer().status == 200 and g.bodies == [BODY]
    client.send(head.replace(KEY_ID, "AKIDOTHER"))
    assert client.answer().status == 403
    client.close()


def test_a_body_of_unknown_length_is_held_until_it_is_proven(gate):
    g = gate()
    signed = Signed("PUT", body=BODY, say_payload=True)
    for body, status in ((BODY, 200), (BODY + b"!", 403)):
        answer = g.s.ask("PUT", signed.target, fields=[*signed.fields, ("Transfer-Encoding", "chunked")],
                         body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        assert answer.status == status
    assert g.bodies == [BODY]


@pytest.mark.parametrize("said", [True, False])
def test_a_body_too_long_to_be_held_is_refused_in_api_gateways_words(gate, said):
    g = gate(authorizer=", body: 16KiB")
    answer = Signed("POST", body=BODY, say_payload=said).send(g.s)
    assert answer.status == 413 and answer.body == b'{"message":"HTTP content length exceeded 16384 bytes"}'
    assert answer["x-amzn-ErrorType"] == "RequestTooLargeException"
    assert Signed("POST", body=BODY[:16384], say_payload=said).send(g.s).status == 200


@pytest.mark.parametrize("said", [True, False])
def test_a_body_that_stops_coming_is_not_waited_for(gate, said):
    g = gate(more="timeouts: { body_idle: 200ms, drain_delay: 0 }\n")
    client = Client(g.s.port)
    signed = Signed("POST", body=BODY, say_payload=said)
    head = "\r\n".join([f"POST {signed.target} HTTP/1.1", *[f"{n}: {v}" for n, v in signed.fields], f"Content-Length: {len(BODY)}", "", ""])
    client.send(head.encode() + BODY[:1000])
    assert client.answer().status == 408
    client.close()
    assert g.line()["error"] == "request_body_timeout" and not g.bodies
    assert g.line()["authorizer"]["decision"] == ("allow" if said else "block")
    gone = Client(g.s.port)
    gone.send(head.encode() + BODY[:1000])
    gone.reset()
    assert g.line(2)["error"] == "client_gone" and g.line(2)["upstream"] is None


def test_rules_have_looked_at_the_body_before_the_signature_is_proven(gate, tmp_path):
    (tmp_path / "rules.conf").write_text('SecRequestBodyAccess On\nSecRule REQUEST_BODY "@contains attack" "id:1,phase:2,deny,status:403"\n')
    g = gate(more=f"rules: {{ files: [{tmp_path}/rules.conf], request_body: {{ inspect: 1KiB, over_limit: prefix }} }}\n")
    kind, body = [("Content-Type", "application/x-www-form-urlencoded")], b"a" * 40000
    assert Signed("POST", body=body, say_payload=True, fields=kind).send(g.s).status == 200
    assert Signed("POST", body=body, fields=kind).send(g.s).status == 200
    assert g.bodies == [body, body]
    answer = Signed("POST", body=b"attack" + body, say_payload=True, fields=kind).send(g.s)
    assert answer.status == 403 and [line["error"] for line in g.s.lines(3) if line["status"] == 403] == ["waf_blocked"]
    changed = Signed("POST", body=body, say_payload=True, fields=kind).send(g.s, body[:-1] + b"b")
    assert changed["x-amzn-ErrorType"] == "InvalidSignatureException" and len(g.bodies) == 2


def test_an_unsigned_payload_passes_where_the_authorizer_says_so(gate):
    g = gate()
    assert Signed("POST", body=BODY, payload="UNSIGNED-PAYLOAD").send(g.s).status == 403
    g = gate(authorizer=", unsigned_payload: on")
    assert Signed("POST", body=BODY, payload="UNSIGNED-PAYLOAD").send(g.s, BODY[:-1]).status == 200
    assert g.bodies == [BODY[:-1]]


@pytest.mark.parametrize("trailer", [None, ("x-amz-checksum-crc32c", "sOO8/Q==")])
def test_a_body_in_signed_chunks_is_proven_chunk_by_chunk(gate, trailer):
    g = gate()
    fields = [("Content-Encoding", "aws-chunked"), ("X-Amz-Decoded-Content-Length", "9000")] + ([("X-Amz-Trailer", trailer[0])] if trailer else [])

    def upload(change=lambda body: body):
        signed = Signed("PUT", fields=fields, payload=STREAMING + ("-TRAILER" if trailer else ""))
        body = chunked(signed.signature, signed.when, [b"a" * 8192, b"b" * 808], trailer)
        return signed.send(g.s, change(body)), body
    answer, body = upload()
    assert answer.status == 200 and g.bodies == [body]  # it goes on as it came, its framing included
    for change in (lambda b: b.replace(b"aab", b"abb").replace(b"a" * 9, b"a" * 8 + b"b", 1), lambda b: b.replace(b"bbb", b"bab", 1),
                   lambda b: b[:200] + bytes([b[200] ^ 1]) + b[201:], lambda b: b[:-4], lambda b: b + b"more", lambda b: b"",
                   lambda b: b[:8300], lambda b: b.replace(b"sOO8", b"sOO9") if trailer else b.replace(b"328;", b"329;")):
        refused(upload(change)[0], MISMATCH, "InvalidSignatureException")
    assert len(g.bodies) == 1
    assert g.line(2)["decisions"][0]["reason"] == "the body is not the one that was signed"


# --- what a key may do ------------------------------------------------------------------------------------------------------------


def denied(answer, method="GET", path="/orders", who=ALICE, explicit=False):
    return answer.status == 403 and answer["x-amzn-ErrorType"] == "AccessDeniedException" and json.loads(answer.body) == {
        "Message": f"User: {who} is not authorized to perform: execute-api:Invoke on resource: "
                   f"{API.replace('12345678', '********')}/{method}{path}" + (" with an explicit deny" if explicit else "")}


def test_an_identity_policy_says_what_a_key_may_do(gate, tmp_path):
    (tmp_path / "reader.json").write_text(document(
        statement(resource=f"{API}/GET/*"), statement("Deny", f"{API}/GET/secret"),
        statement(resource=f"{API}/PUT/home/${{aws:username}}"),
        statement(resource=f"{API}/POST/*", Condition={"StringEquals": {"aws:PrincipalTag/team": "shop", "aws:userid": "AIDAEXAMPLE"},
                                                       "Bool": {"aws:MultiFactorAuthPresent": "true"}})))
    g = gate(keys={KEY_ID: {"policies": "reader.json", "tags": "{ team: shop }", "user_id": "AIDAEXAMPLE",
                            "condition_keys": '{ "aws:MultiFactorAuthPresent": "true" }'},
                   "AKIDOTHER": {"policies": "[reader.json]"}, "AKIDNOBODY": {}})
    assert Signed().send(g.s).status == 200
    assert denied(Signed("DELETE").send(g.s), "DELETE")
    assert denied(Signed(path="/secret").send(g.s), path="/secret", explicit=True)
    assert Signed("PUT", "/home/alice").send(g.s).status == 200
    assert denied(Signed("PUT", "/home/bob").send(g.s), "PUT", "/home/bob")
    assert Signed("POST").send(g.s).status == 200
    assert denied(Signed("POST", key_id="AKIDOTHER").send(g.s), "POST")
    assert denied(Signed(key_id="AKIDNOBODY").send(g.s))
    lines = g.s.lines(8)
    assert lines[1]["decisions"] == [{"control": "policy", "name": "identity", "decision": "block",
                                      "reason": "the identity policy allows nothing of it"}]
    assert lines[2]["decisions"][0]["reason"] == "the identity policy denies it: Statement[1]"
    assert lines[1]["authorizer"]["decision"] == "allow" and lines[1]["error"] == "access_denied"
    assert g.s.metric("sidegate_decisions_total", stage="authorize", control="identity", decision="block") == 5


def test_a_boundary_and_a_session_policy_narrow_what_a_key_may_do(gate, tmp_path):
    (tmp_path / "limit.json").write_text(document(statement(resource=[f"{API}/GET/*", f"{API}/PUT/*"])))
    (tmp_path / "session.json").write_text(document(statement(resource=f"{API}/*/orders")))
    g = gate(keys={KEY_ID: {"policies": "[all.json]", "boundary": "limit.json", "session_policies": "[session.json]"}})
    assert Signed().send(g.s).status == 200
    assert denied(Signed("POST").send(g.s), "POST")
    assert denied(Signed(path="/pets").send(g.s), path="/pets")
    assert [line["decisions"][0]["reason"] for line in g.s.lines(3)[1:]] == ["the permissions boundary allows nothing of it",
                                                                            "the session policy allows nothing of it"]


OTHERS = '"arn:aws:iam::999999999999:user/eve"'


@pytest.mark.parametrize("own,resource,status", [
    # the same account: one Allow is enough, a Deny wins
    ({"policies": "[all.json]"}, [statement(principal="*", resource="execute-api:/prod/GET/elsewhere")], 200),
    ({}, [statement(principal={"AWS": ALICE})], 200), ({}, [statement(principal={"AWS": "123456789012"})], 200),
    ({}, [statement(principal={"AWS": "arn:aws:iam::123456789012:user/bob"})], 403),
    ({"policies": "[all.json]"}, [statement("Deny", principal={"AWS": ALICE})], 403),
    # another account: both have to
    ({"policies": "[all.json]", "principal": OTHERS}, [statement(principal={"AWS": "999999999999"})], 200),
    ({"policies": "[all.json]", "principal": OTHERS}, None, 403),
    ({"policies": "[all.json]", "principal": OTHERS}, [statement(principal={"AWS": "123456789012"})], 403),
    ({"principal": OTHERS}, [statement(principal={"AWS": "999999999999"})], 403),
    # a role's session
    ({"principal": '"arn:aws:sts::123456789012:assumed-role/shop/s1"'}, [statement(principal={"AWS": "arn:aws:iam::123456789012:role/shop"},
     Condition={"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/shop"}, "StringEquals": {"aws:PrincipalType": "AssumedRole",
                                                                                                      "aws:PrincipalAccount": "123456789012"}})], 200),
])
def test_the_resource_policy_and_the_keys_own_are_asked_together(gate, own, resource, status):
    g = gate(keys={KEY_ID: own}, resource=document(*resource) if resource else None)
    assert Signed().send(g.s).status == status
    assert Signed(secret="another").send(g.s)["x-amzn-ErrorType"] == "InvalidSignatureException"  # who it is comes first
    expected = 403 if resource is None or not any(s["Principal"] == "*" for s in resource) else None
    assert resource is None or expected is None or g.s.ask("GET", "/open/x").status == expected


def test_an_authorizer_that_only_detects_says_who_would_be_refused(gate):
    g = gate(authorizer=", mode: detection_only", keys={KEY_ID: {}})
    assert g.s.ask("GET", "/orders").status == 200
    assert Signed().send(g.s).status == 200
    assert Signed("POST", body=BODY, say_payload=True).send(g.s, BODY[:-1]).status == 200
    lines = g.s.lines(3)
    assert [(d["control"], d["decision"], d["reason"]) for line in lines for d in line["decisions"]] == [
        ("authorizer", "would_block", "no signature"), ("policy", "would_block", "the identity policy allows nothing of it"),
        ("policy", "would_block", "the identity policy allows nothing of it"),
        ("authorizer", "would_block", "the body is not the one that was signed")]


def test_the_span_says_why_a_signature_or_its_holder_is_refused(gate):
    there = Collector()
    try:
        g = gate(keys={KEY_ID: {}}, more=f'otlp: {{ endpoint: "{there.url}" }}\n')
        Signed(secret="another").send(g.s)
        Signed().send(g.s)
        spans = wait_until(lambda: [s for s in there.spans if s.kind == "server"][1:] and there.spans, "two spans")
        events = [e for s in spans if s.kind == "server" for e in s.events]
        assert sorted((e["sidegate.control.name"], e["sidegate.decision"], e["sidegate.reason"]) for name, e in events) == [
            ("aws", "block", "signature does not match"), ("identity", "block", "the identity policy allows nothing of it")]
    finally:
        there.close()


def test_rates_count_by_the_access_key(sidegate, backend, tmp_path):
    g = Gate(sidegate, backend, tmp_path, keys={KEY_ID: {"policies": "all.json"}, "AKIDOTHER": {"policies": "all.json"}}, limits="[by_key]",
             more="rate_limits: { by_key: { key: [jwt.accessKey], rate: 1/h, burst: 2 } }\n")
    assert [Signed().send(g.s).status for _ in range(3)] == [200, 200, 429]
    assert Signed(key_id="AKIDOTHER").send(g.s).status == 200
    assert Signed(secret="another").send(g.s).status == 403  # who is not known spends nobody's


# --- the file of keys -------------------------------------------------------------------------------------------------------------


def test_a_reload_takes_new_keys_and_keeps_the_old_ones_where_the_file_is_broken(gate):
    g = gate()
    (g.folder / "aws-keys.yaml").write_text("keys: [")
    g.s.signal(signal.SIGHUP)
    wait_until(lambda: g.s.metric("sidegate_config_last_reload_successful") == 0, "the refused reload")
    assert Signed().send(g.s).status == 200
    g.write_keys({"AKIDNEW": {"policies": "[all.json]", "secret": "another"}})
    g.s.signal(signal.SIGHUP)
    wait_until(lambda: Signed(key_id="AKIDNEW", secret="another").send(g.s).status == 200, "the new key")
    assert Signed().send(g.s)["x-amzn-ErrorType"] == "UnrecognizedClientException"


# --- explain ----------------------------------------------------------------------------------------------------------------------

CONFIG = """version: 1
listeners: [{ address: 127.0.0.1:0 }]
upstreams: { app: { targets: ["http://127.0.0.1:9"] } }
aws_keys: { file: aws-keys.yaml }
authorizers: { aws: { type: sigv4, region: eu-west-1 } }
routes: [{ match: "ANY /{proxy+}", authorizer: aws }]
"""
GOOD = f"secret: abc\n    principal: '{ALICE}'\n"


@pytest.mark.parametrize("text,fault", [
    ("keys:\n  AKID:\n    " + GOOD + "    polices: a.json\n", "aws-keys.yaml:5:5: keys.AKID: unknown key 'polices' (did you mean 'policies'?)"),
    ("keys:\n  AKID:\n    principal: '" + ALICE + "'\n", "aws-keys.yaml:3:5: keys.AKID: 'secret' is missing"),
    ("keys:\n  AKID: { secret: a, principal: alice }\n", "aws-keys.yaml:2:33: keys.AKID: principal: expected the ARN of a user"),
    ("keys:\n  AKID:\n    " + GOOD + "    policies: [nowhere.json]\n", "nowhere.json': No such file"),
    ("keys:\n  AKID:\n    " + GOOD + "    policies: [broken.json]\n", "broken.json: Statement[0]: unknown member 'Efect'"),
    ("keys:\n  AKID:\n    " + GOOD + "    boundary: [a]\n", "keys.AKID.boundary: expected one text"),
    ("keys:\n  AKID:\n    " + GOOD + "    condition_keys: { 'aws:username': bob }\n", "do not follow from the principal"),
    ("keys:\n  AKID:\n    " + GOOD + "    condition_keys: { 'AWS:sourceip': 10.0.0.1 }\n", "do not follow from the principal or the request"),
    ("keys: [a]\n", "expected 'keys', a map of access keys by their ids"),
    ("keys: { AKID: 1 }\nmore: 1\n", "aws-keys.yaml:2:1: unknown key 'more' (keys)"),
    ("keys:\n  AKID:\n    " + GOOD, "warning: keys.AKID: no policy allows it anything"),
    ("keys:\n  AKID:\n    " + GOOD + "    policies: all.json\n", "warning: keys.AKID: it is of account 123456789012, the API of 000000000000"),
])
def test_what_is_wrong_with_the_keys_is_said_by_check(tmp_path, text, fault):
    (tmp_path / "all.json").write_text(document(statement()))
    (tmp_path / "broken.json").write_text('{"Statement": [{"Efect": "Allow"}]}')
    (tmp_path / "aws-keys.yaml").write_text(text)
    (tmp_path / "aws-keys.yaml").chmod(0o600)
    (tmp_path / "c.yaml").write_text(CONFIG)
    code, out, err = run("check", "--strict", "-c", str(tmp_path / "c.yaml"))
    assert code == 3 and fault in out + err, out + err


def test_keys_that_everybody_may_read_are_refused_and_secrets_are_never_shown(tmp_path):
    (tmp_path / "c.yaml").write_text(CONFIG + f"policies: {{ api: '{API}' }}\n")
    (tmp_path / "all.json").write_text(document(statement()))
    (tmp_path / "aws-keys.yaml").write_text("keys:\n  AKID:\n    secret: do-not-show\n    session_token: nor-this\n"
                                            f"    principal: '{ALICE}'\n    policies: all.json\n")
    (tmp_path / "aws-keys.yaml").chmod(0o644)
    code, _, err = run("check", "-c", str(tmp_path / "c.yaml"))
    assert code == 3 and "aws-keys.yaml': everybody may read it" in err
    (tmp_path / "aws-keys.yaml").chmod(0o600)
    code, out, err = run("check", "--strict", "-c", str(tmp_path / "c.yaml"))
    assert code == 0, err
    code, printed, err = run("config", "print", "-c", str(tmp_path / "c.yaml"))
    assert code == 0 and "do-not-show" not in printed + err + out and "nor-this" not in printed + err + out
    (tmp_path / "again.yaml").write_text(printed)
    code, again, err = run("config", "print", "-c", str(tmp_path / "again.yaml"))
    assert code == 0 and again == printed, err


@pytest.mark.parametrize("text,fault", [
    ("authorizers: { aws: { type: sigv4, region: eu-west-1 } }\n", "type sigv4 needs access keys, and there is no aws_keys.file"),
    ("aws_keys: { file: k.yaml }\nauthorizers: { aws: { type: sigv4 } }\n", "authorizers.*.region is missing: type sigv4 needs it"),
    ("aws_keys: { file: k.yaml }\nauthorizers: { aws: { type: sigv4, region: a, issuer: b } }\n",
     "authorizers.*.issuer is not for type sigv4"),
])
def test_what_is_wrong_with_such_an_authorizer_is_said_by_check(tmp_path, text, fault):
    (tmp_path / "c.yaml").write_text("\n".join(CONFIG.splitlines()[:3]) + "\n" + text)
    code, out, err = run("check", "-c", str(tmp_path / "c.yaml"))
    assert code == 3 and fault in out + err, out + err


def explained(tmp_path, request, *options, more=""):
    """What explain says of a request (Signed, or fields) to a configuration with a key, a token's issuer and a policy."""
    (tmp_path / "all.json").write_text(document(statement(Sid="Everything"), statement("Deny", f"{API}/DELETE/*", Sid="NoDeleting")))
    (tmp_path / "aws-keys.yaml").write_text(f"keys: {{ {KEY_ID}: {{ secret: '{SECRET}', principal: '{ALICE}', policies: all.json }} }}\n")
    (tmp_path / "aws-keys.yaml").chmod(0o600)
    write_keys(tmp_path / "keys.json")
    (tmp_path / "c.yaml").write_text(CONFIG.splitlines()[0] + "\n" + "\n".join(CONFIG.splitlines()[1:4]) + f"""
policies: {{ api: "{API}"{more} }}
authorizers:
  aws: {{ type: sigv4, region: eu-west-1 }}
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: keys.json, skew: 0 }}
  elsewhere: {{ type: http, url: "http://127.0.0.1:9/authorize", identity: [$request.header.authorization] }}
routes:
  - {{ match: GET /staff, authorizer: staff }}
  - {{ match: GET /elsewhere, authorizer: elsewhere }}
  - {{ match: GET /scoped, authorizer: staff, scopes: [admin] }}
  - {{ match: "ANY /{{proxy+}}", authorizer: aws }}
""")
    head = [f"{request.method} {request.target} HTTP/1.1", *[f"{n}: {v}" for n, v in request.fields]]
    body = request.body
    (tmp_path / "r.http").write_bytes("\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body)
    code, out, err = run("explain", "-c", str(tmp_path / "c.yaml"), str(tmp_path / "r.http"), *options)
    assert SECRET not in out + err
    return code, out, err


def with_token(path, **claims):
    request = Signed(path=path)
    request.fields = [("Host", "a.example"), *([("Authorization", f"Bearer {token(**claims)}")] if claims else [])]
    return request


@pytest.mark.parametrize("said", [True, False])
def test_explain_says_who_signed_and_what_lets_them(tmp_path, said):
    _, out, err = explained(tmp_path, Signed("POST", body=BODY, say_payload=said))
    assert f"authorizer aws                  allow: {ALICE}\n" in out, out + err
    assert "policy identity             allow: the identity policy allows it: Everything\n" in out
    assert "decision: passes" in out
    changed = Signed("POST", body=BODY, say_payload=said)
    changed.body = BODY[:-1] + b"!"
    _, out, _ = explained(tmp_path, changed)
    assert "decision: blocked with 403 by authorizer aws" in out
    assert ("block: the body is not the one that was signed" if said else "block: signature does not match") in out


def test_explain_says_why_a_signature_or_its_holder_is_refused(tmp_path):
    _, out, _ = explained(tmp_path, Signed(when=now() - datetime.timedelta(hours=1)))
    assert "authorizer aws                  block: stale signature\n" in out
    _, out, _ = explained(tmp_path, Signed("DELETE"))
    assert "policy identity             block: the identity policy denies it: NoDeleting\n" in out
    assert "decision: blocked with 403 by policy identity" in out
    _, out, _ = explained(tmp_path, Signed(key_id="AKIDOTHER"), "--json")
    said = json.loads(out)
    assert said["status"] == 403 and said["decisions"] == [
        {"control": "authorizer", "name": "aws", "decision": "block", "reason": "unknown access key"}]


def test_explain_says_what_becomes_of_a_token(tmp_path):
    _, out, _ = explained(tmp_path, with_token("/staff", sub="bob"))
    assert "authorizer staff                allow: bob\n" in out and "decision: passes" in out
    _, out, _ = explained(tmp_path, with_token("/staff"))
    assert "authorizer staff                block: token_missing\n" in out and "decision: blocked with 401 by authorizer staff" in out
    _, out, _ = explained(tmp_path, with_token("/scoped", sub="bob"))
    assert "decision: blocked with 403 by authorizer staff" in out
    (tmp_path / "resource.json").write_text(document(statement("Deny", principal="*", Sid="Nobody")))
    _, out, _ = explained(tmp_path, with_token("/staff", sub="bob"), more=f", resource: {tmp_path}/resource.json")
    assert "policy resource             block: the resource policy denies it: Nobody\n" in out


def test_explain_asks_no_other_server_and_says_so(tmp_path):
    _, out, err = explained(tmp_path, with_token("/elsewhere", sub="bob"))
    assert "authorizer elsewhere            count: not asked: it needs http://127.0.0.1:9/authorize\n" in out, out + err
    assert "decision: passes if authorizer elsewhere lets it; no rule looked at it" in out
