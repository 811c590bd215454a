# SPDX-License-Identifier: Apache-2.0
"""Lists of addresses that change while the program runs, by the admin API and its command."""
import json
import signal
import threading
from http.client import HTTPConnection

import pytest
from harness import always_ok, run, wait_until
from lists import Lists

SETS = """
ip_sets:
  abusers: { addresses: [192.0.2.0/28] }
  office: { addresses: ["2001:db8::/32"] }
access:
  - { name: office, match: { ip_set: office }, action: allow }
  - { name: abusers, match: { ip_set: abusers }, action: block }
"""


@pytest.fixture
def lists(sidegate, backend):
    return Lists(sidegate(backend(always_ok).url, SETS, trusted="127.0.0.1"))


@pytest.mark.parametrize("entry,inside,outside", [
    ("203.0.113.0/24", ["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.9"], ["203.0.112.255", "203.0.114.0"]),
    ("203.0.113.9", ["203.0.113.9"], ["203.0.113.8", "203.0.113.10"]),
    ("::ffff:203.0.113.9", ["203.0.113.9", "::ffff:203.0.113.9"], ["203.0.113.8"]),
    ("2001:db9::/32", ["2001:db9::1", "2001:db9:ffff::"], ["2001:dba::", "203.0.113.9"]),
    ("2001:db9::1", ["2001:db9::1", "2001:db9:0::0:1"], ["2001:db9::2"])])
def test_what_is_put_in_is_kept_out_at_once_and_let_in_again_when_it_is_taken_out(lists, entry, inside, outside):
    assert [lists.ask(c) for c in inside + outside] == [200] * len(inside + outside)
    assert lists.put("abusers", entry, ttl="10m")[0] == 201
    assert [lists.ask(c) for c in inside] == [403] * len(inside)
    assert [lists.ask(c) for c in outside] == [200] * len(outside)
    assert lists.api("DELETE", f"/abusers/entries/{entry}")[0] == 200
    assert [lists.ask(c) for c in inside] == [200] * len(inside)


def test_an_entry_ends_with_its_time_and_the_log_says_so(lists):
    assert lists.put("abusers", "203.0.113.9", ttl="300ms")[0] == 201
    assert lists.put("abusers", "203.0.113.10", ttl="1h")[0] == 201
    wait_until(lambda: lists.ask("203.0.113.9") == 200, "the end of its time")
    wait_until(lambda: "ip_set abusers: 203.0.113.9 is out: its time is over" in lists.s.errors(), "the log's line")
    assert [e["address"] for e in lists.entries("abusers")] == ["203.0.113.10"] and lists.ask("203.0.113.10") == 403


def test_get_shows_what_is_in_for_how_long_and_why(lists):
    assert lists.api("GET") == (200, {"ip_sets": [
        {"name": "abusers", "configured": 1, "live": 0, "live_most": 10000},
        {"name": "office", "configured": 1, "live": 0, "live_most": 10000}]})
    status, entry = lists.put("abusers", "203.0.113.0/24", ttl="10m", reason='scans, says "ops"')
    assert status == 201 and entry["ttl_s"] == 600 and entry["expires"] > entry["added"] and entry["reason"] == 'scans, says "ops"'
    lists.put("abusers", "2001:DB9::1")
    shown = {e["address"]: e for e in lists.entries("abusers")}
    assert set(shown) == {"203.0.113.0/24", "2001:db9::1"} and 590 <= shown["203.0.113.0/24"]["ttl_s"] <= 600
    assert (shown["2001:db9::1"]["expires"], shown["2001:db9::1"]["reason"]) == (None, "")
    assert lists.api("GET")[1]["ip_sets"][0]["live"] == 2


def test_put_again_is_the_new_time_and_post_does_the_same(lists):
    assert lists.put("abusers", "203.0.113.9", ttl="1s")[0] == 201
    status, entry = lists.put("abusers", "203.0.113.9", "POST", ttl="2h", reason="again")
    assert status == 200 and entry["ttl_s"] > 7000
    assert [(e["address"], e["reason"]) for e in lists.entries("abusers")] == [("203.0.113.9", "again")]


