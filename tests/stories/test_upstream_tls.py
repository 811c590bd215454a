# SPDX-License-Identifier: Apache-2.0
"""TLS to backends: always verified, by name, against the system's authorities or those that are named."""
import os
import ssl

import pytest
from certificates import Authority
from harness import always_ok, read_request, run, wait_until


@pytest.fixture
def authority(tmp_path):
    made = Authority(tmp_path)
    made.issue("shop", ["DNS:shop.example", "IP:127.0.0.1"])
    return made


class Secure:
    """A backend that speaks TLS; what its handshakes came to is kept."""

    def __init__(self, backend, authority, name="shop", clients=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(authority.folder / f"{name}.crt", authority.folder / f"{name}.key")
        self.context.set_alpn_protocols(["http/1.1"])
        if clients:
            self.context.load_verify_locations(str(clients.file))
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.names, self.clients, self.protocols = [], [], []
        self.context.sni_callback = lambda sock, name, context: self.names.append(name)
        self.url = backend(self.script).url.replace("http://", "https://")

    def script(self, wire):
        wire.sock = self.context.wrap_socket(wire.sock, server_side=True)
        self.clients.append(wire.sock.getpeercert())
        self.protocols.append(wire.sock.selected_alpn_protocol())
        always_ok(wire)


def start(sidegate, url, tls, **more):
    return sidegate(config=f"upstreams: {{ app: {{ targets: [\"{url}\"], tls: {{ {tls} }} }} }}", **more)


def test_a_backend_is_reached_over_tls_by_the_name_that_is_asked_for(sidegate, backend, authority):
    secure = Secure(backend, authority)
    s = start(sidegate, secure.url, "server_name: shop.example, ca_file: ca.crt")
    client = s.client()
    for _ in range(3):
        assert client.ask().status == 200
    client.close()
    assert secure.names == ["shop.example"], "one connection serves all three"
    assert secure.protocols == ["http/1.1"]
    assert s.lines(3)[0]["upstream"]["error"] is None


def test_without_a_name_the_certificate_must_be_for_the_address(sidegate, backend, authority):
    secure = Secure(backend, authority)
    assert start(sidegate, secure.url, "ca_file: ca.crt").ask().status == 200
    assert secure.names == [None], "an address is no name to ask for"


@pytest.mark.parametrize("tls,sans,error", [
    ("server_name: other.example, ca_file: ca.crt", None, "upstream_tls_certificate_unverified"),
    ("ca_file: ca.crt", ["DNS:shop.example"], "upstream_tls_certificate_unverified"),
    ("server_name: shop.example, ca_file: stranger.crt", None, "upstream_tls_certificate_unverified"),
    ("server_name: shop.example", None, "upstream_tls_certificate_unverified"),
])
def test_a_backend_that_is_not_who_it_should_be_gets_no_request(sidegate, backend, authority, tls, sans, error):
    Authority(authority.folder, "stranger")
    if sans:
        authority.issue("shop", sans)
    secure = Secure(backend, authority)
    s = start(sidegate, secure.url, tls)
    assert s.ask().status == 502
    line = s.lines()[0]
    assert line["error"] == error and line["upstream"]["error"] == error
    assert secure.clients == []


def test_an_expired_certificate_is_no_certificate(sidegate, backend, authority):
    authority.issue("shop", ["DNS:shop.example"], days=-1)
    s = start(sidegate, Secure(backend, authority).url, "server_name: shop.example, ca_file: ca.crt")
    assert s.ask().status == 502
    assert s.lines()[0]["error"] == "upstream_tls_certificate_expired"


def test_a_backend_that_speaks_plainly_is_told_apart(sidegate, backend, authority):
    def plain(wire):
        wire.sock.recv(1)
        wire.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    s = start(sidegate, backend(plain).url.replace("http://", "https://"), "ca_file: ca.crt")
    assert s.ask().status == 502
    assert s.lines()[0]["error"] == "upstream_tls_no_tls"


def test_a_backend_that_never_shakes_hands_costs_the_time_for_connecting(sidegate, backend, authority):
    held = []
    url = backend(lambda wire: held.append(wire.sock.recv(1 << 16)) or wire.sock.recv(1 << 16)).url
    s = start(sidegate, url.replace("http://", "https://"), "ca_file: ca.crt")
    assert s.ask().status == 504
    assert s.lines()[0]["error"] == "connect_timeout"


def test_a_certificate_is_presented_where_the_backend_asks_for_one(sidegate, backend, authority):
    authority.issue("till", subject="/O=Shop/CN=till", usage="clientAuth")
    secure = Secure(backend, authority, clients=authority)
    tls = "server_name: shop.example, ca_file: ca.crt, cert_file: till.crt, key_file: till.key"
    assert start(sidegate, secure.url, tls).ask().status == 200
    assert dict(pair[0] for pair in secure.clients[0]["subject"])["commonName"] == "till"


def test_large_bodies_go_both_ways(sidegate, backend, authority):
    body = os.urandom(2 << 20)
    secure = Secure(backend, authority)

    def echo(wire):
        wire.sock = secure.context.wrap_socket(wire.sock, server_side=True)
        _, _, got = read_request(wire)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(got))
        wire.send(got)

    url = backend(echo).url.replace("http://", "https://")
    s = start(sidegate, url, "server_name: shop.example, ca_file: ca.crt")
    assert s.ask("POST", body=body).body == body


def test_the_next_backend_is_tried_where_the_first_is_not_who_it_should_be(sidegate, backend, authority):
    authority.issue("other", ["DNS:other.example"])
    wrong, right = Secure(backend, authority, "other"), Secure(backend, authority)
    s = start(sidegate, f'{wrong.url}", "{right.url}', "server_name: shop.example, ca_file: ca.crt")
    assert [s.ask().status for _ in range(4)] == [200] * 4
    wait_until(lambda: s.metric("sidegate_upstream_connect_failures_total") >= 1, "the count")


def test_what_makes_no_sense_is_said(authority):
    own = authority.folder / "own.yaml"
    for upstream, want in [
            ('targets: ["http://127.0.0.1:1"], tls: { server_name: a }', "the targets are not https://"),
            ('targets: ["http://127.0.0.1:1", "https://127.0.0.1:2"]', "some targets are https:// and some are not"),
            ('targets: ["https://127.0.0.1:1"], tls: { cert_file: shop.crt }', "a certificate and its key go together"),
            ('targets: ["https://127.0.0.1:1"], tls: { ca_file: none.crt }', "No such file"),
            ('targets: ["https://127.0.0.1:1"], tls: { insecure: on }', "unknown key 'insecure'")]:
        own.write_text(f"version: 1\nlisteners: [{{ address: 127.0.0.1:1 }}]\nupstreams: {{ app: {{ {upstream} }} }}\n")
        code, out, said = run("check", "-c", str(own))
        assert code == 3 and want in out + said, (upstream, said)
