# SPDX-License-Identifier: Apache-2.0
"""Lambda-style authorizers that cannot be asked, or answer nonsense: nobody is let in unless on_failure says so."""
import threading

import pytest
from functions import NO, NULL, SERVER_ERROR, YES, ask, line_of, policy
from harness import Backend, free_port, read_request, wait_until


def test_no_answer_in_time_and_nonsense_are_refused(door, function):
    f = function(body=b"<html>")
    f.gate.clear()
    slow = door(f, "identity: [$request.header.authorization], timeout: 200ms")
    answer = ask(slow)
    assert (answer.status, answer.body) == (500, SERVER_ERROR)
    assert line_of(slow)["decisions"][0]["reason"] == "timed_out" and line_of(slow)["error"] == "authorizer_failed"
    assert line_of(slow)["authorizer"]["call"]["error"] == "timed_out"
    assert not slow.server.heard
    f.gate.set()
    assert ask(slow).status == 500
    assert line_of(slow, 2)["decisions"][0]["reason"] == "answer_no_json" and line_of(slow, 2)["error"] == "authorizer_malformed"


def test_a_dead_server_is_refused(door):
    url = f"http://127.0.0.1:{free_port()}"
    s = door(None, "payload: token", kind="lambda", url=url)
    answer = ask(s)
    assert (answer.status, answer.body, answer["x-amzn-ErrorType"]) == (500, NULL, "AuthorizerFailureException")
    assert line_of(s)["decisions"][0] == {"control": "authorizer", "name": "custom", "decision": "block", "reason": "not_connected"}


@pytest.mark.parametrize("body", [None, b"nonsense"])
def test_on_failure_allow_lets_pass_and_says_so(door, function, body):
    f = function(body=body) if body else None
    s = door(f, "payload: token, on_failure: allow, headers: { X-User: principalId }", url=None if f else f"http://127.0.0.1:{free_port()}")
    assert ask(s, fields=[("X-User", "forged")]).status == 200
    line = line_of(s)
    assert line["authorizer"]["decision"] == "count" and line["error"] is None
    assert line["decisions"][0]["decision"] == "count"
    assert line["decisions"][0]["reason"] == ("answer_no_json" if body else "not_connected")
    assert b"forged" not in s.server.heard
    assert ask(s, None).status == 401  # nothing has failed: nobody is there


BROKEN = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "broken"),
    (b"\x16\x03\x01 no HTTP\r\n\r\n", "broken"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b" " * 70000, "answer_too_long"),
    (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 21\r\n\r\n" + b'{"isAuthorized":true}', "bad_status"),
    (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 21\r\n\r\n" + b'{"isAuthorized":true}', "bad_status"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answer_no_json"),
]


@pytest.mark.parametrize("text, reason", BROKEN)
def test_whatever_goes_wrong_with_a_call_lets_nobody_in(door, text, reason):
    def script(wire):
        read_request(wire)
        wire.send(text)

    server = Backend(script)
    try:
        s = door(server, "identity: [$request.header.authorization], timeout: 2s")
        answer = ask(s)
        assert (answer.status, answer.body) == (500, SERVER_ERROR) and not s.server.heard
        assert line_of(s)["decisions"][0]["reason"] == reason
    finally:
        server.close()


def test_on_failure_allow_does_not_let_pass_who_is_refused(door, function):
    f = function({"errorMessage": "Unauthorized"})
    s = door(f, "on_failure: allow, identity: [$request.header.authorization]")
    assert ask(s).status == 401
    f.reply = policy("Deny")
    assert ask(s, "u").status == 403
    f.reply = NO
    assert ask(s, "v").status == 403


STUMBLES = [400, 409, 413, 415, 418, 422, 431, 500]
AWAY = [404, 408, 429, 501, 502, 503, 504]


@pytest.mark.parametrize("options", ["identity: [$request.header.authorization]", "identity: [$request.header.authorization], payload: request"])
def test_a_client_cannot_choose_to_be_let_in_by_credentials_that_an_authorizer_stumbles_over(door, function, options):
    """on_failure is for a server that is away; what it says of one request is that request's doing."""
    f = function(body=b"no such token")
    s = door(f, options + ", on_failure: allow")
    for i, status in enumerate(STUMBLES):
        f.status = status
        assert ask(s, f"odd {status}").status == 500, status
        line = line_of(s, i + 1)
        assert line["decisions"] == [{"control": "authorizer", "name": "custom", "decision": "block", "reason": "bad_status"}]
        assert line["error"] == "authorizer_failed" and line["authorizer"]["call"]["error"] == "bad_status"
    assert not s.server.heard
    for status in AWAY:
        f.status = status
        assert ask(s, f"odd {status}").status == 200, status


@pytest.mark.parametrize("fields", ["X-Amz-Function-Error: Unhandled\r\n", ""])
def test_nor_by_credentials_over_which_a_function_throws(door, function, fields):
    f = function({"errorMessage": "'NoneType' object has no attribute 'split'"}, fields=fields)
    s = door(f, "payload: token, on_failure: allow", kind="lambda")
    assert ask(s, "odd").status == 500 and not s.server.heard
    assert line_of(s)["decisions"][0] == {"control": "authorizer", "name": "custom", "decision": "block", "reason": "function_error"}
    f.status = 503
    assert ask(s, "odd").status == 200


