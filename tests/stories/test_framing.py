# SPDX-License-Identifier: Apache-2.0
"""Where a message ends: what two readers could read in two ways is refused, and nothing of it reaches the backend; what passes
reaches it as one request in one form."""
import re

import pytest
from harness import CHUNKED, HOST, Backend, Sidegate, get, post

SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """One program for all tables. A rule looks at bodies, so that a broken one is known before anything is sent."""
    folder = tmp_path_factory.mktemp("door")
    (folder / "own.conf").write_text('SecRequestBodyAccess On\nSecRule ARGS "@contains attack" "id:1,phase:2,deny,log"\n')
    app = Backend()
    s = Sidegate(folder, app.url, f"rules: {{ files: [{folder}/own.conf] }}")
    s.app = app
    yield s
    assert s.stop() == 0, s.errors()
    app.close()


def heard_since(app, wires):
    return b"".join(w.heard[before:] for w, before in [(w, wires.get(id(w), 0)) for w in list(app.wires)])


def refused(door, raw, status):
    """The answer is `status`, it is the only one, the connection ends with it, and the backend heard nothing."""
    before = {id(w): len(w.heard) for w in door.app.wires}
    client = door.client()
    try:
        client.send(raw)
        answer = client.answer()
        assert answer.status == status, (answer.line, answer.body)
        if raw.endswith(SMUGGLED if isinstance(raw, str) else SMUGGLED.encode()):
            client.finish()
            assert client.rest() == b"", "a second answer"
    finally:
        client.close()
    assert heard_since(door.app, before) == b""


