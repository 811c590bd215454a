# SPDX-License-Identifier: Apache-2.0
"""The access list: who is let in or kept out before any rule looks, in order, and what the log says of it."""
import json
import signal
import subprocess

import pytest
from harness import PROGRAM, always_ok, wait_until

LIST = """
ip_sets:
  office: { addresses: [198.51.100.0/24, "2001:db8::/32"] }
  abusers: { file: abusers.txt }
access:
  - { name: office, match: { ip_set: office }, action: allow }
  - { name: abusers, match: { ip_set: abusers }, action: block, status: 451 }
  - { name: probes, match: { any: [{ path: [/.git/*, /.env] }, { header: { user-agent: "*nikto*" } }] }, action: count }
  - { name: writes, match: { path: /admin/*, not: { method: [GET, HEAD] } }, action: block }
  - { name: trial, match: { query: { debug: "*" } }, action: block, mode: detection_only }
  - { name: seclang, rules: all }
  - { name: last, match: { host: internal.example }, action: block, status: 404 }
"""

RULES = 'SecRule ARGS "@rx attack" "id:1,phase:1,deny,status:403,log,msg:\'an attack\'"\n'


class Guarded:
    """The program with a list, asked in the name of any client."""

    def __init__(self, s):
        self.s, self.asked = s, 0

    def ask(self, target="/", client="192.0.2.1", method="GET", fields=()):
        answer = self.s.ask(method, target, fields=[("X-Forwarded-For", client), *fields])
        self.asked += 1
        line = self.s.lines(self.asked)[-1]
        return answer.status, [(d["name"], d["decision"]) for d in line["decisions"]], line


@pytest.fixture
def guarded(sidegate, backend, tmp_path):
    (tmp_path / "abusers.txt").write_text("# known to us\n203.0.113.0/24 # a network\n192.0.2.5-192.0.2.9\n")
    (tmp_path / "own.conf").write_text(RULES)
    config = LIST + f"rules: {{ files: [own.conf], log: {{ path: {tmp_path}/rules.log }} }}"
    return Guarded(sidegate(backend(always_ok).url, config, trusted="127.0.0.1"))


def test_who_is_allowed_meets_no_later_entry_and_no_rule(guarded):
    status, decisions, line = guarded.ask("/.env?q=attack", "198.51.100.7")
    assert (status, decisions) == (200, [("office", "allow")])
    assert line["waf"]["rules"] == [] and line["error"] is None
    assert guarded.ask("/?q=attack", "2001:db8::9")[0] == 200
    assert guarded.ask("/?q=attack", "192.0.2.1")[0] == 403


@pytest.mark.parametrize("client,status", [("203.0.113.200", 451), ("192.0.2.5", 451), ("192.0.2.9", 451),
                                           ("::ffff:192.0.2.9", 451), ("192.0.2.10", 200), ("192.0.2.4", 200)])
def test_networks_and_ranges_of_a_file_are_kept_out(guarded, client, status):
    assert guarded.ask("/", client)[0] == status


def test_a_block_says_why_in_the_log_and_nothing_to_the_client(guarded):
    answer = guarded.s.ask("DELETE", "/admin/users/7", fields=[("X-Forwarded-For", "192.0.2.1")])
    assert answer.status == 403 and b"writes" not in answer.body
    line = guarded.s.lines()[0]
    assert line["error"] == "access_denied" and line["upstream"] is None
    assert line["decisions"] == [{"control": "access", "name": "writes", "decision": "block",
                                  "reason": 'path: "/admin/*", not: {method: [GET, HEAD]}'}]
    assert guarded.s.metric("sidegate_decisions_total", stage="inspect_head", control="writes", decision="block") == 1


def test_what_is_counted_goes_on(guarded):
    assert guarded.ask("/.git/config")[:2] == (200, [("probes", "count")])
    assert guarded.ask("/", fields=[("User-Agent", "x nikto/2")])[:2] == (200, [("probes", "count")])
    assert guarded.ask("/admin/x", method="HEAD")[:2] == (200, [])


def test_an_entry_in_detection_only_says_what_it_would_have_done(guarded):
    assert guarded.ask("/?debug=1")[:2] == (200, [("trial", "would_block")])
    assert guarded.s.metric("sidegate_decisions_total", control="trial", decision="would_block") == 1


def test_what_stands_behind_the_rules_is_asked_after_them(guarded):
    host = [("Host", "internal.example:8080")]
    assert guarded.ask("/?q=attack", fields=host)[:2] == (403, [])
    status, decisions, line = guarded.ask("/", fields=host)
    assert (status, decisions, line["error"]) == (404, [("last", "block")], "access_denied")


