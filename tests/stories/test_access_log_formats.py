# SPDX-License-Identifier: Apache-2.0
"""The access log in API Gateway's forms: each is read by a parser of its own, whatever bytes clients send."""
import csv
import json
import re
import signal
import xml.etree.ElementTree as xml

import pytest

from harness import always_ok, read_request, run, wait_until
from signers import KEY_ID, REGION, SECRET, Signed
from test_jwt import token, write_keys

ANY_BYTES = [bytes([b]) for b in range(256) if b not in (0x0a, 0x0d)]
UUID = r"[0-9a-f-]{36}"
FORGED = b'" 200 1 6.6.6.6 - root [now] "GET /forged HTTP/1.1" 200 5 <a>&amp;</a>,"x",\\'


def lines_of(s, count):
    wait_until(lambda: s.log.exists() and s.log.read_bytes().count(b"\n") >= count, f"{count} lines")
    text = s.log.read_bytes()
    assert text.endswith(b"\n")
    return [line.decode("ascii") for line in text[:-1].split(b"\n")]


@pytest.fixture
def logged(sidegate, backend, tmp_path):
    """logged(format, more) -> the program, whose access log has that format"""
    def make(form, more=""):
        quoted = form.replace("'", "''")
        return sidegate(backend(always_ok).url, f"access_log: {{ path: {tmp_path}/access.log, format: '{quoted}' }}\n{more}\n")

    return make