FRAMING = {
    # 1: two lengths
    "length, then coding": (post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nG"), 400),
    "coding, then length": (post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "5c\r\n"), 400),
    "length 0 and coding": (post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
    "two different lengths": (post("Content-Length: 0\r\nContent-Length: 44\r\n"), 400),
    "two equal lengths": (post("Content-Length: 0\r\nContent-Length: 0\r\n"), 400),
    "a list of lengths": (post("Content-Length: 0, 0\r\n"), 400),
    "two codings": (post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), 400),
    "the same coding twice": (post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
    "length +0": (post("Content-Length: +0\r\n"), 400),
    "length -1": (post("Content-Length: -1\r\n"), 400),
    "length 0x0": (post("Content-Length: 0x0\r\n"), 400),
    "length 1_0": (post("Content-Length: 1_0\r\n"), 400),
    "length with a space inside": (post("Content-Length: 1 0\r\n"), 400),
    "an empty length": (post("Content-Length:\r\n"), 400),
    "length 2^63": (post("Content-Length: 9223372036854775808\r\n"), 400),
    "length 2^64": (post("Content-Length: 18446744073709551616\r\n"), 400),
    "length in words": (post("Content-Length: none\r\n"), 400),
    # 2: obscured codings
    "coding with a comma before": (post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"), 400),
    "coding with a comma behind": (post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), 400),
    "xchunked": (post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501),
    "identity": (post("Transfer-Encoding: identity\r\n"), 501),
    "gzip, chunked": (post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
    "chunked, gzip": (post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400),
    "chunked twice in a list": (post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400),
    "chunked in quotes": (post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n"), 400),
    "chunked with a parameter": (post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 400),
    "chunked behind a vertical tab": (post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), 400),
    "an empty coding": (post("Transfer-Encoding:\r\n", "0\r\n\r\n"), 400),
    "space before the coding's colon": (post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400),
    "tab before the coding's colon": (post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"), 400),
    "a coding on a folded line": (post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400),
    "a coding behind a folded line": (post("X: y\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
    "a coding behind a bare CR": (post("X: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
    "a coding behind a bare LF": (post("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
    "a coding behind a NUL": (post("X: y\0Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
    "a coding in HTTP/1.0": ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    # 3: chunks
    **{f"chunk {text!r}": (f"{CHUNKED}\r\n{text}", 400) for text in (
        "0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "1_0\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
        "5\rXhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "5\r\nhello0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n", "5;a\nb\r\nhello\r\n0\r\n\r\n", "5;\r\nhello\r\n0\r\n\r\n",
        "5;a=\r\nhello\r\n0\r\n\r\n", "5;a=\"b\r\nhello\r\n0\r\n\r\n", "5,a\r\nhello\r\n0\r\n\r\n",
        "8000000000000000\r\nhello", "10000000000000005\r\nhello", "fffffffffffffffff\r\nhello",
        "5;" + "a" * 5000 + "\r\nhello\r\n0\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\n x\r\n\r\n", "0\r\nX: y\n\r\n", "0\r\nnothing\r\n\r\n",
        "0\r\n: y\r\n\r\n", "0\r\nX: " + "y" * 9000 + "\r\n\r\n")},
    # 4: bytes that have no place in a head
    "bare CR in a value": (get(more="X: a\rb\r\n"), 400),
    "bare LF behind the request line": ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    "bare LF behind a field": ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    "bare LF as the empty line": ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    "NUL in a value": (get(more="X: a\0b\r\n"), 400),
    "NUL in a name": (get(more="X\0: a\r\n"), 400),
    "DEL in a value": (get(more="X: \x7f\r\n"), 400),
    "ESC in a value": (get(more="X: \x1b[31m\r\n"), 400),
    "a folded line": (get(more="X: a\r\n b\r\n"), 400),
    "a folded line by tab": (get(more="X: a\r\n\tb\r\n"), 400),
    "a folded first line": ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "space before a colon": (get(more="X : a\r\n"), 400),
    "an empty name": (get(more=": a\r\n"), 400),
    "a line without a colon": (get(more="X\r\n"), 400),
    "a name with a space": (get(more="X Y: a\r\n"), 400),
    "a name with an 8-bit byte": (get(more="X\xe9: a\r\n"), 400),
    "a name with a bracket": (get(more="X(: a\r\n"), 400),
    "NUL in the target": (get("/\0"), 400),
    "a control byte in the target": (get("/\x01"), 400),
    "DEL in the target": (get("/\x7f"), 400),
    "a fragment": (get("/#x"), 400),
    "a tab in the request line": ("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "two spaces in the request line": ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a space behind the version": ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    "a space in the target": (get("/ x"), 400),
    "a space before the method": (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a method that is no token": ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    # hosts
    "no host": ("GET / HTTP/1.1\r\nX: y\r\n\r\n", 400),
    "two hosts": (get(more="Host: b\r\n"), 400),
    "an empty host": ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "a host with a path": ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "a host with a user": ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    "a host with a space": ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "a host that is not the target's": (get("http://b/"), 400),
    "a target of another scheme": (get("ftp://a/"), 400),
    "a target without a slash": (get("x"), 400),
    "an asterisk for GET": (get("*"), 400),
    # versions
    "version 2.0": (get(version="HTTP/2.0"), 505),
    "version 1.2": (get(version="HTTP/1.2"), 505),
    "version 3": (get(version="HTTP/3"), 505),
    "version in small letters": (get(version="http/1.1"), 400),
    "version 1,1": (get(version="HTTP/1,1"), 400),
    "version 11": (get(version="HTTP/11"), 400),
    "version 0.9": (get(version="HTTP/0.9"), 400),
    # 6: what is expected and may not be had
    "an unknown expectation": (post("Content-Length: 5\r\nExpect: 200-ok\r\n"), 417),
    "two expectations": (post("Content-Length: 5\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n"), 417),
    # 7: other protocols
    "CONNECT": ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501),
    "a WebSocket": (get(more="Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 501),
    # 13: sizes
    "101 fields": (get(more="".join(f"X{i}: y\r\n" for i in range(101))), 431),
    "a field of 33 KiB": (get(more="X: " + "y" * (33 << 10) + "\r\n"), 431),
    "a target of 9 KiB": (get("/" + "x" * (9 << 10)), 414),
    "a length of 11 MiB": (post(f"Content-Length: {11 << 20}\r\n"), 413),
    # 14: paths
    **{f"path {path}": (get(path), 400) for path in (
        "/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/../etc/passwd", "/a/../b", "/a/./b", "/%2e%2e/x", "/%2E%2E%2fx", "/a/.%2e/b",
        "/a%00b", "/..;/admin", "/a/..", "/.", "/..")},
}


@pytest.mark.parametrize("case", FRAMING)
def test_is_refused_and_the_backend_hears_nothing(door, case):
    raw, status = FRAMING[case]
    refused(door, raw, status)


@pytest.mark.parametrize("case", [case for case in FRAMING if FRAMING[case][1] in (400, 417, 501, 505)
                                  and FRAMING[case][0].endswith("\r\n\r\n") and not case.startswith(("path", "a WebSocket"))])
def test_what_follows_a_refused_head_is_no_request(door, case):
    refused(door, FRAMING[case][0] + SMUGGLED, FRAMING[case][1])


def normal(heard):
    """What the backend heard, with what differs from request to request named."""
    return re.sub(rb"(?i)(x-request-id: )[0-9a-f-]{36}\r\n", rb"\1ID\r\n", heard)


def ours(host="a", via="1.1"):
    named = f"X-Forwarded-Host: {host}\r\n" if host else ""
    return f"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n{named}X-Request-Id: ID\r\nVia: {via} sidegate\r\n"


def to_get(target="/", more=""):
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n{more}{ours()}\r\n"


PASSED = {
    "a plain one": (get(), to_get()),
    "chunks in capitals": (post("TRANSFER-ENCODING: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n"),
                           f"POST / HTTP/1.1\r\nHost: a\r\n{ours()}Content-Length: 5\r\n\r\nhello"),
    "chunks with extensions and trailers": (post("Transfer-Encoding: \t chunked \t\r\n", '0005;a;b=c;d="e\\"f"\r\nhello\r\nA\r\n0123456789\r\n0;z\r\nT: v\r\n\r\n'),
                                            f"POST / HTTP/1.1\r\nHost: a\r\n{ours()}Content-Length: 15\r\n\r\nhello0123456789"),
    "a length with zeros before": (post("Content-Length: 005\r\n", "hello"),
                                   f"POST / HTTP/1.1\r\nHost: a\r\n{ours()}Content-Length: 5\r\n\r\nhello"),
    "a body of length 0": (post("Content-Length: 0\r\n"), f"POST / HTTP/1.1\r\nHost: a\r\n{ours()}Content-Length: 0\r\n\r\n"),
    "an empty line before it": ("\r\n" + get(), to_get()),
    "8-bit bytes in the target": (get("/\xe9?\xff"), to_get("/\xe9?\xff")),
    "8-bit bytes in a value": (get(more="X: \xe9\r\n"), to_get(more="X: \xe9\r\n")),
    "spaces around a value": (get(more="X:\t a b \t\r\n"), to_get(more="X: a b\r\n")),
    "escapes that mean what they say": (get("/a%20b?x=%2f%00"), to_get("/a%20b?x=%2f%00")),
    "an absolute target": (get("http://a/x?y"), to_get("/x?y")),
    "an absolute target without a path": (get("http://a"), to_get("/")),
    "an asterisk for OPTIONS": ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", f"OPTIONS * HTTP/1.1\r\nHost: a\r\n{ours()}\r\n"),
    "an upgrade to h2c": (get(more="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"), to_get()),
    "names with an underscore": (get(more="X_Auth_User: root\r\nContent_Length: 5\r\nX-Kept: 1\r\n"), to_get(more="X-Kept: 1\r\n")),
    "fields about the client that it may not set": (
        get(more="X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Request-Id: mine\r\n"), to_get()),
    "two fields of one name": (get(more="X: 1\r\nX: 2\r\n"), to_get(more="X: 1\r\nX: 2\r\n")),
    "a field named by Connection": (get(more="Connection: X-Secret\r\nX-Secret: 1\r\n"), to_get()),
    "100 fields": (get(more="".join(f"X{i}: y\r\n" for i in range(99))), to_get(more="".join(f"X{i}: y\r\n" for i in range(99)))),
}


@pytest.mark.parametrize("case", PASSED)
def test_reaches_the_backend_as_exactly_one_request(door, case):
    raw, wanted = PASSED[case]
    before = {id(w): len(w.heard) for w in door.app.wires}
    client = door.client()
    client.send(raw)
    assert client.answer().status == 200
    client.close()
    heard = normal(heard_since(door.app, before)).decode("latin-1")
    first, wanted_first = heard.split("\r\n", 1)[0], wanted.split("\r\n", 1)[0]
    assert first == wanted_first
    head, body = heard.split("\r\n\r\n", 1)
    wanted_head, wanted_body = wanted.split("\r\n\r\n", 1)
    assert sorted(head.split("\r\n"), key=str.lower) == sorted(wanted_head.split("\r\n"), key=str.lower)
    assert body == wanted_body


def test_a_broken_chunk_of_a_body_that_nobody_inspects_is_never_completed(sidegate, backend):
    app = backend()
    s = sidegate(app.url)
    client = s.client()
    client.send(f"{CHUNKED}\r\n5\r\nhello\r\n5 \r\nworld\r\n0\r\n\r\n{SMUGGLED}")
    assert client.answer().status == 400
    assert client.is_closed()
    assert b"/smuggled" not in app.heard and not app.heard.endswith(b"0\r\n\r\n")


def test_both_lengths_are_framed_anew_where_the_settings_say_so(sidegate, backend):
    app = backend()
    s = sidegate(app.url, config="limits: { both_lengths: reframe }")
    client = s.client()
    client.send(post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n") + SMUGGLED)
    answer = client.answer()
    assert answer.status == 200 and answer["connection"] == "close"
    assert client.is_closed()
    heard = app.heard.lower()
    assert b"transfer-encoding: chunked" in heard and b"content-length" not in heard and b"/smuggled" not in heard
    for bad in ("gzip, chunked", "xchunked", "chunked, chunked"):
        client = s.client()
        client.send(post(f"Content-Length: 3\r\nTransfer-Encoding: {bad}\r\n", "0\r\n\r\n"))
        assert client.answer().status in (400, 501)


def test_doubtful_paths_and_underscores_pass_where_the_settings_say_so(sidegate, backend):
    app = backend()
    s = sidegate(app.url, config="limits: { doubtful_paths: pass, underscore_names: pass }")
    client = s.client()
    for path in ("/a%2fb", "/a/../b", "/a%00b", "/%2e%2e/x"):
        assert client.ask(target=path, fields=[("X_Under", "1")]).status == 200
        assert f"GET {path} HTTP/1.1\r\n".encode() in app.heard
    assert app.heard.count(b"X_Under: 1\r\n") == 4