@pytest.mark.parametrize("path,body,status,detail", [
    ("/abusers/entries", b"", 400, "no JSON object"), ("/abusers/entries", b"[1]", 400, "no JSON object"),
    ("/abusers/entries", {"address": "203.0.113.1/24"}, 400, "no bits behind the prefix"),
    ("/abusers/entries", {"address": "203.0.113.1-203.0.113.9"}, 400, "address: expected"),
    ("/abusers/entries", {"address": "example.org"}, 400, "address: expected"), ("/abusers/entries", {}, 400, "address: expected"),
    ("/abusers/entries", {"address": 7}, 400, "a text is expected for 'address'"),
    ("/abusers/entries", {"address": "203.0.113.1", "tll": "1s"}, 400, "unknown key 'tll': did you mean 'ttl'?"),
    ("/abusers/entries", {"address": "203.0.113.1", "ttl": "10"}, 400, "ttl: expected a duration"),
    ("/abusers/entries", {"address": "203.0.113.1", "ttl": "0s"}, 400, "ttl: expected a duration"),
    ("/abusers/entries", {"address": "203.0.113.1", "ttl": "400d"}, 400, "at most 366d"),
    ("/abusers/entries", {"address": "203.0.113.1", "reason": "x" * 201}, 400, "reason: at most 200 bytes"),
    ("/abusers/entries", b'{"address":"203.0.113.1","address":"203.0.113.2"}', 400, "no JSON object"),
    ("/abuser/entries", {"address": "203.0.113.1"}, 404, "there is no ip_set 'abuser' (did you mean 'abusers'?)"),
    ("/abusers", {"address": "203.0.113.1"}, 404, "/entries")])
def test_what_is_no_entry_is_refused_with_what_was_expected(lists, path, body, status, detail):
    got, problem = lists.api("PUT", path, body)
    assert got == status and detail in problem["detail"], problem
    assert lists.api("GET")[1]["ip_sets"][0]["live"] == 0


def test_what_the_configuration_says_is_not_taken_out(lists):
    status, problem = lists.api("DELETE", "/abusers/entries/192.0.2.0%2F28")
    assert status == 404 and "what the configuration says is changed there" in problem["detail"]
    assert lists.ask("192.0.2.1") == 403
    assert lists.api("DELETE", "/abusers/entries/203.0.113.0%2g24")[0] == 400
    assert lists.api("DELETE", "/abusers/entries")[0] == 404


def test_a_reload_keeps_what_was_put_in_by_the_names_of_the_sets(lists):
    lists.put("abusers", "203.0.113.9", ttl="1h")
    lists.s.write(SETS.replace("192.0.2.0/28", "198.51.100.0/28"))
    lists.s.signal(signal.SIGHUP)
    wait_until(lambda: lists.ask("198.51.100.1") == 403, "the new configuration")
    assert (lists.ask("203.0.113.9"), lists.ask("192.0.2.1")) == (403, 200)
    assert lists.entries("abusers")[0]["ttl_s"] <= 3600


def test_changes_need_the_token_and_a_page_of_another_site_makes_none(sidegate, backend, tmp_path):
    (tmp_path / "token").write_text("let me\n")
    (tmp_path / "token").chmod(0o600)
    s = sidegate(backend(always_ok).url, SETS, trusted="127.0.0.1")
    lists = Lists(s)
    s.write(SETS + f"admin: {{ address: 127.0.0.1:{s.admin_port}, token_file: token }}")
    s.signal(signal.SIGHUP)
    wait_until(lambda: lists.api("GET")[0] == 401, "the token is asked for")
    assert [lists.put("abusers", "203.0.113.9")[0], lists.api("DELETE", "/abusers/entries/203.0.113.9")[0]] == [401, 401]
    assert lists.ask("203.0.113.9") == 200
    lists.token = "let me"
    assert lists.api("PUT", "/abusers/entries", {"address": "203.0.113.9"}, Origin="http://evil.example")[0] == 403
    assert lists.put("abusers", "203.0.113.9")[0] == 201


def test_each_change_stands_in_the_log_on_one_line_with_who_asked(lists):
    lists.put("abusers", "203.0.113.0/24", ttl="10m", reason="bad\nclient")
    lists.put("abusers", "203.0.113.0/24", ttl="20m")
    lists.api("DELETE", "/abusers/entries/203.0.113.0/24")
    lists.says("is taken out")
    said = [line.split("info: ")[1] for line in lists.s.errors().splitlines() if "ip_set abusers" in line]
    assert said == ['ip_set abusers: 203.0.113.0/24 is put in for 600 s by 127.0.0.1: "bad\\nclient"',
                    "ip_set abusers: 203.0.113.0/24 is kept in for 1200 s by 127.0.0.1",
                    "ip_set abusers: 203.0.113.0/24 is taken out by 127.0.0.1"]