def test_an_escaped_path_is_the_path_that_it_means(guarded):
    assert guarded.ask("/%61dmin//users", method="POST")[1] == [("writes", "block")]


def test_a_client_that_only_says_so_is_not_from_the_office(sidegate, backend, tmp_path):
    (tmp_path / "abusers.txt").write_text("# nobody\n")
    s = sidegate(backend(always_ok).url, LIST)  # no trusted proxy
    assert s.ask("GET", "/", fields=[("X-Forwarded-For", "198.51.100.7")]).status == 200
    assert s.lines()[0]["decisions"] == []


def test_the_list_alone_needs_no_rules(sidegate, backend):
    s = sidegate(backend(always_ok).url, "access: [{ name: closed, rules: all }, { name: all, action: block }]")
    assert s.ask().status == 403
    assert s.lines()[0]["waf"]["mode"] == "off"


def test_a_reload_reads_the_files_again_and_keeps_the_old_list_where_one_is_broken(guarded, tmp_path):
    assert guarded.ask("/", "203.0.113.1")[0] == 451
    (tmp_path / "abusers.txt").write_text("198.18.0.0/15\n")
    guarded.s.signal(signal.SIGHUP)
    wait_until(lambda: guarded.s.ask(fields=[("X-Forwarded-For", "203.0.113.1")]).status == 200, "the new list")
    (tmp_path / "abusers.txt").write_text("198.18.0.0/15\n10.0.0/8\n")
    guarded.s.signal(signal.SIGHUP)
    wait_until(lambda: "abusers.txt:2:1: found '10.0.0/8'" in guarded.s.errors(), "the fault")
    assert guarded.s.ask(fields=[("X-Forwarded-For", "198.18.0.1")]).status == 451


def test_nobody_is_let_in_by_a_path_that_the_backend_may_read_differently(sidegate, backend):
    s = sidegate(backend(always_ok).url, "limits: { doubtful_paths: pass }\naccess: [{ name: open, match: { path: /open/* }, "
                 "action: allow }, { name: others, match: { not: { path: /admin/* } }, action: allow }, "
                 "{ name: closed, action: block }]")
    assert [s.ask("GET", p).status for p in ("/open/a", "/x", "/admin/a")] == [200, 200, 403]
    assert [s.ask("GET", p).status for p in ("/open/..%2fadmin/a", "/admin%2fa")] == [403, 403]


@pytest.mark.parametrize("method,target,client,host", [
    ("GET", "/.env?q=attack", "198.51.100.7", "a.example"), ("GET", "/", "203.0.113.200", "a.example"),
    ("DELETE", "/%61dmin/x", "192.0.2.1", "a.example"), ("GET", "/.git/x?debug=1", "192.0.2.1", "a.example"),
    ("GET", "/", "192.0.2.1", "internal.example:80"), ("GET", "/?q=attack", "192.0.2.1", "internal.example"),
    ("GET", "/", "192.0.2.1", "a.example")])
def test_explain_comes_to_the_decisions_of_the_running_program(guarded, tmp_path, method, target, client, host):
    status, _, line = guarded.ask(target, client, method, [("Host", host)])
    request = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {client}\r\n\r\n"
    said = subprocess.run([PROGRAM, "explain", "-c", guarded.s.config, "-", "--json"], input=request.encode(),
                          capture_output=True, check=True, timeout=60).stdout
    explained = json.loads(said)
    assert (explained["status"], explained["error"], explained["decisions"]) == (status, line["error"], line["decisions"])


def test_explain_names_the_entry_that_blocks(guarded):
    request = b"GET /.git/x HTTP/1.1\r\nHost: internal.example\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
    said = subprocess.run([PROGRAM, "explain", "-c", guarded.s.config, "-"], input=request, capture_output=True, check=True,
                          timeout=60).stdout.decode()
    assert "access probes               count: any: [" in said and "access last                 block: host: internal" in said
    assert "decision: blocked with 404 by access entry last;" in said


def put(path, text):
    """In one step, as a list that is looked at should be: who writes in place may be read half way."""
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").rename(path)


