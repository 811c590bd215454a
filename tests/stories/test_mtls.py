# SPDX-License-Identifier: Apache-2.0
"""Routes for whom a certificate is enough, and for nobody without one: authorizers of type mtls."""
import ssl

import pytest
from certificates import Authority
from harness import OK, TlsClient, field, free_port, read_request, run

CONFIG = """
listeners: [{ name: door, address: "127.0.0.1:PORT", tls: { certificates: [{ cert_file: a.crt, key_file: a.key }],
              client_auth: optional, client_ca_file: ca.crt } }]
authorizers:
  anybody: { type: mtls }
  tills: { type: mtls, certificate: { san: "URI:spiffe://shop.example/till/*", issuer: "CN=ca" }, headers: { X-Till: san, X-Subject: subject } }
  watched: { type: mtls, certificate: { subject: "CN=nobody" }, mode: detection_only }
routes:
  - { match: GET /open }
  - { match: GET /staff, authorizer: anybody }
  - { match: GET /tills, authorizer: tills }
  - { match: GET /watched, authorizer: watched }
"""
TILL = "URI:spiffe://shop.example/till/7"


class Doors:
    def __init__(self, start, url, authority):
        self.authority, self.port = authority, free_port()
        self.s = start(url, CONFIG.replace("PORT", str(self.port)))

    def ask(self, target, certificate=None, fields=()):
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if certificate:
            context.load_cert_chain(*map(str, certificate))
        client = TlsClient(self.port, context)
        try:
            return client.ask("GET", target, fields=fields)
        finally:
            client.close()


@pytest.fixture
def authority(tmp_path):
    made = Authority(tmp_path)
    made.issue("a", ["DNS:a.example"])
    return made


@pytest.fixture
def heard():
    return []


@pytest.fixture
def doors(sidegate, backend, authority, heard):
    def script(wire):
        while True:
            heard.append(read_request(wire)[1])
            wire.send(OK)

    return Doors(sidegate, backend(script).url, authority)


def test_a_verified_certificate_lets_in_and_none_does_not(doors, authority):
    bob = authority.issue("bob", usage="clientAuth")
    assert [doors.ask("/open").status, doors.ask("/staff", bob).status] == [200, 200]
    refused = doors.ask("/staff")
    assert (refused.status, refused.body) == (403, b'{"message":"Forbidden"}')
    assert refused["x-amzn-ErrorType"] == "ForbiddenException"
    lines = doors.s.lines(3)
    assert lines[1]["authorizer"] == {"name": "anybody", "type": "mtls", "principal": "CN=bob", "decision": "allow"}
    assert lines[2]["decisions"] == [{"control": "authorizer", "name": "anybody", "decision": "block", "reason": "certificate_missing"}]


def test_a_certificate_of_many_long_names_costs_what_they_are_long(doors, authority):
    """Joined one by one, each copy of what came before: they would not have fitted into a request's memory."""
    many = authority.issue("many", [f"URI:spiffe://shop.example/{i}/{'x' * 900}" for i in range(64)], usage="clientAuth")
    assert doors.ask("/staff", many).status == 200


def test_whose_certificate_it_has_to_be_is_said_by_its_names(doors, authority):
    till = authority.issue("till", [TILL], usage="clientAuth")
    other = authority.issue("other", ["URI:spiffe://shop.example/office/1"], usage="clientAuth")
    assert [doors.ask("/tills", who).status for who in (till, other)] == [200, 403]
    line = doors.s.lines(2)[1]
    assert line["decisions"][0]["reason"] == "certificate_of_somebody_else"
    assert doors.s.metric("sidegate_authorizer_requests_total", authorizer="tills", decision="block") == 1


def test_the_backend_is_told_who_it_is_and_no_client_can(doors, authority, heard):
    till = authority.issue("till", [TILL], usage="clientAuth")
    forged = [("X-Till", "URI:spiffe://shop.example/till/1"), ("X_Subject", "CN=root")]
    assert doors.ask("/tills", till, forged).status == 200
    assert (field(heard[0], "x-till"), field(heard[0], "x-subject")) == (TILL, "CN=till")
    assert not [value for name, value in heard[0] if "root" in value]
    assert doors.ask("/open", till, forged).status == 200
    assert field(heard[1], "x-till") is None


def test_in_detection_only_it_is_said_and_nobody_is_refused(doors, authority):
    bob = authority.issue("bob", usage="clientAuth")
    assert doors.ask("/watched", bob).status == 200
    assert doors.s.lines()[0]["decisions"] == [{"control": "authorizer", "name": "watched", "decision": "would_block",
                                                "reason": "certificate_of_somebody_else"}]


@pytest.mark.parametrize("authorizer,said", [
    ("{ type: mtls }", "no listener asks clients for one"),
    ("{ type: mtls, certificate: { sna: x } }", "did you mean 'san'?"),
    ("{ type: mtls, certificate: CN=a }", "found 'CN=a'"),
    ("{ type: mtls, issuer: x }", "authorizers.*.issuer is not for type mtls"),
])
def test_what_could_let_nobody_in_is_a_fault_with_its_place(tmp_path, authorizer, said):
    config = tmp_path / "own.yaml"
    config.write_text("version: 1\nlisteners: [{ address: 127.0.0.1:1 }]\nupstreams: { app: { targets: [\"http://127.0.0.1:3000\"] } }\n"
                      f"authorizers: {{ a: {authorizer} }}\nroutes: [{{ match: GET /, authorizer: a }}]\n")
    code, _, errors = run("check", "-c", str(config))
    assert code == 3 and "own.yaml:4:" in errors and said in errors
