# SPDX-License-Identifier: Apache-2.0
"""Bodies in a content coding: rules see what is in them, the other side gets them as they came."""
import gzip
import zlib

import pytest
from harness import OK, field, read_request
from packers import CODINGS, brotli, zstd

RULES = """
SecRequestBodyAccess On
SecResponseBodyAccess On
SecRule ARGS "@contains attack" "id:1,phase:2,deny,status:403,log"
SecRule RESPONSE_BODY "@contains secret" "id:2,phase:4,deny,status:403,log"
SecRule INBOUND_DATA_ERROR "@eq 1" "id:3,phase:2,pass,log"
"""
FORM = ("Content-Type", "application/x-www-form-urlencoded")
ATTACK, HARMLESS = b"a=" + b"x" * 300 + b"+attack", b"a=harmless"


@pytest.fixture
def guarded(sidegate, tmp_path):
    """guarded(upstream, **rules) -> the program with the rules above."""
    def make(upstream="http://127.0.0.1:9", **rules):
        (tmp_path / "story.conf").write_text(RULES)
        lines = [f"  {key}: {value}" for key, value in rules.items()]
        lines += [] if "response_body" in rules else ["  response_body: { inspect: 128KiB }"]
        return sidegate(upstream, "\n".join(["rules:", f"  files: [{tmp_path}/story.conf]", *lines]))

    return make


def post(s, body, coding):
    return s.ask("POST", fields=[FORM, ("Content-Encoding", coding)], body=body)


def test_an_attack_in_a_coding_is_found(guarded):
    s = guarded()
    for coding, pack in CODINGS.items():
        assert post(s, pack(ATTACK), coding).status == 403, coding
    lines = s.lines(len(CODINGS))
    assert all(line["waf"]["rules"] == [1] and line["error"] == "waf_blocked" for line in lines)


def test_a_coded_body_arrives_as_it_was_sent(guarded, backend):
    got = []

    def keep(wire):
        while True:
            got.append(read_request(wire))
            wire.send(OK)

    s = guarded(backend(keep).url)
    for coding, pack in CODINGS.items():
        body = pack(HARMLESS)
        assert post(s, body, coding).status == 200, coding
        assert got[-1][2] == body and field(got[-1][1], "content-encoding") == coding


def test_two_members_and_two_lines_are_one_body(guarded):
    s = guarded()
    assert post(s, gzip.compress(HARMLESS) + gzip.compress(b"&b=attack"), "gzip").status == 403
    twice = [FORM, ("Content-Encoding", "deflate"), ("Content-Encoding", "gzip")]
    assert s.ask("POST", fields=twice, body=gzip.compress(zlib.compress(ATTACK))).status == 403
    assert post(s, zstd(HARMLESS) + zstd(b"&b=attack"), "zstd").status == 403


BOMB, ZEROS = gzip.compress(b"a=" + bytes(4 << 20), 9), b"a=" + bytes(4 << 20)
# a frame of nothing that wants a window of 16 MiB: RFC 8878 3.1.1
WIDE = bytes.fromhex("28b52ffd 00 70 010000")


@pytest.mark.parametrize("body, coding, status, error", [
    (BOMB, "gzip", 413, "body_over_inspection_limit"),
    (gzip.compress(b"a=" + bytes(range(256)) * 520, 1), "gzip", 413, "body_over_inspection_limit"),
    (HARMLESS, "gzip", 400, "body_coding_broken"),
    (gzip.compress(HARMLESS)[:-1], "gzip", 400, "body_coding_broken"),
    (gzip.compress(HARMLESS) + b"&b=1", "gzip", 400, "body_coding_broken"),
    (HARMLESS, "deflate", 400, "body_coding_broken"),
    (brotli(ZEROS), "br", 413, "body_over_inspection_limit"),
    (zstd(ZEROS), "zstd", 413, "body_over_inspection_limit"),
    (WIDE, "zstd", 413, "body_over_inspection_limit"),
    (gzip.compress(brotli(ZEROS)), "br, gzip", 413, "body_over_inspection_limit"),
    (HARMLESS, "br", 400, "body_coding_broken"),
    (brotli(ATTACK)[:-1], "br", 400, "body_coding_broken"),
    (brotli(HARMLESS) + b"&b=1", "br", 400, "body_coding_broken"),
    (HARMLESS, "zstd", 400, "body_coding_broken"),
    (zstd(ATTACK)[:-1], "zstd", 400, "body_coding_broken"),
    (zstd(HARMLESS) + b"&b=1", "zstd", 400, "body_coding_broken"),
    (gzip.compress(HARMLESS), "gzip, gzip, gzip", 415, "body_codings_too_many"),
])
def test_what_cannot_be_read_is_refused_and_counted(guarded, body, coding, status, error):
    s = guarded()
    assert post(s, body, coding).status == status
    assert s.lines()[0]["error"] == error
    assert s.metric("sidegate_rule_limits_total", limit="request_body") == 1