def hang(wire, over):
    over.wait(30)


def cut(wire, over):
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def die(wire, over):
    wire.reset()


def stammer(wire, over):
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{'odd': 1")


def rave(wire, over):
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b" " * 70000)


def bad_gateway(wire, over):
    wire.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")


def gateway_timeout(wire, over):
    wire.send(b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("trouble, reason", [(bad_gateway, "bad_status"), (gateway_timeout, "bad_status"), (hang, "timed_out"), (cut, "broken"), (die, "broken"), (stammer, "answer_no_json"),
                                             (rave, "answer_too_long")])
def test_credentials_over_which_an_authorizer_hangs_or_dies_let_nobody_in_while_it_answers_others(door, trouble, reason):
    """Whether it is away shows in others: as long as one of them gets an answer, it is not. Then on_failure has its say."""
    over, away = threading.Event(), threading.Event()

    def script(wire):
        while True:
            if b'"odd ' in read_request(wire)[2] or away.is_set():
                trouble(wire, over)
                return
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n" + b'{"isAuthorized":true}')

    server = Backend(script)
    try:
        s = door(server, "identity: [$request.header.authorization], on_failure: allow, timeout: 1s")
        for i in range(3):
            assert ask(s, f"good {i}").status == 200
            assert ask(s, f"odd {i}").status == 500
            line = line_of(s, 2 * i + 2)
            assert line["decisions"] == [{"control": "authorizer", "name": "custom", "decision": "block", "reason": reason}]
        assert s.server.heard.count(b"GET /orders/7") == 3
        away.set()
        wait_until(lambda: ask(s, "anybody").status == 200, "nobody has been answered for a while: it is away", 20)
    finally:
        over.set()
        server.close()


def test_an_authorizer_that_says_503_of_itself_has_failed_whoever_else_it_answers(door, function):
    f = function(YES)
    s = door(f, "identity: [$request.header.authorization], on_failure: allow, timeout: 10s")
    assert ask(s, "good").status == 200
    f.status = 503
    assert ask(s, "one too many").status == 200
    assert line_of(s, 2)["decisions"] == [{"control": "authorizer", "name": "custom", "decision": "count", "reason": "bad_status"}]


TOO_LONG = [
    ("identity: [$request.header.authorization], payload: request", "event_too_long", [("X-A", "\\" * 120000)]),
    ("identity: [$request.header.x-a], ttl: 1m", "identity_too_long", [("X-A", "a" * 300000)]),
]


@pytest.mark.parametrize("options, reason, fields", TOO_LONG)
def test_a_client_cannot_make_an_authorizer_fail_by_a_long_request(door, function, options, reason, fields):
    f = function()
    kind = "lambda" if "payload" in options else "http"
    s = door(f, options + ", on_failure: allow", kind=kind, more="limits: { header_bytes: 512KiB }")
    assert ask(s, fields=fields).status == 500
    assert line_of(s)["decisions"][0] == {"control": "authorizer", "name": "custom", "decision": "block", "reason": reason}
    assert not f.asked and not s.server.heard


def test_detection_only_says_who_would_have_been_refused(door, function):
    f = function(NO)
    s = door(f, "mode: detection_only, identity: [$request.header.authorization]")
    replies = [NO, policy("Deny"), {"errorMessage": "Unauthorized"}, {}]
    for i, reply in enumerate(replies):
        f.reply = reply
        assert ask(s, f"t{i}").status == 200
        assert line_of(s, i + 1)["decisions"][0]["decision"] == "would_block"
    assert ask(s, None).status == 200 and line_of(s, 5)["decisions"][0]["reason"] == "identity_missing"
    assert len(f.asked) == len(replies)


def test_off_asks_nobody(door, function):
    f = function(NO)
    s = door(f, "mode: off, identity: [$request.header.authorization]")
    assert ask(s).status == 200 and not f.asked and line_of(s)["authorizer"] is None


def test_a_client_that_goes_leaves_the_answer_to_the_next_one(door, function):
    f = function(YES)
    s = door(f)
    f.gate.clear()
    client = s.client()
    client.send(b"GET /orders/7 HTTP/1.1\r\nHost: a\r\nAuthorization: t\r\n\r\n")
    wait_until(lambda: f.asked, "the function is asked")
    client.reset()
    line = s.lines()[0]
    assert line["error"] == "client_gone" and line["status"] is None
    f.gate.set()
    wait_until(lambda: ask(s).status == 200 and line_of(s, len(s.lines(2)))["authorizer"]["cache"] == "hit", "it is known")
    assert len(f.asked) <= 2


def test_a_stop_does_not_wait_for_an_authorizer_for_ever(door, function):
    f = function(YES)
    s = door(f, more="timeouts: { drain: 300ms, drain_delay: 0 }")
    f.gate.clear()
    client = s.client()
    client.send(b"GET /orders/7 HTTP/1.1\r\nHost: a\r\nAuthorization: t\r\n\r\n")
    wait_until(lambda: f.asked, "the function is asked")
    assert s.stop() == 0
