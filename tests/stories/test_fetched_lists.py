# SPDX-License-Identifier: Apache-2.0
"""Lists of addresses that come from a server: fetched again, kept where the server is gone, and never half."""
import json
import os
import signal
import socket
import ssl
import threading

import pytest
from certificates import Authority
from harness import Sidegate, always_ok, run, wait_until
from lists import Lists

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
    lists = Lists(sidegate(backend(always_ok).url, trusted="127.0.0.1", hurried=True))
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


def test_a_url_that_no_configuration_names_any_more_leaves_no_file(sidegate, backend, tmp_path):
    one, other, state = ListServer(backend), ListServer(backend), tmp_path / "state"
    state.mkdir(mode=0o700)

    def config(server):
        return URL.format(url=server.url, more="") + f"process: {{ state_dir: {state}, threads: 1 }}\n"

    def files():
        return {f.name for f in state.glob("fetched-*")}

    lists = Lists(sidegate(backend(always_ok).url, config(one), trusted="127.0.0.1"))
    wait_until(lambda: len(files()) == 1, "the list's file")
    first = files()
    lists.s.write(config(other))
    lists.s.signal(signal.SIGHUP)
    wait_until(lambda: len(files() - first) == 1 and not files() & first, "the other one's file instead")
    second = files()
    again = start_again(lists, sidegate, backend, tmp_path)
    assert files() == second and again.ask("192.0.2.7") == 403
    again.s.stop()
    (state / ("fetched-" + 16 * "0")).write_text("of a process that ended while others were named")
    again = start_again(again, sidegate, backend, tmp_path)
    wait_until(lambda: files() == second, "what nobody names is gone")


UNREADABLE = {
    "list": "ip_sets: { abusers: { url: 'https://127.0.0.1:9/', ca_file: %s } }",
    "key set": "authorizers: { j: { type: jwt, issuer: 'https://id.example', audience: [a], algorithms: [RS256], jwks_url: 'https://127.0.0.1:9/', ca_file: %s } }",
    "function": "authorizers: { f: { type: http, url: 'https://127.0.0.1:9/', identity: [$request.header.authorization], ca_file: %s } }",
}


@pytest.mark.parametrize("who", UNREADABLE)
def test_a_ca_file_that_cannot_be_used_is_a_fault_at_load(tmp_path, who):
    good = Authority(tmp_path, "ours").file
    (tmp_path / "none.crt").write_text("no certificate\n")
    for file, says in ((good, None), (tmp_path / "none.crt", "there is no certificate in it"), (tmp_path / "gone.crt", "No such file"),
                       (tmp_path, "folder")):
        (tmp_path / "one.yaml").write_text("version: 1\nlisteners: [{ name: a, address: 127.0.0.1:1 }]\n"
                                           "upstreams: { app: { targets: ['http://127.0.0.1:9'] } }\n" + UNREADABLE[who] % file + "\n")
        code, out, err = run("check", "-c", str(tmp_path / "one.yaml"))
        assert code == (3 if says else 0), out + err
        if says:
            assert "one.yaml:4:" in out + err and f"ca_file: '{file}'" in out + err and says in out + err


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
        head, rest = kept.read_bytes().split(b"\n", 1)
        assert server.url.encode() not in head and server.url.encode().hex().encode() not in head
        kept.write_bytes(head.rsplit(b" ", 1)[0] + b" 0123456789abcdef\n" + rest)
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
