# SPDX-License-Identifier: Apache-2.0
"""Live requests signed by what people sign with: botocore and awscrt. Each one passes, and each one with one thing changed is refused."""
import datetime
import io

import pytest
from signers import HOST, KEY_ID, REGION, SECRET, SERVICE, chunked, now, others
from test_signatures import Gate

PATH, QUERY, BODY = "/orders/a%20b%2Bc/x~y", "q=1&empty=&q=0&name=J%C3%B6rg%2F%20%2B", b'{"order": "' + b"\x00\xff\r\n" * 700 + b'"}'
EXTRA = [("X-Note", "one  two"), ("Content-Type", "application/octet-stream")]


class Made:
    """A request as a signer left it."""

    def __init__(self, method, target, fields, body=BODY):
        self.method, self.target, self.fields, self.body = method, target, fields, body

    def send(self, s):
        return s.ask(self.method, self.target, fields=self.fields, body=self.body or None)

    def each(self, change):
        """The same with every text put through `change`."""
        return Made(self.method, change(self.target), [(n, change(v)) for n, v in self.fields], self.body)


# --- signers ----------------------------------------------------------------------------------------------------------------------


def botocore_signs(how, elliptic=False):
    def make(libraries, token, region=REGION, when=None):
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        credentials = Credentials(KEY_ID, SECRET, token)
        if elliptic:
            from botocore.crt import auth
            signer = getattr(auth, "CrtSigV4AsymAuth" if how == "field" else "CrtSigV4AsymQueryAuth")(credentials, SERVICE, region)
        else:
            from botocore import auth
            signer = getattr(auth, "SigV4Auth" if how == "field" else "SigV4QueryAuth")(credentials, SERVICE, region)
        body = BODY if how == "field" else b""  # it moves a body into the query, which is for services of forms
        request = AWSRequest("PUT", f"http://{HOST}{PATH}?{QUERY}", data=body, headers=dict(EXTRA))
        signer.add_auth(request)
        target = request.prepare().url.split(HOST, 1)[1]
        fields = [(n, v if isinstance(v, str) else v.decode()) for n, v in request.headers.items() if n.lower() != "host"]
        return Made("PUT", target, [("Host", HOST), *fields], body)
    return make


def awscrt_signs(how, elliptic=False, said=False):
    def make(libraries, token, region=REGION, when=None):
        from awscrt import auth, http
        when = when or now()
        is_chunked = how == "chunked"
        body = {"chunked": auth.AwsSignedBodyValue.STREAMING_AWS4_HMAC_SHA256_PAYLOAD,
                "unsigned": auth.AwsSignedBodyValue.UNSIGNED_PAYLOAD}.get(how)
        config = auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4_ASYMMETRIC if elliptic else auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS if how == "query" else auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=auth.AwsCredentialsProvider.new_static(KEY_ID, SECRET, token), region=region, service=SERVICE, date=when,
            use_double_uri_encode=True, should_normalize_uri_path=True, signed_body_value=body,
            signed_body_header_type=auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256 if said or body else auth.AwsSignedBodyHeaderType.NONE,
            expiration_in_seconds=60 if how == "query" else None)
        extra = [*EXTRA, ("X-Amz-Decoded-Content-Length", str(len(BODY))), ("Content-Encoding", "aws-chunked")] if is_chunked else EXTRA
        request = http.HttpRequest("PUT", f"{PATH}?{QUERY}", http.HttpHeaders([("Host", HOST), *extra]), io.BytesIO(BODY))
        signed = auth.aws_sign_request(request, config).result(20)
        made = Made("PUT", signed.path, list(signed.headers))
        if is_chunked:  # awscrt signs the head; the chunks' signatures follow from its own
            seed = dict(made.fields)["Authorization"].rsplit("Signature=", 1)[1]
            made.body = chunked(seed, when, [BODY[:1000], BODY[1000:]], region=region)
        return made
    return make


SIGNERS = {
    "botocore, field": botocore_signs("field"), "botocore, query": botocore_signs("query"),
    "botocore, field, 4a": botocore_signs("field", True), "botocore, query, 4a": botocore_signs("query", True),
    "awscrt, field": awscrt_signs("field"), "awscrt, field and hash": awscrt_signs("field", said=True),
    "awscrt, query": awscrt_signs("query"), "awscrt, chunked": awscrt_signs("chunked"), "awscrt, unsigned": awscrt_signs("unsigned"),
    "awscrt, field, 4a": awscrt_signs("field", True), "awscrt, field and hash, 4a": awscrt_signs("field", True, said=True),
    "awscrt, query, 4a": awscrt_signs("query", True),
}


def another_second(text):
    """The date of signing one second later."""
    for offset in range(-3, 4):
        when = now() + datetime.timedelta(seconds=offset)
        old = when.strftime("%Y%m%dT%H%M%SZ")
        if old in text:
            return text.replace(old, (when + datetime.timedelta(seconds=1)).strftime("%Y%m%dT%H%M%SZ"))
    return text


