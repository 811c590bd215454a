# SPDX-License-Identifier: Apache-2.0
"""TLS on a listener: what is presented and to whom, what is spoken, whose session goes on, and what the files may do."""
import base64
import hashlib
import os
import signal
import socket
import ssl
import subprocess

import pytest
from certificates import Authority
from harness import TlsClient, Wire, always_ok, free_ports, read_request, run, wait_until


def trusting(authority, *, versions=None, certificate=None, alpn=None):
    context = ssl.create_default_context(cafile=str(authority.file))
    if versions:
        context.minimum_version = context.maximum_version = versions
    if certificate:
        context.load_cert_chain(*map(str, certificate))
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class Door:
    """The program with one TLS listener or several."""

    def __init__(self, start, url, authority, listeners, config=""):
        self.authority = authority
        self.ports = free_ports(len(listeners))
        lines = "\n".join(f"  - {{ name: door{i}, address: \"127.0.0.1:{port}\", tls: {{ {tls} }} }}"
                          for i, (port, tls) in enumerate(zip(self.ports, listeners)))
        self.s = start(url, f"listeners:\n{lines}\n{config}")
        self.port = self.ports[0]

    def connect(self, context=None, name="a.example", session=None, port=None):
        return TlsClient(port or self.port, context or trusting(self.authority), name, session)

    def ask(self, *words, target="/", fields=(), **more):
        client = self.connect(*words, **more)
        try:
            return client.ask(target=target, fields=fields), client
        finally:
            client.close()

    def refuses(self, context, name="a.example", port=None):
        """True: there is no answer to be had. In TLS 1.3 a client learns of it only when it reads."""
        try:
            client = self.connect(context, name, port=port)
        except (ssl.SSLError, ConnectionError):
            return True
        try:
            client.ask()
            return False
        except Exception:
            return True
        finally:
            client.close()

    def failures(self, reason):
        return self.s.metric("sidegate_tls_handshake_failures_total", reason=reason)


@pytest.fixture
def authority(tmp_path):
    made = Authority(tmp_path)
    made.issue("a", ["DNS:a.example", "DNS:*.w.example"])
    return made


@pytest.fixture
def door(sidegate, backend, authority):
    def start(*listeners, config="", script=always_ok):
        return Door(sidegate, backend(script).url, authority, listeners or ["certificates: [" + A + "]"], config)
    return start


A = "{ cert_file: a.crt, key_file: a.key }"
B = "{ cert_file: b.crt, key_file: b.key }"


def subject_of(client):
    return dict(pair[0] for pair in client.sock.getpeercert()["subject"])["commonName"]


# ---- what is presented ----

def test_a_request_over_tls_is_served_and_the_log_says_how(door):
    heard = []

    def script(wire):
        heard.append(read_request(wire))
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    d = door(script=script)
    answer, client = d.ask()
    assert (answer.status, answer.body) == (200, b"ok")
    line = d.s.lines()[0]
    assert line["tls"] == {"version": "1.3", "cipher": "TLS_AES_256_GCM_SHA384", "server_name": "a.example",
                           "resumed": False, "client": None, "client_fingerprint": None}
    assert dict((n.lower(), v) for n, v in heard[0][1])["x-forwarded-proto"] == "https"
    assert d.s.metric("sidegate_tls_handshakes_total", result="full") == 1
    assert d.s.metric("http_server_request_duration_seconds_count", url_scheme="https") == 1


def test_large_bodies_go_both_ways(door):
    body = os.urandom(3 << 20)

    def echo(wire):
        _, _, got = read_request(wire)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(got))
        wire.send(got)

    d = door(script=echo)
    client = d.connect()
    assert client.ask("POST", body=body).body == body
    client.close()