def test_a_set_that_is_full_says_so_and_keeps_what_it_has(lists):
    admin = HTTPConnection("127.0.0.1", lists.s.admin_port)
    for i in range(10001):
        admin.request("PUT", "/api/v1/ip_sets/abusers/entries", json.dumps({"address": f"10.0.{i // 256}.{i % 256}"}))
        answer = admin.getresponse()
        said = json.load(answer)
    assert answer.status == 409 and "as many live entries as it may" in said["detail"]
    assert (lists.ask("10.0.39.15"), lists.ask("10.0.39.16")) == (403, 200)
    assert len(lists.entries("abusers")) == 10000


def test_web_acls_ask_what_was_put_into_a_set_too(sidegate, backend, tmp_path):
    acl = {"Name": "a", "DefaultAction": {"Allow": {}}, "Rules": [
        {"Name": "abusers", "Priority": 0, "Action": {"Block": {}},
         "Statement": {"IPSetReferenceStatement": {"ARN": "arn:aws:wafv2:eu-central-1:1:regional/ipset/abusers/x"}},
         "VisibilityConfig": {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}}],
        "VisibilityConfig": {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}}
    (tmp_path / "acl.json").write_text(json.dumps(acl))
    lists = Lists(sidegate(backend(always_ok).url, "ip_sets: { abusers: { addresses: [192.0.2.0/28] } }\n"
                           "access: [{ web_acl: acl.json }]", trusted="127.0.0.1"))
    assert (lists.ask("203.0.113.9"), lists.ask("192.0.2.1")) == (200, 403)
    lists.put("abusers", "203.0.113.9")
    assert lists.ask("203.0.113.9") == 403


def test_the_command_lists_adds_and_removes(lists):
    admin = ("--admin", f"127.0.0.1:{lists.s.admin_port}")
    assert run("ip-sets", "add", "abusers", "203.0.113.0/24", "--ttl", "10m", "--reason", 'a "b"', *admin) == (0, "it is in\n", "")
    assert lists.ask("203.0.113.9") == 403
    code, said, _ = run("ip-sets", "list", *admin)
    assert code == 0 and [line.split() for line in said.splitlines()] == [
        ["NAME", "CONFIGURED", "LIVE"], ["abusers", "1", "1"], ["office", "1", "0"]]
    code, said, _ = run("ip-sets", "list", "abusers", *admin)
    assert code == 0 and said.splitlines()[0] == "abusers: 1 configured, 1 put in while running"
    assert said.splitlines()[1].startswith("203.0.113.0/24 ") and said.endswith('a "b"\n')
    assert run("ip-sets", "remove", "abusers", "203.0.113.0/24", *admin) == (0, "it is out\n", "")
    assert lists.ask("203.0.113.9") == 200
    code, _, said = run("ip-sets", "remove", "abusers", "203.0.113.0/24", *admin)
    assert code == 1 and said.startswith("sidegate ip-sets: 404 no such entry was put in")
    assert run("ip-sets", "add", "abuser", "203.0.113.9", *admin)[0] == 1
    assert run("ip-sets", "add", "abusers", "2001:db9::/32", *admin)[0] == 0
    code, said, _ = run("ip-sets", "list", "abusers", *admin)
    assert "until it is removed" in said


@pytest.mark.parametrize("words,said", [(["ip-sets"], "list, add or remove?"), (["ip-sets", "ad", "x"], "did you mean 'add'?"),
                                        (["ip-sets", "add", "abusers"], "which set, and which address?"),
                                        (["ip-sets", "list", "--ttl", "1s"], "--ttl and --reason go with add"),
                                        (["ip-sets", "add", "a", "b", "c"], "one word too many: 'c'")])
def test_a_wrong_command_line_says_what_is_wrong(words, said):
    code, _, error = run(*words)
    assert code == 2 and said in error


def test_entries_change_under_load_and_every_answer_is_right(lists):
    """One client is always in, one never; a third goes in and out, and its answer is right whenever nobody changes it."""
    over, wrong, asked = threading.Event(), [], [0, 0]
    lists.put("abusers", "203.0.113.1")

    def load(n):
        client = lists.s.client()
        while not over.is_set():
            got = [client.ask(fields=[("X-Forwarded-For", f"203.0.113.{i}")]).status for i in (1, 2)]
            asked[n] += 2
            if got != [403, 200]:
                wrong.append(got)
        client.close()

    threads = [threading.Thread(target=load, args=(n,)) for n in range(2)]
    for t in threads:
        t.start()
    for i in range(150):
        lists.put("abusers", "203.0.113.128/25", ttl="1h")
        assert lists.ask("203.0.113.200") == 403
        assert lists.api("DELETE", "/abusers/entries/203.0.113.128/25")[0] == 200
        assert lists.ask("203.0.113.200") == 200
    wait_until(lambda: min(asked) > 50, "some load")
    over.set()
    for t in threads:
        t.join()
    assert wrong == []