def changed_body(made):
    if not made.body:
        return b"some"
    at = made.body.index(b"order") if b"order" in made.body else 200
    return made.body[:at] + bytes([made.body[at] ^ 1]) + made.body[at + 1:]


CHANGES = {
    "method": lambda m: Made("POST", m.target, m.fields, m.body),
    "path": lambda m: Made(m.method, m.target.replace("/orders", "/order"), m.fields, m.body),
    "query": lambda m: Made(m.method, m.target.replace("q=1", "q=2"), m.fields, m.body),
    "one more in the query": lambda m: Made(m.method, m.target + "&more=1", m.fields, m.body),
    "header": lambda m: Made(m.method, m.target, [(n, "one three" if n.lower() == "x-note" else v) for n, v in m.fields], m.body),
    "host": lambda m: Made(m.method, m.target, [(n, "other.example" if n.lower() == "host" else v) for n, v in m.fields], m.body),
    "a header less": lambda m: Made(m.method, m.target, [(n, v) for n, v in m.fields if n.lower() != "x-note"], m.body),
    "body": lambda m: Made(m.method, m.target, m.fields, changed_body(m)),
    "body cut": lambda m: Made(m.method, m.target, m.fields, m.body[:-1]),
    "date": lambda m: m.each(another_second),
    "region": lambda m: m.each(lambda text: text.replace(REGION, "us-east-1")),
    "service": lambda m: m.each(lambda text: text.replace(SERVICE, "execute-apj")),
    "key id": lambda m: m.each(lambda text: text.replace(KEY_ID, "AKIDOTHER")),
}


@pytest.fixture(scope="module")
def libraries():
    found = others()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture
def gate(sidegate, backend, tmp_path):
    keys = {KEY_ID: {"policies": "[all.json]"}, "AKIDOTHER": {"policies": "[all.json]", "secret": "another"}}
    return lambda token=None: Gate(sidegate, backend, tmp_path, authorizer=", v4a: on, unsigned_payload: on", keys={
        **keys, KEY_ID: {**keys[KEY_ID], **({"session_token": f'"{token}"'} if token else {})}})


@pytest.mark.parametrize("name", SIGNERS)
@pytest.mark.parametrize("token", [None, "a+session/token=="])
def test_what_people_sign_with_passes_and_each_change_of_it_is_refused(libraries, gate, name, token):
    g = gate(token)
    make = SIGNERS[name]
    made = make(libraries, token)
    answer = made.send(g.s)
    assert answer.status == 200, (answer.body, made.target, made.fields)
    assert g.bodies == [made.body]
    left_out = {"body", "body cut"} if name == "awscrt, unsigned" else set() if made.body else {"body cut"}
    changes = {what: change for what, change in CHANGES.items() if what not in left_out}
    for what, change in changes.items():
        fresh = make(libraries, token)
        spoiled = change(fresh)
        assert (spoiled.method, spoiled.target, spoiled.fields, spoiled.body) != (fresh.method, fresh.target, fresh.fields, fresh.body), what
        answer = spoiled.send(g.s)
        assert answer.status == 403 and answer["x-amzn-ErrorType"], (what, answer.status, answer.body)
    assert len(g.bodies) == 1
    g.s.lines(1 + len(changes))
    assert g.s.metric("sidegate_authorizer_requests_total", authorizer="aws", decision="block") == len(changes)
    assert SECRET not in g.s.log.read_text() + g.s.errors()


@pytest.mark.parametrize("region,status", [("eu-west-1,us-east-1", 200), ("eu-*", 200), ("*", 200), ("us-*", 403), ("us-east-1,us-west-2", 403)])
def test_version_4a_is_for_a_set_of_regions(libraries, gate, region, status):
    g = gate()
    for how in ("field", "query"):
        assert awscrt_signs(how, True)(libraries, None, region=region).send(g.s).status == status


def test_version_4a_is_refused_where_it_is_not_allowed(libraries, sidegate, backend, tmp_path):
    g = Gate(sidegate, backend, tmp_path)
    assert awscrt_signs("field", True)(libraries, None).send(g.s)["x-amzn-ErrorType"] == "IncompleteSignatureException"
    assert awscrt_signs("field")(libraries, None).send(g.s).status == 200


def test_a_presigned_request_expires_and_a_signed_one_grows_old(libraries, gate):
    g = gate()
    old = now() - datetime.timedelta(minutes=10)
    answer = awscrt_signs("query")(libraries, None, when=old).send(g.s)
    assert answer.status == 403 and b"Signature expired" in answer.body
    assert awscrt_signs("field")(libraries, None, when=old).send(g.s).status == 403