def test_undoing_codings_is_counted_into_the_budget_and_runs_in_slices(guarded):
    s = guarded(request_body="{ inspect: 10MiB }", cpu_budget="1ms")
    empty = gzip.compress(b"")
    assert post(s, gzip.compress(HARMLESS) + empty * ((4 << 20) // len(empty)), "gzip").status == 403
    assert s.lines()[0]["error"] == "waf_limit"
    assert s.metric("sidegate_rule_limits_total", limit="cpu_budget") == 1


def test_the_policy_for_long_bodies_decides_about_unreadable_ones(guarded, backend):
    got = []

    def keep(wire):
        while True:
            got.append(read_request(wire))
            wire.send(OK)

    s = guarded(backend(keep).url, request_body="{ over_limit: prefix }")
    assert post(s, HARMLESS, "gzip").status == 200 and got[-1][2] == HARMLESS
    assert post(s, BOMB, "gzip").status == 200 and got[-1][2] == BOMB
    # what could be read is looked at, and where nothing could, the bytes as they came
    assert post(s, ATTACK, "gzip").status == 403
    assert post(s, gzip.compress(ATTACK) + b"&b=1", "gzip").status == 403
    lines = s.lines(4)
    assert [line["waf"]["rules"] for line in lines[:2]] == [[3], [3]]
    assert s.metric("sidegate_rule_limits_total", limit="request_body") == 4


def test_with_pass_what_cannot_be_read_is_not_looked_at(guarded, backend):
    s = guarded(backend().url, request_body="{ over_limit: pass }")
    assert post(s, ATTACK, "gzip").status == 200
    assert post(s, gzip.compress(ATTACK), "gzip").status == 403


def test_detection_only_refuses_no_unreadable_body(guarded, backend):
    s = guarded(backend().url, mode="detection_only")
    assert post(s, BOMB, "gzip").status == 200
    assert post(s, ATTACK, "gzip").status == 200
    assert s.lines(2)[1]["waf"]["action"] == "would_block"


def answering(body, coding):
    def script(wire):
        while True:
            read_request(wire)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}"
            wire.send(head.encode() + b"\r\n\r\n" + body)

    return script


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "gzip, br"])
def test_a_coded_answer_is_read_and_passed_on_as_it_came(guarded, backend, coding):
    body = CODINGS[coding](b"all is well")
    answer = guarded(backend(answering(body, coding)).url).ask()
    assert (answer.status, answer.body, answer["content-encoding"]) == (200, body, coding)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_secret_in_a_coded_answer_is_found(guarded, backend, coding):
    assert guarded(backend(answering(CODINGS[coding](b"the secret"), coding)).url).ask().status == 403


def test_an_unreadable_answer_goes_by_the_policy_for_long_ones(guarded, backend):
    app = backend(answering(b"not gzip", "gzip"))
    s = guarded(app.url)
    assert s.ask().body == b"not gzip"
    assert s.metric("sidegate_rule_limits_total", limit="response_body") == 1


def test_an_unreadable_answer_is_refused_where_long_ones_are(guarded, backend):
    s = guarded(backend(answering(b"not gzip", "gzip")).url, response_body="{ inspect: 128KiB, over_limit: reject }")
    assert s.ask().status == 502
    assert s.lines()[0]["error"] == "answer_coding_broken"


@pytest.mark.parametrize("asked, passed", [
    ("gzip, deflate, br;q=0.9, zstd, compress", "gzip, deflate, br;q=0.9, zstd"),
    ("dcz, gzip ; q=0.5, *", "gzip ; q=0.5"), ("dcb", None),
    ("identity", "identity")])
def test_backends_are_asked_only_for_codings_that_rules_can_read(guarded, backend, asked, passed):
    app = backend()
    guarded(app.url).ask(fields=[("Accept-Encoding", asked)])
    assert field(fields_of(app), "accept-encoding") == passed


def test_without_inspected_answers_everything_may_be_asked_for(guarded, backend):
    app = backend()
    guarded(app.url, response_body="{ inspect: 0 }").ask(fields=[("Accept-Encoding", "dcb, gzip")])
    assert field(fields_of(app), "accept-encoding") == "dcb, gzip"


def fields_of(app):
    """The fields of the only request that came."""
    lines = app.heard.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")[1:]
    return [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
