# SPDX-License-Identifier: Apache-2.0
"""Lists of addresses that change while the program runs: by the admin API, and by the server that a list comes from."""
import json
import os
import signal
import socket
import ssl
import threading
import urllib.error
import urllib.request
from http.client import HTTPConnection

import pytest
from certificates import Authority
from harness import Sidegate, always_ok, run, wait_until

SETS = """
ip_sets:
  abusers: { addresses: [192.0.2.0/28] }
  office: { addresses: ["2001:db8::/32"] }
access:
  - { name: office, match: { ip_set: office }, action: allow }
  - { name: abusers, match: { ip_set: abusers }, action: block }
"""


class Lists:
    """The program with lists, asked in the name of any client, and its admin API."""

    def __init__(self, s, token=None):
        self.s, self.token = s, token

    def ask(self, client):
        return self.s.ask(fields=[("X-Forwarded-For", client)]).status

    def api(self, method, path="", body=None, **fields):
        """(status, what the answer says)."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.s.admin_port}/api/v1/ip_sets{path}", data, {**headers, **fields},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def put(self, name, address, method="PUT", **more):
        return self.api(method, f"/{name}/entries", {"address": address, **more})

    def says(self, text):
        """The log's line may be a moment behind the answer."""
        wait_until(lambda: text in self.s.errors(), f"'{text}' in the log")

    def entries(self, name):
        return self.api("GET", f"/{name}")[1]["entries"]


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


# ---- from a server ----

URL = """
ip_sets:
  abusers: {{ url: "{url}", refresh: 100ms, timeout: 2s{more} }}
access:
  - {{ name: abusers, match: {{ ip_set: abusers }}, action: block }}
"""


class ListServer:
    """Serves one list as `answer` says, with tags; what it was asked is kept."""

    def __init__(self, backend, text="192.0.2.0/24\n"):
        self.asked, self.same, self.answer = [], 0, None
        self.put(text)
        self.server = backend(self.serve)
        self.url = self.server.url + "/abusers.txt?key=secret"

    def put(self, text, tag=None, **fields):
        self.text = text if isinstance(text, bytes) else text.encode()
        self.tag = tag or f'"{hash(self.text)}"'
        self.dated = fields.get("dated")
        self.answer = None

    def head(self, length, status="200 OK"):
        dated = f"Last-Modified: {self.dated}\r\n" if self.dated else f"ETag: {self.tag}\r\n"
        return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{dated}\r\n".encode()

    def serve(self, wire):
        while True:
            _, fields = wire.head()
            self.asked.append(dict(fields))
            if self.answer is not None:
                wire.send(self.answer)
                return
            known = dict(fields).get("If-Modified-Since") == self.dated if self.dated else dict(fields).get("If-None-Match") == self.tag
            self.same += known
            wire.send(self.head(0, "304 Not Modified") if known else self.head(len(self.text)) + self.text)


@pytest.fixture
def served(sidegate, backend):
    server = ListServer(backend)
    lists = Lists(sidegate(backend(always_ok).url, URL.format(url=server.url, more=""), trusted="127.0.0.1"))
    lists.server = server
    return lists


def fetches(lists, result):
    return lists.s.metric("sidegate_ip_set_fetches_total", ip_set="abusers", result=result)


def test_a_list_from_a_server_holds_from_the_first_request_on(served):
    assert (served.ask("192.0.2.7"), served.ask("198.51.100.7")) == (403, 200)
    assert fetches(served, "new") == 1 and served.s.metric("sidegate_ip_set_entries", ip_set="abusers", kind="configured") == 1
    assert served.s.metric("sidegate_ip_set_age_seconds", ip_set="abusers") < 5
    shown = served.api("GET", "/abusers")[1]
    assert shown["url"] == served.server.server.url + "/abusers.txt" and shown["failure"] is None and shown["confirmed"]
    assert "secret" not in served.s.errors()


