# SPDX-License-Identifier: Apache-2.0
"""What a function or a server elsewhere is asked, held against AWS's documents; and the settings that say what."""
import json
import os
import socket
import ssl
from pathlib import Path

import pytest
from certificates import Authority
from functions import API, YES, ask, policy
from harness import Client, Wire, always_ok, field, free_port, run


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
