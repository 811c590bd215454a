# SPDX-License-Identifier: Apache-2.0
"""Backends that mean harm, or are broken: none of their bytes pass for an answer."""
import pytest
from harness import OK, Backend, Sidegate, get


def says(answer):
    def script(wire):
        wire.head()
        wire.send(answer)
        wire.finish()
        wire.rest()
    return script


HOSTILE = {
    "both lengths": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "a length that is no number": "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "an unknown coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
    "coding twice": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a NUL in a field": "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a bare CR in a field": "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: x=y\r\nContent-Length: 0\r\n\r\n",
    "space before a colon": "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
    "no colon": "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 0\r\n\r\n",
    "a head without an end": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
    "half a status line": "HTTP/1.",
    "nothing at all": "",
    "HTTP/0.9": "hello\r\n",
    "another protocol": "SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2": "HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "status 99": "HTTP/1.1 99 X\r\nContent-Length: 0\r\n\r\n",
    "status 1000": "HTTP/1.1 1000 X\r\nContent-Length: 0\r\n\r\n",
    "a status in words": "HTTP/1.1 abc X\r\nContent-Length: 0\r\n\r\n",
    "101 that nobody asked for": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw bytes",
    "a head of 1 MiB": "HTTP/1.1 200 OK\r\nX: " + "y" * (1 << 20) + "\r\n\r\n",
    "10000 fields": "HTTP/1.1 200 OK\r\n" + "".join(f"X{i}: y\r\n" for i in range(10000)) + "\r\n",
    "1000 interim answers": "HTTP/1.1 100 Continue\r\n\r\n" * 1000,
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """One program, and a backend whose answer is the story's."""
    app = Backend(lambda wire: says(app.answer)(wire))
    s = Sidegate(tmp_path_factory.mktemp("hostile"), app.url)
    s.app = app
    yield s
    assert s.stop() == 0, s.errors()
    app.close()


def last_answer(client):
    while True:
        answer = client.answer()
        if answer.status >= 200:
            return answer


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_backend_makes_502_and_none_of_its_bytes_pass(hostile, case):
    hostile.app.answer = HOSTILE[case]
    client = hostile.client()
    client.send(get())
    answer = last_answer(client)
    assert answer.status == 502, answer.line
    assert answer["set-cookie"] is None and answer["x"] is None
    client.close()


def test_what_a_backend_sends_behind_its_answer_is_given_to_nobody(hostile):
    hostile.app.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\nX: poison\r\n\r\npoison"
    client = hostile.client()
    client.send(get())
    first = client.answer()
    assert (first.status, first.body) == (200, b"ok")
    hostile.app.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean"
    client.send(get())
    assert client.answer().body == b"clean"


@pytest.mark.parametrize("answer", [
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5 \r\nworld\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld",
])
def test_a_body_that_breaks_off_is_never_passed_off_as_whole(hostile, answer):
    hostile.app.answer = answer
    client = hostile.client()
    client.send(get())
    rest = client.rest()
    assert rest == b"" or b"Content-Length: 10" in rest or b"chunked" in rest or b" 502 " in rest
    assert not rest.endswith(b"0\r\n\r\n") and b"world" not in rest