def test_it_is_not_ready_before_its_lists_were_asked_for(backend, tmp_path):
    server, may_answer = ListServer(backend), threading.Event()

    class Watched(Sidegate):
        def is_ready(self):
            try:
                status, said = self.status("/readyz?verbose")
            except OSError:
                return False
            if "[+] serving" in said and "[-] lists from servers were asked for" in said:
                assert status == 503
                may_answer.set()
            return status == 200

    def patient(wire):
        may_answer.wait(20)
        server.serve(wire)

    s = Watched(tmp_path, backend(always_ok).url, URL.format(url=backend(patient).url, more="").replace("timeout: 2s", "timeout: 20s"),
                trusted="127.0.0.1")
    assert may_answer.is_set() and Lists(s).ask("192.0.2.7") == 403
    assert s.stop() == 0


def test_a_list_that_changes_at_the_server_is_swapped(served):
    assert served.ask("192.0.2.7") == 403
    served.server.put("# others now\n198.51.100.0/24 ; all of it\n2001:db8::1-2001:db8::9\n")
    wait_until(lambda: served.ask("198.51.100.7") == 403, "the new list")
    assert [served.ask(c) for c in ("192.0.2.7", "2001:db8::9", "2001:db8::a")] == [200, 403, 200]


def test_what_has_not_changed_is_not_sent_again_by_tag_or_by_date(served):
    wait_until(lambda: served.server.same >= 3, "three times the same")
    assert fetches(served, "new") == 1 and served.s.metric("sidegate_config_snapshot") == 2
    served.server.put("198.51.100.0/24\n", dated="Sun, 06 Nov 1994 08:49:37 GMT")
    wait_until(lambda: served.ask("198.51.100.7") == 403, "the new list")
    same = served.server.same
    wait_until(lambda: served.server.same >= same + 2, "the same by date")
    assert "If-Modified-Since" in served.server.asked[-1] and "If-None-Match" not in served.server.asked[-1]
    wait_until(lambda: fetches(served, "unchanged") >= 5, "they are counted")