def attack(s):
    """Requests with any byte in target, method, header and name; how many lines they leave."""
    count = 0
    heads = [b"G\"E,T<x> /forged\\ HTTP/1.1\r\nHost: a\r\n\r\n"]
    for byte in ANY_BYTES:
        heads.append(b"GET /a" + byte + b"b?q=" + byte + b" HTTP/1.1\r\nHost: a.example\r\n\r\n")
        heads.append(b"GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: a" + byte + b"b\r\nX" + byte + b": " + byte + b"\r\n\r\n")
    heads.append(b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: " + FORGED + b"\r\n\r\n")
    for head in heads:
        client = s.client()
        client.send(head)
        client.finish()
        client.rest()
        client.close()
    return len(heads)


CLF = re.compile(rf'(127\.0\.0\.1) (-) (-) \[(\d\d/\w{{3}}/\d{{4}}:\d\d:\d\d:\d\d \+0000)\] "((?:[^"\\]|\\.)*)" (\d{{3}}|-) (\d+) ({UUID}) ({UUID})')


def test_clf_is_one_line_a_request_whatever_its_bytes(logged):
    s = logged("clf")
    lines = lines_of(s, attack(s))
    assert all(CLF.fullmatch(line) for line in lines), [line for line in lines if not CLF.fullmatch(line)]
    assert len(lines) == 2 * len(ANY_BYTES) + 2


def test_clf_has_the_route_or_else_the_path(logged):
    """API Gateway's presets name the resource; where no route is one, readers want what was asked for."""
    s = logged("clf")
    s.ask("GET", "/orders/7?q=1")
    assert CLF.fullmatch(lines_of(s, 1)[0])[5] == "GET /orders/7 HTTP/1.1"
    s = logged("clf", 'routes: [{ match: "GET /orders/{id}", upstream: app }]')
    s.ask("GET", "/orders/7")
    s.ask("GET", "/nowhere%20else")
    assert [CLF.fullmatch(line)[5] for line in lines_of(s, 3)[-2:]] == ["GET /orders/{id} HTTP/1.1", "GET /nowhere%20else HTTP/1.1"]


def test_csv_has_its_eleven_fields_whatever_the_bytes(logged):
    s = logged("csv", 'routes: [{ match: "ANY /a,\\"b/{x+}", upstream: app }, { match: "ANY /{proxy+}", upstream: app }]')
    count = attack(s)
    assert s.ask("GET", '/a,"b/c').status == 200
    rows = list(csv.reader(lines_of(s, count + 1), strict=True))
    assert len(rows) == count + 1 and {len(row) for row in rows} == {11}
    ip, caller, user, _, method, path, protocol, status, length, request_id, extended = rows[-1]
    assert (ip, caller, user, method, protocol) == ("127.0.0.1", "-", "-", "GET", "HTTP/1.1")
    assert request_id == extended and re.fullmatch(UUID, request_id)
    assert (status, length) == ("200", "2") and path == '/a,"b/{x+}'


def test_xml_parses_whatever_the_bytes(logged):
    s = logged("xml")
    trees = [xml.fromstring(line) for line in lines_of(s, attack(s))]
    names = ["extendedRequestId", "ip", "caller", "user", "requestTime", "httpMethod", "resourcePath", "status", "protocol", "responseLength"]
    assert all(tree.tag == "request" and [child.tag for child in tree] == names for tree in trees)
    assert all(re.fullmatch(UUID, tree.get("id")) for tree in trees)


JSON = ('{"id":"$context.requestId","ua":"$context.identity.userAgent","bare":$context.identity.userAgent,"path":"$context.path",'
        '"status":$context.status,"key":$context.identity.apiKeyId,"error":$context.error.messageString,"waf":"$context.wafResponseCode"}')


def test_a_template_that_is_json_stays_json_whatever_the_bytes(logged):
    s = logged(JSON)
    count = attack(s)
    wait_until(lambda: s.log.exists() and s.log.read_bytes().count(b"\n") >= count, f"{count} lines")
    rows = [json.loads(line) for line in s.log.read_bytes()[:-1].split(b"\n")]
    assert len(rows) == count
    assert all(list(row) == ["id", "ua", "bare", "path", "status", "key", "error", "waf"] for row in rows)
    assert all(row["bare"] == row["ua"] and row["key"] == "-" for row in rows)
    assert rows[-1]["ua"] == FORGED.decode()


def test_a_template_says_what_became_of_the_request(logged):
    s = logged('$context.requestId "$context.identity.userAgent" $context.domainName $context.path $context.resourcePath '
               '$context.integration.status $context.responseLatency $context.xrayTraceId $context.tlsVersion $context.error.message',
               'routes: [{ match: "GET /orders/{id}", upstream: app }]')
    answer = s.ask("GET", "/orders/7", fields=[("Host", "shop.example:8080"), ("User-Agent", 'a "b"')])
    assert answer.status == 200
    assert s.ask("GET", "/nowhere").status == 404
    first, second = lines_of(s, 2)
    assert re.fullmatch(UUID + r' "a \\"b\\"" shop.example /orders/7 /orders/\{id\} 200 \d+ 1-[0-9a-f]{8}-[0-9a-f]{24} - -', first)
    assert re.fullmatch(UUID + r' "-" test.example /nowhere /nowhere - \d+ \S+ - \S+', second)


CLAIMS = """
authorizers:
  staff: { type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: KEYS, skew: 0 }
routes: [{ match: "GET /open" }, { match: "ANY /orders/{id}", authorizer: staff }]
"""


def test_claims_of_a_token_and_words_of_a_refusal_stand_in_the_line(logged, tmp_path):
    write_keys(tmp_path / "keys.json")
    s = logged('{"id":"$context.requestId","who":"$context.authorizer.principalId","team":"$context.authorizer.claims.team","level":"$context.authorizer.level",'
               '"key":"$context.routeKey","status":$context.status,"authenticate":"$context.authenticate.status $context.authenticate.error",'
               '"type":"$context.error.responseType","message":$context.error.messageString}', CLAIMS.replace("KEYS", str(tmp_path / "keys.json")))
    forged = 'a","who":"root"\n{}'
    assert s.ask("GET", "/orders/7", fields=[("Authorization", token(team=forged, level=3))]).status == 200
    assert s.ask("GET", "/orders/7", fields=[("Authorization", token(exp=1))]).status == 401
    assert s.ask("GET", "/open").status == 200
    good, expired, open_to_all = s.lines(3)
    assert {**good, "id": ""} == {"id": "", "who": "alice", "team": forged, "level": "3", "key": "ANY /orders/{id}", "status": 200,
                                  "authenticate": "200 -", "type": "-", "message": "-"}
    assert expired["who"] == "-" and expired["authenticate"].startswith("401 ") and expired["authenticate"] != "401 -"
    assert (expired["type"], expired["message"]) == ("UNAUTHORIZED", "Unauthorized")
    assert (open_to_all["key"], open_to_all["authenticate"]) == ("GET /open", "- -")


def test_who_signed_stands_in_the_line(logged, tmp_path):
    principal = "arn:aws:iam::123456789012:user/staff/alice"
    file = tmp_path / "aws-keys.yaml"
    file.write_text(f'keys: {{ {KEY_ID}: {{ secret: {json.dumps(SECRET)}, principal: "{principal}", user_id: AIDAEXAMPLE, '
                    'condition_keys: { "aws:PrincipalOrgID": o-1 }, policies: all.json } }\n')
    file.chmod(0o600)
    (tmp_path / "all.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
    s = logged("$context.identity.accountId $context.identity.caller $context.identity.user $context.identity.userArn "
               "$context.identity.principalOrgId $context.authorize.status $context.extendedRequestId", f"""
aws_keys: {{ file: {file} }}
policies: {{ api: "arn:aws:execute-api:eu-west-1:123456789012:shop/prod" }}
authorizers: {{ aws: {{ type: sigv4, region: {REGION} }} }}
routes: [{{ match: "ANY /{{proxy+}}", authorizer: aws }}]""")
    assert Signed().send(s).status == 200
    assert s.ask("GET", "/orders").status == 403
    signed, unsigned = lines_of(s, 2)
    assert signed.rsplit(" ", 1)[0] == f"123456789012 AIDAEXAMPLE AIDAEXAMPLE {principal} o-1 200"
    assert unsigned.rsplit(" ", 1)[0] == "- - - - - -"


def test_what_a_backend_calls_the_request_stands_in_the_line(sidegate, backend, tmp_path):
    def answer(wire):
        while True:
            read_request(wire)
            wire.send('HTTP/1.1 200 OK\r\nx-amzn-RequestId: id 7"\r\nx-amz-id-2: more\r\nContent-Length: 0\r\n\r\n')

    s = sidegate(backend(answer).url, f"access_log: {{ path: {tmp_path}/access.log, format: '$context.requestId \"$context.integration.requestId\" "
                 "$context.awsEndpointRequestId $context.awsEndpointRequestId2 $context.integration.status' }")
    assert s.ask().status == 200
    assert lines_of(s, 1)[0][37:] == '"id 7\\"" id\\x207\\" more 200'


def test_another_form_holds_from_a_reload_on(logged):
    s = logged("clf")
    s.ask()
    lines_of(s, 1)
    s.config.write_text(s.config.read_text().replace("'clf'", "'csv'"))
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.ask() and "," in lines_of(s, 1)[-1], "a line of CSV")
    lines = lines_of(s, 1)
    assert CLF.fullmatch(lines[0]) and len(next(csv.reader(lines[-1:]))) == 11


@pytest.mark.parametrize("form, said", [
    ("clff", r"access_log.format: found 'clff', expected json, clf, csv, xml or a line with \$context variables \(did you mean 'clf'\?\)"),
    ("$context.requestId $context.statos", r"access_log.format: there is no variable \$context.statos \(did you mean '\$context.status'\?\)"),
    ("$context.requestId $context.identity.apiKey", r"access_log.format: \$context.identity.apiKey has no meaning here: a secret is not logged; .*"),
    ("$context.status", r"access_log.format: a template needs \$context.requestId or \$context.extendedRequestId"),
])
def test_a_template_that_cannot_be_is_refused_with_its_place(tmp_path, form, said):
    file = tmp_path / "s.yaml"
    file.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:2"] } }\n'
                    f"access_log: {{ format: '{form}' }}\n")
    code, out, err = run("check", "-c", str(file))
    assert code == 3 and re.search(rf"s\.yaml:4:23: {said}$", out + err, re.M), out + err
