# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 through the program, both ways."""
from harness import OK, field, read_request


def test_a_request_goes_through_and_leaves_a_log_line(sidegate, backend):
    app = backend()
    s = sidegate(app.url)
    answer = s.ask(target="/orders/1?x=2", fields=[("User-Agent", "story")])
    assert (answer.status, answer.body) == (200, b"ok")
    line = s.lines()[0]
    assert line["method"] == "GET" and line["path"] == "/orders/1" and line["query"] == "x=2"
    assert line["status"] == 200 and line["bytes_out"] == 2 and line["upstream"]["status"] == 200
    assert line["request_id"] == answer["x-request-id"]
    assert abs(sum(line["stage_us"].values()) - line["duration_us"]) <= len(line["stage_us"])


def test_both_sides_are_kept_alive(sidegate, backend):
    app = backend()
    s = sidegate(app.url)
    client = s.client()
    for i in range(5):
        assert client.ask(target=f"/{i}").status == 200
    assert len(app.wires) == 1


def test_pipelined_requests_are_answered_in_order(sidegate, backend):
    def numbered(wire):
        while True:
            line, _, _ = read_request(wire)
            body = line.split()[1].encode()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    s = sidegate(backend(numbered).url)
    client = s.client()
    client.send("".join(f"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n" for i in range(20)))
    assert [client.answer().body for _ in range(20)] == [b"/%d" % i for i in range(20)]


def test_a_body_with_a_length_arrives_as_it_was_sent(sidegate, backend):
    got = []

    def keep(wire):
        got.append(read_request(wire))
        wire.send(OK)

    body = bytes(range(256)) * 4096
    assert sidegate(backend(keep).url).ask("POST", body=body).status == 200
    assert got[0][2] == body and field(got[0][1], "content-length") == str(len(body))


def test_a_chunked_body_arrives_chunked_and_whole(sidegate, backend):
    got = []

    def keep(wire):
        got.append(read_request(wire))
        wire.send(OK)

    client = sidegate(backend(keep).url).client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\n\r\n")
    assert client.answer().status == 200
    assert got[0][2] == b"hello!" and field(got[0][1], "transfer-encoding") == "chunked"


def test_a_chunked_answer_arrives_whole_and_the_connection_goes_on(sidegate, backend):
    def chunked(wire):
        while True:
            read_request(wire)
            wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    client = sidegate(backend(chunked).url).client()
    assert [client.ask().body for _ in range(3)] == [b"abcde"] * 3


def test_an_answer_that_ends_with_its_connection_is_whole(sidegate, backend):
    def until_close(wire):
        read_request(wire)
        wire.send("HTTP/1.0 200 OK\r\n\r\nall of it")

    assert sidegate(backend(until_close).url).ask().body == b"all of it"


def test_an_answer_that_is_cut_off_is_not_passed_off_as_whole(sidegate, backend):
    def cut(wire):
        read_request(wire)
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")

    s = sidegate(backend(cut).url)
    client = s.client()
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.head()
    assert len(client.rest()) < 100
    assert s.lines()[0]["error"] == "upstream_cut_off"


def test_head_204_and_304_have_no_body(sidegate, backend):
    def bodiless(wire):
        while True:
            line, _, _ = read_request(wire)
            status = line.split()[1].strip("/")
            wire.send(f"HTTP/1.1 {status} X\r\n" + ("Content-Length: 7\r\n" if status != "204" else "") + "\r\n")

    client = sidegate(backend(bodiless).url).client()
    assert client.ask("HEAD", "/200")["content-length"] == "7"
    assert client.ask("GET", "/204").status == 204
    assert client.ask("GET", "/304").status == 304
    assert client.ask("HEAD", "/200").status == 200


def test_an_http_1_0_client_gets_an_answer_that_ends_with_the_connection(sidegate, backend):
    def chunked(wire):
        read_request(wire)
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")

    client = sidegate(backend(chunked).url).client()
    answer = client.ask(version="HTTP/1.0")
    assert answer.body == b"abc" and answer["transfer-encoding"] is None
    assert client.is_closed()


def test_a_continue_of_the_backend_reaches_a_client_that_waits_for_it(sidegate, backend):
    def polite(wire):
        line, fields = wire.head()
        assert field(fields, "expect") == "100-continue"
        wire.send("HTTP/1.1 100 Continue\r\n\r\n")
        wire.exactly(5)
        wire.send(OK)

    client = sidegate(backend(polite).url).client()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert client.answer().status == 100
    client.send("hello")
    assert client.answer().status == 200


def test_other_interim_answers_are_forwarded(sidegate, backend):
    def hints(wire):
        read_request(wire)
        wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        wire.send(OK)

    client = sidegate(backend(hints).url).client()
    assert client.ask().status == 103
    assert client.answer().status == 200


def test_hop_by_hop_fields_stay_on_their_hop(sidegate, backend):
    got = []

    def keep(wire):
        got.append(wire.head()[1])
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Theirs\r\nX-Theirs: 1\r\nKeep-Alive: 5\r\nX-Kept: 1\r\n\r\n")

    answer = sidegate(backend(keep).url).ask(fields=[
        ("Connection", "X-Mine, keep-alive"), ("X-Mine", "1"), ("Keep-Alive", "9"), ("Proxy-Authorization", "s"),
        ("TE", "gzip"), ("Upgrade", "h2c"), ("X-Kept", "1"), ("X_Under", "1")])
    names = [n.lower() for n, _ in got[0]]
    assert "x-kept" in names
    for gone in ("x-mine", "keep-alive", "proxy-authorization", "te", "upgrade", "x_under"):
        assert gone not in names, gone
    assert answer["x-kept"] == "1" and answer["x-theirs"] is None and answer["keep-alive"] is None


def test_the_backend_is_told_about_the_client(sidegate, backend):
    got = []

    def keep(wire):
        got.append(wire.head()[1])
        wire.send(OK)

    sidegate(backend(keep).url).ask(fields=[("X-Forwarded-For", "203.0.113.9"), ("X-Request-Id", "forged")])
    assert field(got[0], "x-forwarded-for") == "127.0.0.1"
    assert field(got[0], "x-forwarded-proto") == "http"
    assert field(got[0], "x-forwarded-host") == "test.example"
    assert len(field(got[0], "x-request-id")) == 36


def test_a_trusted_proxy_is_believed(sidegate, backend):
    got = []

    def keep(wire):
        got.append(wire.head()[1])
        wire.send(OK)

    s = sidegate(backend(keep).url, trusted="127.0.0.0/8")
    s.ask(fields=[("X-Forwarded-For", "203.0.113.9, 198.51.100.7"), ("X-Forwarded-Proto", "https")])
    assert field(got[0], "x-forwarded-for") == "203.0.113.9, 198.51.100.7, 127.0.0.1"
    assert field(got[0], "x-forwarded-proto") == "https"
    assert s.lines()[0]["client_address"] == "198.51.100.7"


def test_a_unix_socket_serves_on_both_sides(sidegate, backend, tmp_path):
    app = backend(address=str(tmp_path / "app.sock"))
    s = sidegate(app.url, listen=f"unix:{tmp_path}/public.sock")
    assert s.ask().status == 200