BROKEN = {
    "status": (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno", "status", "it answers with status 500"),
    "moved": (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", "status", "it answers with status 302"),
    "page": (b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n<html>\n192.0.2.0/24\n\n", "no_list", "line 1: found '<html>'"),
    "line": (b"HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n198.51.100.0/24\n300.1.1\n", "no_list", "line 2: found '300.1.1'"),
    "empty": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "no_list", "line 1: found ''"),
    "short": (b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n198.51.100.0/24\n", "broken", ""),
    "chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n198.51.100.0/24\n\r\n", "broken", ""),
    "noise": (b"SSH-2.0-x\r\n\r\n", "broken", ""),
    "large": (b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"198.51.100.0/24\n" * 187 + b"#" * 8, "too_large", ""),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_download_keeps_the_last_good_list_and_says_so(sidegate, backend, what):
    server = ListServer(backend)
    lists = Lists(sidegate(backend(always_ok).url, URL.format(url=server.url, more=", max_size: 2KiB"), trusted="127.0.0.1"))
    assert lists.ask("192.0.2.7") == 403
    server.answer, result, why = BROKEN[what]
    wait_until(lambda: fetches(lists, result) >= 1, "a failure")
    assert (lists.ask("192.0.2.7"), lists.ask("198.51.100.7")) == (403, 200)
    failure = wait_until(lambda: lists.api("GET", "/abusers")[1]["failure"], "the reason")
    assert why in failure
    lists.says("the list that came last stands")
    said = [line for line in lists.s.errors().splitlines() if "the list that came last stands" in line]
    assert len(said) == 1 and f"ip_set abusers: {server.server.url}/abusers.txt: " in said[0] and why in said[0]
    assert lists.s.metric("sidegate_config_last_reload_successful") == 1
    server.put("198.51.100.0/24\n")
    wait_until(lambda: (lists.ask("192.0.2.7"), lists.ask("198.51.100.7")) == (200, 403), "the mended list")
    assert lists.api("GET", "/abusers")[1]["failure"] is None


def test_a_server_that_is_gone_leaves_the_last_good_list(served):
    assert served.ask("192.0.2.7") == 403
    port = served.server.server.port
    served.server.server.listener.shutdown(socket.SHUT_RDWR)
    served.server.server.close()
    wait_until(lambda: fetches(served, "not_connected") >= 1, "a failure")
    assert served.ask("192.0.2.7") == 403
    served.says(str(port))
    served.s.signal(signal.SIGHUP)
    wait_until(lambda: "configuration 3 is in force" in served.s.errors(), "the reload")
    assert (served.ask("192.0.2.7"), served.ask("198.51.100.7")) == (403, 200)


@pytest.mark.parametrize("how,action,status,word", [("deny", "block", 403, "block"), ("deny", "allow", 200, "count"),
                                                    ("allow", "block", 200, "count"), ("allow", "allow", 200, "allow")])
def test_as_long_as_no_list_ever_came_on_failure_decides_and_the_decision_says_so(sidegate, backend, how, action, status, word):
    config = URL.format(url="http://127.0.0.1:9/list", more=f", on_failure: {how}").replace("action: block", f"action: {action}")
    lists = Lists(sidegate(backend(always_ok).url, config, trusted="127.0.0.1"))
    assert lists.ask("203.0.113.7") == status
    over = ": passed over" if word == "count" else ""
    assert lists.s.lines()[-1]["decisions"] == [{"control": "access", "name": "abusers", "decision": word,
                                                 "reason": f"ip_set: abusers (ip_set abusers never came, on_failure: {how}{over})"}]
    lists.says("no list ever came, and on_failure decides")
    assert lists.put("abusers", "203.0.113.7")[0] == 201  # what is put in is known
    assert lists.ask("203.0.113.7") == (403 if action == "block" else 200)
    assert lists.s.lines(2)[-1]["decisions"][0]["reason"] == "ip_set: abusers"


def test_a_server_to_which_a_list_that_never_came_is_as_it_was_has_not_sent_one(sidegate, backend):
    server = ListServer(backend)
    server.answer = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    lists = Lists(sidegate(backend(always_ok).url, URL.format(url=server.url, more=""), trusted="127.0.0.1"))
    shown = lists.api("GET", "/abusers")[1]
    assert shown["failure"] == "it answers with status 304" and shown["confirmed"] is None
    assert fetches(lists, "status") >= 1 and fetches(lists, "unchanged") == 0


def test_not_of_a_list_that_never_came_is_no_way_in(sidegate, backend):
    config = URL.format(url="http://127.0.0.1:9/list", more="") + """
  - { name: partners, match: { not: { ip_set: abusers } }, action: allow }
  - { name: closed, action: block, status: 451 }
"""
    lists = Lists(sidegate(backend(always_ok).url, config.replace("name: abusers, match: { ip_set: abusers }, action: block",
                                                                  "name: x, match: { path: /x }, action: block"), trusted="127.0.0.1"))
    assert lists.ask("203.0.113.7") == 451


def test_a_web_acl_that_asks_a_list_that_never_came_refuses(sidegate, backend, tmp_path):
    visibility = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    acl = {"Name": "a", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility, "Rules": [
        {"Name": "abusers", "Priority": 0, "Action": {"Block": {"CustomResponse": {"ResponseCode": 451}}}, "VisibilityConfig": visibility,
         "Statement": {"IPSetReferenceStatement": {"ARN": "arn:aws:wafv2:eu-central-1:1:regional/ipset/abusers/x"}}}]}
    (tmp_path / "acl.json").write_text(json.dumps(acl))
    config = URL.format(url="http://127.0.0.1:9/list", more="")
    lists = Lists(sidegate(backend(always_ok).url, config[:config.index("access:")] + "access: [{ web_acl: acl.json }]",
                           trusted="127.0.0.1"))
    assert lists.ask("203.0.113.7") == 403
    decision = lists.s.lines()[-1]["decisions"][0]
    assert decision["decision"] == "block" and "an ip_set never came" in decision["reason"]


def test_a_server_over_tls_is_believed_by_its_ca_alone(sidegate, backend, tmp_path):
    ours, others = (Authority(tmp_path, name) for name in ("ours", "others"))
    cert, key = ours.issue("lists", ["IP:127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = ListServer(backend)

    def over_tls(wire):
        wire.sock = context.wrap_socket(wire.sock, server_side=True)
        server.serve(wire)

    url = backend(over_tls).url.replace("http:", "https:")
    lists = Lists(sidegate(backend(always_ok).url, URL.format(url=url, more=f", ca_file: {others.file}"), trusted="127.0.0.1"))
    assert lists.ask("203.0.113.7") == 403 and fetches(lists, "not_verified") >= 1 and server.asked == []
    lists.s.write(URL.format(url=url, more=f", ca_file: {ours.file}"))
    lists.s.signal(signal.SIGHUP)
    wait_until(lambda: (lists.ask("203.0.113.7"), lists.ask("192.0.2.7")) == (200, 403), "the list")


def test_a_reload_that_names_a_new_list_comes_into_force_with_it(sidegate, backend):
    server, may_answer = ListServer(backend), threading.Event()

    def patient(wire):
        may_answer.wait(20)
        server.serve(wire)

    url = backend(patient).url
    lists = Lists(sidegate(backend(always_ok).url, trusted="127.0.0.1"))
    over, got = threading.Event(), []

    def load():
        client = lists.s.client()
        while not over.is_set():
            got.append(client.ask(fields=[("X-Forwarded-For", "203.0.113.7")]).status)
        client.close()

    thread = threading.Thread(target=load)
    thread.start()
    lists.s.write(URL.format(url=url, more=", timeout: 20s").replace("timeout: 2s, ", ""))
    lists.s.signal(signal.SIGHUP)
    before = len(got)
    wait_until(lambda: len(got) > before + 200, "some load")
    assert lists.s.metric("sidegate_config_snapshot") == 1 and lists.ask("192.0.2.7") == 200
    may_answer.set()
    wait_until(lambda: lists.ask("192.0.2.7") == 403, "the list")
    over.set()
    thread.join()
    assert set(got) == {200}  # nobody met a set that had not come yet


def test_a_reload_does_not_wait_for_ever_for_a_new_list(sidegate, backend):
    lists = Lists(sidegate(backend(always_ok).url, trusted="127.0.0.1"))
    lists.s.write(URL.format(url="http://127.0.0.1:9/list", more=""))
    lists.s.signal(signal.SIGHUP)
    wait_until(lambda: lists.ask("192.0.2.7") == 403, "on_failure: deny")  # refused at once
    silent = backend(lambda wire: wire.rest())
    lists.s.write(URL.format(url=silent.url, more=", on_failure: allow").replace("timeout: 2s", "timeout: 1h"))
    status, problem = {}, threading.Thread(target=lambda: status.update(code=run("reload", "--admin", f"127.0.0.1:{lists.s.admin_port}")[0]))
    problem.start()
    wait_until(lambda: lists.ask("192.0.2.7") == 200, "on_failure: allow", 20)
    problem.join()
    assert status == {"code": 0}


def test_a_stop_while_a_reload_waits_for_a_list_is_in_order(sidegate, backend):
    silent = backend(lambda wire: wire.rest())
    lists = Lists(sidegate(backend(always_ok).url, trusted="127.0.0.1"))
    lists.s.write(URL.format(url=silent.url, more="").replace("timeout: 2s", "timeout: 1h"))
    lists.s.signal(signal.SIGHUP)
    wait_until(lambda: silent.wires and silent.wires[0].heard, "the server is asked")
    assert lists.s.stop() == 0


def start_again(lists, sidegate, backend, folder):
    """A second program with the same configuration and folder."""
    lists.s.stop()
    config = lists.s.config.read_text()
    config = config[config.index("ip_sets:"):]
    return Lists(sidegate(backend(always_ok).url, config, trusted="127.0.0.1"))


def test_a_restart_without_the_server_has_the_last_good_list(sidegate, backend, tmp_path):
    server, state = ListServer(backend), tmp_path / "state"
    state.mkdir(mode=0o700)
    config = URL.format(url=server.url, more="") + f"process: {{ state_dir: {state}, threads: 1 }}\n"
    lists = Lists(sidegate(backend(always_ok).url, config, trusted="127.0.0.1"))
    assert lists.ask("192.0.2.7") == 403
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"
    wait_until(lambda: fetches(lists, "no_list"), "a bad one")
    server.answer = b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"
    again = start_again(lists, sidegate, backend, tmp_path)
    assert (again.ask("192.0.2.7"), again.ask("198.51.100.7")) == (403, 200)
    assert fetches(again, "status") >= 1
    again.says("the list that came last stands")
    assert again.s.metric("sidegate_ip_set_age_seconds", ip_set="abusers") < 600
    server.put("192.0.2.0/24\n")
    wait_until(lambda: server.same >= 1, "what was kept is asked for by its tag")
    server.put("198.51.100.0/24\n")
    wait_until(lambda: again.ask("198.51.100.7") == 403, "the new list")


@pytest.mark.parametrize("harm", ["cut", "changed", "writable", "other"])
def test_a_kept_list_that_is_not_whole_is_not_believed(sidegate, backend, tmp_path, harm):
    server, state = ListServer(backend, "203.0.113.0/24\n192.0.2.0/24\n"), tmp_path / "state"
    state.mkdir(mode=0o700)
    config = URL.format(url=server.url, more="") + f"process: {{ state_dir: {state}, threads: 1 }}\n"
    lists = Lists(sidegate(backend(always_ok).url, config, trusted="127.0.0.1"))
    assert lists.ask("192.0.2.7") == 403
    server.answer = b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"
    kept, = state.glob("fetched-*")
    if harm == "cut":
        kept.write_bytes(kept.read_bytes()[:-13])
    elif harm == "changed":
        kept.write_bytes(kept.read_bytes().replace(b"203.0.113", b"203.0.114"))
    elif harm == "writable":
        kept.chmod(0o666)
    else:
        kept.write_bytes(kept.read_bytes().replace(server.url.encode().hex().encode(), b"http://other".hex().encode()))
    again = start_again(lists, sidegate, backend, tmp_path)
    assert again.ask("198.51.100.7") == 403  # on_failure: deny
    again.says("no list ever came")
    assert "never came" in again.s.lines(2)[-1]["decisions"][0]["reason"]


def test_a_child_that_was_killed_is_started_again_with_the_last_good_list(sidegate, backend, tmp_path):
    server, state = ListServer(backend), tmp_path / "state"
    state.mkdir(mode=0o700)
    config = URL.format(url=server.url, more="") + f"process: {{ state_dir: {state}, threads: 1 }}\n"
    lists = Lists(sidegate(backend(always_ok).url, config, trusted="127.0.0.1"))
    lists.put("abusers", "198.51.100.9")
    server.answer = b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"
    os.kill(lists.s.child(), signal.SIGKILL)
    wait_until(lambda: lists.s.metric("sidegate_child_restarts_total") == 1, "another child")
    assert (lists.ask("192.0.2.7"), lists.ask("198.51.100.9")) == (403, 200)  # what was put in is lost


def test_a_hundred_thousand_entries_change_under_load_and_no_answer_is_wrong(sidegate, backend):
    """An address that is in every list, one that is in none, and one that each list has in turn."""
    def text(turn):
        return "\n".join(["203.0.113.1", f"198.51.100.{turn}", *(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(0, 200000, 2))])

    server = ListServer(backend, text(0))
    lists = Lists(sidegate(backend(always_ok).url, URL.format(url=server.url, more=""), trusted="127.0.0.1"))
    assert lists.s.metric("sidegate_ip_set_entries", ip_set="abusers", kind="configured") == 100002
    over, wrong, asked = threading.Event(), [], [0, 0]

    def load(n):
        client = lists.s.client()
        while not over.is_set():
            got = [client.ask(fields=[("X-Forwarded-For", c)]).status for c in ("203.0.113.1", "203.0.113.2", "10.0.0.2", "10.0.0.3")]
            asked[n] += 4
            if got != [403, 200, 403, 200]:
                wrong.append(got)
        client.close()

    threads = [threading.Thread(target=load, args=(n,)) for n in range(2)]
    for t in threads:
        t.start()
    for turn in range(1, 6):
        server.put(text(turn))
        wait_until(lambda: lists.ask(f"198.51.100.{turn}") == 403, f"list {turn}", 30)
        assert lists.ask(f"198.51.100.{turn - 1}") == 200
        server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + server.text[:100000]
        failed = fetches(lists, "broken")
        wait_until(lambda: fetches(lists, "broken") > failed, "a broken download", 30)
        assert lists.ask(f"198.51.100.{turn}") == 403
    over.set()
    for t in threads:
        t.join()
    assert wrong == [] and min(asked) > 100