def test_many_requests_on_one_connection_and_two_at_once(door):
    client = door().connect()
    for _ in range(20):
        assert client.ask().status == 200
    client.send("GET /1 HTTP/1.1\r\nHost: a.example\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert [client.answer().status for _ in range(2)] == [200, 200]
    client.close()


def test_each_name_gets_its_certificate_and_unknown_names_the_first(door, authority):
    authority.issue("b", ["DNS:b.example", "DNS:exact.w.example"])
    d = door(f"certificates: [{A}, {B}]")
    blind = trusting(authority)
    blind.check_hostname = False
    for name, want in [("a.example", "a"), ("b.example", "b"), ("B.Example", "b"), ("x.w.example", "a"),
                       ("exact.w.example", "b"), ("x.y.w.example", "a"), ("w.example", "a"), ("c.example", "a")]:
        client = d.connect(blind, name)
        assert subject_of(client) == want, name
        client.close()


@pytest.mark.parametrize("version,spoken", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_both_versions_are_spoken(door, authority, version, spoken):
    d = door()
    client = d.connect(trusting(authority, versions=version))
    assert client.sock.version() == spoken
    assert client.ask().status == 200
    assert d.s.lines()[0]["tls"]["version"] == spoken.removeprefix("TLSv")
    client.close()


def test_a_listener_may_speak_only_1_3(door, authority):
    d = door(f"certificates: [{A}], min_version: 1.3")
    assert d.refuses(trusting(authority, versions=ssl.TLSVersion.TLSv1_2))
    wait_until(lambda: d.failures("version") == 1, "the count")
    assert d.ask(trusting(authority, versions=ssl.TLSVersion.TLSv1_3))[0].status == 200


def test_old_versions_and_ciphers_without_forward_secrecy_find_nobody(door):
    d = door()
    for words in (["-tls1"], ["-tls1_1"], ["-tls1_2", "-cipher", "AES128-SHA"],
                  ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"]):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{d.port}", *words], capture_output=True,
                              input=b"", timeout=30, check=False)
        assert b"Cipher is (NONE)" in done.stdout or done.returncode != 0, words


def test_ciphers_of_1_2_are_as_the_option_says(door, authority):
    d = door(f"certificates: [{A}], ciphers: ECDHE-ECDSA-CHACHA20-POLY1305")
    old = trusting(authority, versions=ssl.TLSVersion.TLSv1_2)
    client = d.connect(old)
    assert client.sock.cipher()[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"
    client.close()
    old.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    assert d.refuses(old)
    wait_until(lambda: d.failures("cipher") == 1, "the count")


def test_alpn_says_http_1_1_and_refuses_who_speaks_something_else(door, authority):
    d = door()
    client = d.connect(trusting(authority, alpn=["h3", "http/1.1"]))
    assert client.sock.selected_alpn_protocol() == "http/1.1"
    client.close()
    assert d.refuses(trusting(authority, alpn=["spdy/3"]))
    wait_until(lambda: d.failures("protocol") == 1, "the count")


# ---- handshakes that are none ----

def test_a_slow_handshake_times_out_and_holds_nobody_up(door):
    d = door(config="timeouts: { drain_delay: 0, tls_handshake: 200ms }")
    silent = Wire(socket.create_connection(("127.0.0.1", d.port)))
    assert d.ask()[0].status == 200
    assert silent.sock.recv(1) == b""
    wait_until(lambda: d.failures("timeout") == 1, "the count")
    silent.close()


def test_plain_http_to_a_tls_port_is_closed_and_counted(door):
    d = door()
    plain = Wire(socket.create_connection(("127.0.0.1", d.port)))
    plain.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    try:
        got = plain.sock.recv(100)
    except ConnectionResetError:
        got = b""
    assert not got.startswith(b"HTTP")
    wait_until(lambda: d.failures("no_tls") == 1, "the count")
    plain.close()


def test_who_goes_away_in_the_middle_is_counted(door):
    d = door()
    plain = socket.create_connection(("127.0.0.1", d.port))
    plain.sendall(b"\x16\x03\x01\x02")
    plain.close()
    wait_until(lambda: d.failures("closed") == 1, "the count")


# ---- sessions ----

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_goes_on_for_its_own_name_and_policy_alone(door, authority, version):
    authority.issue("b", ["DNS:b.example"])
    both = f"certificates: [{A}, {B}]"
    d = door(both, both, f"{both}, client_auth: optional, client_ca_file: ca.crt")
    context = trusting(authority, versions=version)

    def session_of(name, session=None, port=None):
        client = d.connect(context, name, session, port)
        assert client.ask().status == 200
        got = client.sock.session, client.sock.session_reused
        client.close()
        return got

    first, reused = session_of("a.example")
    assert not reused
    second, reused = session_of("a.example", first)
    assert reused
    assert not session_of("b.example", first)[1], "another name"
    assert not session_of("x.w.example", first)[1], "another name of the same certificate"
    assert not session_of("a.example", first, d.ports[1])[1], "another listener"
    assert not session_of("a.example", first, d.ports[2])[1], "another policy"
    d.s.signal(signal.SIGHUP)
    wait_until(lambda: d.s.metric("sidegate_config_snapshot") == 2, "the reload")
    assert session_of("a.example", second)[1], "tickets are kept over a reload"
    assert d.s.metric("sidegate_tls_handshakes_total", result="resumed") == 2


# ---- files ----

def test_the_day_that_a_certificate_ends_is_a_metric(door, authority):
    d = door()
    end = ssl.cert_time_to_seconds(
        subprocess.run(["openssl", "x509", "-in", str(authority.folder / "a.crt"), "-noout", "-enddate"],
                       capture_output=True, text=True, check=True).stdout.strip().removeprefix("notAfter="))
    assert d.s.metric("sidegate_certificate_expiry_timestamp_seconds", listener="door0") == end


def serial_at(d):
    client = d.connect()
    try:
        return client.sock.getpeercert()["serialNumber"]
    finally:
        client.close()


def test_changed_files_are_taken_over_by_themselves_and_broken_ones_are_not(door, authority):
    d = door(f"certificates: [{A}], refresh: 50ms")
    held = d.connect()
    assert held.ask().status == 200
    before = serial_at(d)
    authority.issue("a", ["DNS:a.example"])
    wait_until(lambda: serial_at(d) != before, "the new certificate")
    assert held.ask().status == 200, "a connection lives on"
    after = serial_at(d)
    fault = "/a.crt: there is no certificate in it"
    said = d.s.errors().count(fault)  # a look between the writes of a new certificate may say it too
    (authority.folder / "a.crt").write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    wait_until(lambda: d.s.errors().count(fault) > said, "the fault")
    assert "files that changed are refused, what was read last stands" in d.s.errors()
    assert serial_at(d) == after
    assert d.s.metric("sidegate_config_last_reload_successful") == 0
    held.close()


def test_a_listener_that_is_not_looked_at_keeps_its_files_while_others_are_renewed(door, authority):
    authority.issue("b", ["DNS:a.example"])
    d = door(f"certificates: [{A}], refresh: 0", f"certificates: [{B}], refresh: 50ms")

    def serial(port):
        client = d.connect(port=port)
        try:
            return client.sock.getpeercert()["serialNumber"]
        finally:
            client.close()

    before = [serial(port) for port in d.ports]
    authority.issue("a", ["DNS:a.example"])
    authority.issue("b", ["DNS:a.example"])
    wait_until(lambda: serial(d.ports[1]) != before[1], "the new certificate")
    assert serial(d.ports[0]) == before[0]
    wait_until(lambda: d.s.metric("sidegate_config_last_reload_successful") == 1, "the whole of it")
    renewed = serial(d.ports[1])
    (authority.folder / "a.key").unlink()
    authority.issue("b", ["DNS:a.example"])
    wait_until(lambda: serial(d.ports[1]) != renewed, "the newest certificate")
    assert serial(d.ports[0]) == before[0] and "a.key" not in d.s.errors()


def test_a_list_that_is_looked_at_often_has_no_certificate_read_more_often(door, authority, tmp_path):
    (authority.folder / "list.txt").write_text("203.0.113.1\n")
    d = door(f"certificates: [{A}], refresh: 1h",
             config=f"ip_sets: {{ list: {{ file: {authority.folder}/list.txt, refresh: 50ms }} }}\n"
                    "access: [{ name: list, match: { ip_set: list }, action: block }]")
    (authority.folder / "a.key").write_text("broken")
    for turn in range(3):
        before = d.s.metric("sidegate_config_snapshot")
        (authority.folder / "list.new").write_text(f"203.0.113.1\n127.0.0.{turn + 2}\n")
        (authority.folder / "list.new").rename(authority.folder / "list.txt")
        wait_until(lambda: d.s.metric("sidegate_config_snapshot") > before, "the new list")
    assert "a.key" not in d.s.errors() and d.s.metric("sidegate_config_last_reload_successful") == 1


def test_a_swapped_link_is_a_change(sidegate, backend, authority):
    folder = authority.folder
    for version in ("one", "two"):
        authority.issue("a", ["DNS:a.example"])
        (folder / version).mkdir()
        for name in ("a.crt", "a.key"):
            (folder / name).rename(folder / version / name)
    (folder / "..data").symlink_to("one")
    for name in ("a.crt", "a.key"):
        (folder / name).symlink_to(f"..data/{name}")
    d = Door(sidegate, backend(always_ok).url, authority, [f"certificates: [{A}], refresh: 50ms"])
    before = serial_at(d)
    (folder / "..new").symlink_to("two")
    os.rename(folder / "..new", folder / "..data")
    wait_until(lambda: serial_at(d) != before, "the new certificate")


def check(folder, tls, port=1):
    config = folder / "own.yaml"
    config.write_text(f"version: 1\nlisteners:\n  - address: 127.0.0.1:{port}\n    tls: {{ {tls} }}\n"
                      "upstreams: { app: { targets: [\"http://127.0.0.1:3000\"] } }\n")
    code, out, said = run("check", "-c", str(config))
    return code, out + said


def test_what_is_wrong_with_files_is_said_before_anybody_connects(authority):
    folder = authority.folder
    authority.issue("b", ["DNS:b.example"])
    assert check(folder, f"certificates: [{A}]")[0] == 0
    wrong = [
        ("certificates: [{ cert_file: a.crt, key_file: b.key }]", "b.key: the key is not the certificate's"),
        ("certificates: [{ cert_file: a.key, key_file: a.key }]", "a.key: there is no certificate in it"),
        ("certificates: [{ cert_file: a.crt, key_file: a.crt }]", "everybody may read it"),
        ("certificates: [{ cert_file: a.crt }]", "'key_file' is missing"),
        ("certificates: [{ cert_file: a.crt, key_fil: a.key }]", "did you mean 'key_file'?"),
        ("certificates: [{ cert_file: none.crt, key_file: a.key }]", "No such file"),
        (f"certificates: [{A}], ciphers: NOPE", "own.yaml:4"),
        (f"certificates: [{A}], client_auth: required", "who signs the certificates of clients?"),
        (f"certificates: [{A}], client_ca_file: ca.crt", "no client is asked for a certificate"),
        (f"certificates: [{A}], client_auth: required, client_ca_file: ca.key", "ca.key: there is no certificate in it"),
        ("min_version: 1.3", "there is no certificate to present"),
        (f"certificates: [{A}], min_version: 1.1", "expected 1.2 or 1.3"),
    ]
    os.chmod(folder / "a.crt", 0o644)
    for tls, want in wrong:
        code, said = check(folder, tls)
        assert code == 3 and want in said, (tls, said)


def test_a_key_that_others_may_read_or_that_is_encrypted_is_refused(authority):
    folder = authority.folder
    os.chmod(folder / "a.key", 0o644)
    code, said = check(folder, f"certificates: [{A}]")
    assert code == 3 and "a.key': everybody may read it; take that right away (chmod o-rwx)" in said
    subprocess.run(["openssl", "pkey", "-in", "a.key", "-aes256", "-passout", "pass:x", "-out", "locked.key"],
                   cwd=folder, check=True)
    code, said = check(folder, "certificates: [{ cert_file: a.crt, key_file: locked.key }]")
    assert code == 3 and "locked.key: the key is encrypted" in said


def test_a_certificate_that_has_ended_is_a_warning(authority):
    authority.issue("a", ["DNS:a.example"], days=-1)
    code, said = check(authority.folder, f"certificates: [{A}]")
    assert code == 0 and "warning: the certificate has expired" in said


# ---- certificates of clients ----

@pytest.fixture
def staff(tmp_path):
    made = Authority(tmp_path, "staff")
    made.issue("ann", ["URI:spiffe://shop.example/ann", "email:ann@shop.example"], "/O=Shop/CN=ann", usage="clientAuth")
    made.issue("bob", ["DNS:bob.shop.example"], "/O=Shop/CN=bob", usage="clientAuth")
    return made


def own(staff, authority, name):
    folder = staff.folder
    return trusting(authority, certificate=(folder / f"{name}.crt", folder / f"{name}.key"))


REQUIRED = f"certificates: [{A}], client_auth: required, client_ca_file: staff.crt"


def test_who_must_show_a_certificate_shows_a_good_one(door, authority, staff):
    d = door(REQUIRED)
    answer, _ = d.ask(own(staff, authority, "ann"))
    assert answer.status == 200
    tls = d.s.lines()[0]["tls"]
    assert tls["client"] == "CN=ann,O=Shop" and len(tls["client_fingerprint"]) == 64
    assert d.refuses(trusting(authority))
    wait_until(lambda: d.failures("certificate_missing") == 1, "the count")
    authority.issue("mallory", usage="clientAuth")
    assert d.refuses(own(authority, authority, "mallory"))
    wait_until(lambda: d.failures("certificate_unverified") == 1, "the count")
    staff.issue("old", usage="clientAuth", days=-1)
    assert d.refuses(own(staff, authority, "old"))
    wait_until(lambda: d.failures("certificate_expired") == 1, "the count")
    staff.issue("server", usage="serverAuth")
    assert d.refuses(own(staff, authority, "server")), "a server's certificate is no client's"
    assert d.s.lines(1) and len(d.s.lines(1)) == 1


def test_who_may_show_one_is_served_without_but_not_with_a_bad_one(door, authority, staff):
    d = door(REQUIRED.replace("required", "optional"))
    assert d.ask()[0].status == 200
    assert d.ask(own(staff, authority, "ann"))[0].status == 200
    assert [line["tls"]["client"] for line in d.s.lines(2)] == [None, "CN=ann,O=Shop"]
    authority.issue("mallory", usage="clientAuth")
    assert d.refuses(own(authority, authority, "mallory"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_is_revoked_is_out_with_sessions_and_connections_once_the_list_is_read(door, authority, staff, version):
    staff.revoke()
    d = door(f"{REQUIRED}, crl_file: staff.crl, refresh: 50ms")
    bob = own(staff, authority, "bob")
    bob.minimum_version = bob.maximum_version = version
    held = d.connect(bob)
    assert held.ask().status == 200
    session = held.sock.session
    resumed = d.connect(bob, session=session)
    assert resumed.ask().status == 200 and resumed.sock.session_reused
    assert d.s.lines(2)[1]["tls"]["client"] == "CN=bob,O=Shop", "who was known is known in a session that goes on"
    resumed.close()
    staff.revoke("bob")
    wait_until(lambda: d.refuses(bob), "bob is out")
    assert held.sock.recv(1) == b"", "his connection too"
    held.close()
    try:
        again = d.connect(bob, session=session)
        again.ask()
        raise AssertionError("his session goes on")
    except (ssl.SSLError, ConnectionError, OSError, Exception) as e:
        assert not isinstance(e, AssertionError), e
    wait_until(lambda: d.failures("certificate_revoked") >= 2, "the count")
    assert d.ask(own(staff, authority, "ann"))[0].status == 200


def test_without_a_list_of_the_issuer_nobody_of_it_gets_in(door, authority, staff):
    authority.revoke()
    d = door(f"{REQUIRED}, crl_file: ca.crl")
    assert d.refuses(own(staff, authority, "ann"))
    wait_until(lambda: d.failures("certificate_revoked") == 1, "the count")


# ---- who the client is, for guards and backends ----

@pytest.fixture
def heard():
    return []


@pytest.fixture
def remembering(heard):
    def script(wire):
        while True:
            _, fields, _ = read_request(wire)
            heard.append({name.lower().replace("_", "-"): value for name, value in fields})
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return script


FORGED = [("Client-Cert", ":Zm9yZ2Vk:"), ("client-cert-chain", ":Zm9yZ2Vk:"), ("X-Client-Cert-Subject", "CN=root"),
          ("x-client-cert-san", "DNS:root"), ("X_Client_Cert_Fingerprint", "00"), ("Client_Cert", ":Zm9yZ2Vk:"),
          ("x-client-cert-verify", "SUCCESS"), ("X-Client-Certified", "yes"), ("Client-Cert-Chains", "none")]
OTHERS = ["x-client-certified", "client-cert-chains"]


def about_certificates(fields):
    return {name: value for name, value in fields.items() if "client-cert" in name and name not in OTHERS}


def test_the_backend_learns_who_the_client_is_and_nobody_can_forge_it(door, authority, staff, remembering, heard):
    d = door(REQUIRED.replace("required", "optional"), script=remembering,
             config="limits: { underscore_names: pass }")
    assert d.ask(own(staff, authority, "ann"), fields=FORGED)[0].status == 200
    der = ssl.PEM_cert_to_DER_cert((staff.folder / "ann.crt").read_text())
    assert about_certificates(heard[0]) == {
        "client-cert": ":" + base64.b64encode(der).decode() + ":",
        "x-client-cert-subject": "CN=ann,O=Shop",
        "x-client-cert-fingerprint": hashlib.sha256(der).hexdigest(),
        "x-client-cert-san": "URI:spiffe://shop.example/ann, email:ann@shop.example",
    }
    assert all(name in heard[0] for name in OTHERS)
    assert d.ask(fields=FORGED)[0].status == 200
    assert about_certificates(heard[1]) == {}, "without a certificate"


def test_nobody_can_forge_an_identity_on_a_plain_listener_either(sidegate, backend, remembering, heard):
    s = sidegate(backend(remembering).url, "", trusted="127.0.0.1")
    assert s.ask(fields=FORGED).status == 200
    assert about_certificates(heard[0]) == {}


ALLOWED = """
access:
  - {{ name: staff, match: {{ certificate: {{ {who} }} }}, action: allow }}
  - {{ name: others, action: block }}
"""


@pytest.mark.parametrize("who,ann,bob", [
    ('subject: "CN=ann,O=Shop"', 200, 403), ('subject: "*,O=Shop"', 200, 200),
    ('san: "URI:spiffe://shop.example/*"', 200, 403), ('san: ["DNS:bob.*", "email:ann@*"]', 200, 200),
    ('issuer: CN=staff, san: "DNS:*.shop.example"', 403, 200), ('issuer: CN=nobody', 403, 403)])
def test_the_access_list_asks_for_certificates(door, authority, staff, who, ann, bob):
    d = door(REQUIRED.replace("required", "optional"), config=ALLOWED.format(who=who))
    assert d.ask(own(staff, authority, "ann"))[0].status == ann
    assert d.ask(own(staff, authority, "bob"))[0].status == bob
    assert d.ask()[0].status == 403, "without a certificate"


def test_a_certificate_is_asked_for_by_its_fingerprint_too(door, authority, staff):
    der = ssl.PEM_cert_to_DER_cert((staff.folder / "ann.crt").read_text())
    who = f"fingerprint: \"{hashlib.sha256(der).hexdigest().upper()}\""
    d = door(REQUIRED, config=ALLOWED.format(who=who))
    assert d.ask(own(staff, authority, "ann"))[0].status == 200
    assert d.ask(own(staff, authority, "bob"))[0].status == 403
    line = d.s.lines(2)[1]
    assert [(e["name"], e["decision"]) for e in line["decisions"]] == [("others", "block")]