def test_a_list_with_a_refresh_is_read_again_when_its_file_changes(sidegate, backend, tmp_path):
    put(tmp_path / "quick.txt", "203.0.113.1\n")
    put(tmp_path / "slow.txt", "203.0.113.1\n")
    s = sidegate(backend(always_ok).url, "ip_sets: { quick: { file: quick.txt, refresh: 50ms }, slow: { file: slow.txt } }\n"
                 "access: [{ name: quick, match: { ip_set: quick }, action: block }, "
                 "{ name: slow, match: { ip_set: slow }, action: block, status: 451 }]", trusted="127.0.0.1")

    def ask(client):
        return s.ask(fields=[("X-Forwarded-For", client)]).status

    assert (ask("203.0.113.1"), ask("198.51.100.1")) == (403, 200)
    put(tmp_path / "slow.txt", "192.0.2.0/24\n")
    put(tmp_path / "quick.txt", "198.51.100.1\n")
    wait_until(lambda: ask("198.51.100.1") == 403, "the new list")
    assert (ask("203.0.113.1"), ask("192.0.2.1")) == (451, 200)  # the other waits for a reload
    put(tmp_path / "quick.txt", "198.51.100.1\nx\n")
    wait_until(lambda: "quick.txt:2:1: found 'x'" in s.errors(), "the fault")
    assert "files that changed are refused, what was read last stands" in s.errors() and ask("198.51.100.1") == 403
    (tmp_path / "quick.txt").unlink()
    wait_until(lambda: "No such file" in s.errors(), "the fault")
    assert ask("198.51.100.1") == 403 and s.errors().count("quick.txt:2:1") == 1
    s.signal(signal.SIGHUP)
    wait_until(lambda: "the new configuration is refused" in s.errors(), "the reload")
    put(tmp_path / "quick.txt", "198.51.100.2\n")
    wait_until(lambda: (ask("198.51.100.1"), ask("198.51.100.2")) == (200, 403), "the newest list")


def test_a_list_that_is_mended_to_what_it_was_is_well_again(sidegate, backend, tmp_path):
    put(tmp_path / "list.txt", "203.0.113.1\n")
    s = sidegate(backend(always_ok).url, "ip_sets: { list: { file: list.txt, refresh: 50ms } }\n"
                 "access: [{ name: list, match: { ip_set: list }, action: block }]", trusted="127.0.0.1")
    put(tmp_path / "list.txt", "203.0.113.1\nx\n")
    wait_until(lambda: s.metric("sidegate_config_last_reload_successful") == 0, "the fault")
    put(tmp_path / "list.txt", "203.0.113.1\n")
    wait_until(lambda: s.metric("sidegate_config_last_reload_successful") == 1, "the old list")
    assert s.ask(fields=[("X-Forwarded-For", "203.0.113.1")]).status == 403


REFRESHED = ("ip_sets: { list: { file: list.txt, refresh: 50ms } }\n"
             "access: [{ name: list, match: { ip_set: list }, action: block }]")


def test_a_refused_configuration_stays_refused_though_a_list_is_renewed(sidegate, backend, tmp_path):
    put(tmp_path / "list.txt", "203.0.113.1\n")
    s = sidegate(backend(always_ok).url, REFRESHED, trusted="127.0.0.1")
    good = s.config.read_text()
    s.config.write_text(good + "\nnonsense: 1\n")
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 422
    put(tmp_path / "list.txt", "198.51.100.1\n")
    wait_until(lambda: s.ask(fields=[("X-Forwarded-For", "198.51.100.1")]).status == 403, "the new list")
    assert s.metric("sidegate_config_last_reload_successful") == 0
    assert "nonsense" in s.status("/api/v1/status", s.admin_port)[1]
    s.config.write_text(good)
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    assert s.metric("sidegate_config_last_reload_successful") == 1


def test_files_wait_while_eight_configurations_are_in_use_and_it_is_said_once(sidegate, backend, tmp_path):
    put(tmp_path / "list.txt", "203.0.113.1\n")
    s = sidegate(backend(always_ok).url, REFRESHED, trusted="127.0.0.1")
    held = []
    for _ in range(7):
        held.append(s.client())
        held[-1].send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\n1")
        wait_until(lambda: s.metric("http_server_active_requests") == len(held), "the request")
        assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    put(tmp_path / "list.txt", "198.51.100.1\n")
    waits = "8 configurations are still in use: files that changed wait"
    wait_until(lambda: waits in s.errors(), "the warning")
    assert s.ask(fields=[("X-Forwarded-For", "198.51.100.1")]).status == 200
    for wire in held:
        wire.send("2")
        assert wire.answer().status == 200
        wire.close()
    wait_until(lambda: s.ask(fields=[("X-Forwarded-For", "198.51.100.1")]).status == 403, "the new list")
    assert s.errors().count(waits) == 1
