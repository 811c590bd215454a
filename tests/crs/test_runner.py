# SPDX-License-Identifier: Apache-2.0
"""The runner is tried itself: what it sends, and that it tells a program that logs nothing, or everything, apart."""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import runner  # noqa: E402
from backend import answer  # noqa: E402
from corpus import form_encoded, request_bytes  # noqa: E402

CORPUS = """
rule_id: 942100
tests:
  - {test_id: 1, stages: [{input: {uri: "/?q=1"}, output: {retry_once: true, log: {expect_ids: [942100]}}}]}
  - {test_id: 2, stages: [{input: {uri: /}, output: {log: {no_expect_ids: [942100]}}}]}
  - {test_id: 3, stages: [{input: {uri: /}, output: {log: {match_regex: 'id "9421\\d+"'}}}]}
  - {test_id: 4, stages: [{input: {uri: /}, output: {log: {no_match_regex: '\\[id "\\d+"\\]'}}}]}
  - {test_id: 5, stages: [{input: {uri: /}, output: {status: 200, log: {no_expect_ids: [942100]}}}]}
  - test_id: 6
    stages:
      - {input: {uri: /}, output: {log: {no_expect_ids: [1]}}}
      - {input: {method: POST, data: "a=b"}, output: {log: {expect_ids: [942100, 920100]}}}
  - {test_id: 7, stages: [{input: {uri: /}, output: {status: 400}}]}
  - {test_id: 8, stages: [{input: {uri: /}, output: {expect_error: true, log: {expect_ids: [942100]}}}]}
"""
POSITIVE, NEGATIVE = {"942100-1", "942100-3", "942100-6", "942100-8"}, {"942100-2", "942100-4", "942100-5"}


@pytest.fixture
def data(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "crs-setup.conf.example").write_text("")
    (tmp_path / "tests" / "942100.yaml").write_text(CORPUS)
    return tmp_path


def failing(data, ids, monkeypatch):
    """(names that fail, all tests) with a program that logs these ids for each request."""
    monkeypatch.setattr(runner.harness, "PROGRAM", str(HERE / "fake.py"))
    monkeypatch.setenv("FAKE_IDS", ids)
    folder = data / "run"
    folder.mkdir()
    tests = runner.read(data / "tests")
    statuses = runner.send_all(tests, data, folder, 2)
    return set(runner.judge_all(tests, statuses, runner.read_logs(folder))), tests


def test_a_program_that_logs_nothing_fails_every_positive_and_no_negative(data, monkeypatch):
    failed, tests = failing(data, "", monkeypatch)
    assert {t.name for t in tests if t.kind == "positive"} == POSITIVE
    assert failed == POSITIVE | {"942100-7"}


def test_a_program_that_logs_every_id_fails_every_negative(data, monkeypatch):
    failed, tests = failing(data, "942100 920100 911100", monkeypatch)
    assert {t.name for t in tests if t.kind == "negative"} == NEGATIVE
    assert failed == NEGATIVE | {"942100-7", "942100-8"}


def test_the_table_keeps_positives_and_negatives_apart(data, monkeypatch, capsys):
    failed, tests = failing(data, "", monkeypatch)
    count = runner.tell_table(tests, failed)
    assert (count["all", "positive", "passed"], count["all", "positive", "failed"]) == (0, 4)
    assert (count["all", "negative", "passed"], count["all", "negative", "failed"]) == (3, 0)
    assert capsys.readouterr().out.splitlines()[-1].split() == ["all", "3", "5", "0", "4", "3", "0", "0", "1"]


def test_tests_of_the_logs_text_and_of_retry_once_are_named(data, monkeypatch, capsys):
    failed, tests = failing(data, "942100", monkeypatch)
    runner.tell_special(tests, failed)
    assert capsys.readouterr().out.splitlines() == [
        "1 of 2 tests pass that look at the text of log lines: 942100-3 942100-4",
        "1 of 1 tests pass that may be sent once more (retry_once), but were not: 942100-1"]


def test_ids_count_for_their_own_request_alone(tmp_path):
    (tmp_path / "access.log").write_text('{"client_address":"127.1.0.1","request_id":"a"}\n'
                                         '{"client_address":"127.1.0.1","request_id":"b"}\n')
    (tmp_path / "rules.log").write_text('[client 127.1.0.1] [id "1"] [unique_id "a"]\n'
                                        '[client 127.1.0.1] [id "2"] [unique_id "b"]\n'
                                        '[client 127.1.0.2] [id "3"] [unique_id "a"]\n')
    assert runner.read_logs(tmp_path) == {"127.1.0.1": ['[client 127.1.0.1] [id "1"] [unique_id "a"]']}


def test_addresses_are_all_different():
    addresses = {runner.address_of(i) for i in range(130000)}
    assert len(addresses) == 130000 and not any(a.endswith((".0", ".255")) for a in addresses)


@pytest.mark.parametrize("given, wanted", [
    ({}, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
    ({"method": "|GET", "uri": "/a b#c", "version": ""}, b"|GET /a b#c \r\nConnection: close\r\n\r\n"),
    ({"headers": {"Host": "h", "Accept": ""}}, b"GET / HTTP/1.1\r\nAccept: \r\nHost: h\r\nConnection: close\r\n\r\n"),
    ({"headers": {"Connection": "keep-alive"}}, b"GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n"),
    ({"method": "POST"}, b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    ({"method": "POST", "data": "a=b c"},
     b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: 5\r\n\r\na=b+c"),
    ({"method": "POST", "data": "a=<", "headers": {"Content-Type": "text/plain", "content-length": "1"}},
     b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\ncontent-length: 1\r\nConnection: close\r\n\r\na=<"),
    ({"method": "POST", "data": "a=<", "autocomplete_headers": "false"}, b"POST / HTTP/1.1\r\n\r\na=<"),
    ({"data": "a\nb", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
     b"GET / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\nConnection: close\r\nContent-Length: 4\r\n\r\na\r\nb"),
    ({"data": 'a={{ "1" | repeat 3 }}', "autocomplete_headers": "false"}, b"GET / HTTP/1.1\r\n\r\na=111"),
    ({"data": "a={{7*7}}", "autocomplete_headers": "false"}, b"GET / HTTP/1.1\r\n\r\na={{7*7}}"),
    ({"encoded_request": "R0VUIC8N\nCg=="}, b"GET /\r\n"),
])
def test_a_request_goes_out_as_it_is_given(given, wanted):
    assert request_bytes(given) == wanted


@pytest.mark.parametrize("data, wanted", [
    (b"a=1&b=<x>&", b"a=1&b=%3Cx%3E"),
    (b"a=b=c", b"a=b%3Dc"),
    (b"a b", b"a+b"),
    (b"a=%3C&b=<", b"a=%3C&b=<"),  # escaped already
    (b"a=1+1&b=<", b"a=1+1&b=<"),
    (b"a=%zz", b"a=%zz"),  # not to be unescaped
    (b"a=\xc3\xa9", b"a=%C3%A9"),
])
def test_forms_are_escaped_only_where_nothing_is_escaped_yet(data, wanted):
    assert form_encoded(data) == wanted


def test_the_backend_reflects():
    line = "POST /reflect HTTP/1.1"
    assert answer(line, [], b'{"status": 201, "headers": {"X-A": "b"}, "body": "hi"}') == (
        b"HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nhi")
    assert answer(line, [], b'{"encodedBody": "aGk="}').endswith(b"\r\n\r\nhi")
    assert answer(line, [], b"<%").startswith(b"HTTP/1.1 400 ")
    assert answer("GET /reflect HTTP/1.1", [], b"") == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
