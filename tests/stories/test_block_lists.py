# SPDX-License-Identifier: Apache-2.0
"""@rbl: what a block list says is asked for behind the request, and known from the next one on."""
import socket
import struct
import threading
import time

import pytest
from harness import wait_until

LISTED = {"2.2.0.192.bl.example": "127.0.0.2", "bad.example.bl.example": "127.0.0.3",
          "8.b.d.0.1.0.0.2.bl.example": None, "5.2.0.192.bl.example": "127.255.255.254", "6.2.0.192.bl.example": "198.51.100.1",
          "abcdefghijkl.2.2.0.192.dnsbl.httpbl.org": "127.3.42.5"}
LISTED["1" + ".0" * 23 + ".8.b.d.0.1.0.0.2.bl.example"] = "127.0.0.4"


class Lists:
    """A server of the DNS with block lists. `mute`: it hears, and never answers."""

    def __init__(self, mute=False, ttl=300):
        self.mute, self.ttl, self.asked = mute, ttl, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                question, who = self.socket.recvfrom(4096)
            except OSError:
                return
            name, at = [], 12
            while question[at]:
                name.append(question[at + 1:at + 1 + question[at]].decode())
                at += question[at] + 1
            self.asked.append(".".join(name))
            if not self.mute:
                self.socket.sendto(self.answer(question[:2], question[12:at + 5], LISTED.get(self.asked[-1])), who)

    def answer(self, number, question, address):
        if address:
            record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, self.ttl, 4) + socket.inet_aton(address)
            return number + b"\x85\x80" + struct.pack(">HHHH", 1, 1, 0, 0) + question + record
        numbers = struct.pack(">IIIII", 1, 3600, 600, 86400, self.ttl)
        soa = b"\x02bl\x07example\x00" + struct.pack(">HHIH", 6, 1, self.ttl, 4 + len(numbers)) + b"\xc0\x0c\xc0\x0c" + numbers
        return number + b"\x85\x83" + struct.pack(">HHHH", 1, 0, 1, 0) + question + soa


@pytest.fixture
def lists():
    made = []

    def make(**kwargs):
        made.append(Lists(**kwargs))
        return made[-1]

    yield make
    for one in made:
        one.socket.close()


RULE = """SecHttpBlKey abcdefghijkl
SecRule REQUEST_HEADERS:X-Who "@rbl bl.example" "id:1,phase:1,deny,status:403,log,capture,msg:'%{tx.0}'"
SecRule REQUEST_HEADERS:X-Who "!@rbl bl.example" "id:2,phase:1,pass,log"
SecRule REQUEST_HEADERS:X-Bl "@rbl dnsbl.httpbl.org" "id:3,phase:1,deny,status:403,log,capture,msg:'%{tx.0}'"
"""


@pytest.fixture
def guarded(sidegate, backend, tmp_path):
    def make(server, timeout="3s"):
        (tmp_path / "own.conf").write_text(RULE)
        return sidegate(backend().url, f"rules: {{ files: [{tmp_path}/own.conf], log: {{ path: {tmp_path}/rules.log }} }}\n"
                                       f"dns: {{ servers: [\"{server.address}\"], timeout: {timeout} }}\n")
    return make


def ask(s, who, name="X-Who"):
    return s.ask(fields=[(name, who)]).status


def lookups(s, answer):
    return s.metric("sidegate_rule_lookups_total", answer=answer)


def queries(s, result):
    return s.metric("sidegate_dns_queries_total", result=result)


def known(s, count=1):
    wait_until(lambda: queries(s, "answered") >= count, f"{count} answers of the DNS")


def test_the_first_request_passes_as_unknown_and_the_next_is_blocked(guarded, lists):
    server = lists()
    s = guarded(server)
    assert ask(s, "192.0.2.2") == 200
    known(s)
    assert ask(s, "192.0.2.2") == 403
    assert sorted(line["waf"]["rules"] for line in s.lines(2)) == [[], [1]]
    assert (lookups(s, "unknown"), lookups(s, "listed")) == (2, 1)
    text = s.rule_log.read_text()
    assert '[msg "RBL lookup of 2.2.0.192.bl.example succeeded at REQUEST_HEADERS:X-Who (127.0.0.2)."]' in text
    assert server.asked == ["2.2.0.192.bl.example"]


def test_who_is_not_listed_is_asked_for_once(guarded, lists):
    server = lists()
    s = guarded(server)
    assert ask(s, "192.0.2.3") == 200
    known(s)
    for _ in range(3):
        assert ask(s, "192.0.2.3") == 200
    assert sorted(line["waf"]["rules"] for line in s.lines(4)) == [[], [2], [2], [2]] and lookups(s, "not_listed") == 6
    assert server.asked == ["3.2.0.192.bl.example"]


@pytest.mark.parametrize("who", ["2001:db8::1", "bad.example", "::ffff:192.0.2.2"])
def test_ipv6_and_names_are_asked_for_in_their_own_form(guarded, lists, who):
    s = guarded(lists())
    assert ask(s, who) == 200
    known(s)
    assert ask(s, who) == 403


@pytest.mark.parametrize("who", ["192.0.2.5", "192.0.2.6"])
def test_an_answer_that_lists_nothing_stays_unknown(guarded, lists, who):
    """127.255.255.0/24 says that we may not ask, and outside of 127.0.0.0/8 is no list but a resolver that makes things up."""
    s = guarded(lists())
    assert ask(s, who) == 200
    wait_until(lambda: queries(s, "failed") == 1, "a failure")
    assert ask(s, who) == 200 and lookups(s, "unknown") == 4


def test_http_bl_is_asked_with_the_key_which_no_log_shows(guarded, lists):
    server = lists()
    s = guarded(server)
    assert ask(s, "192.0.2.2", "X-Bl") == 200
    known(s)
    assert ask(s, "192.0.2.2", "X-Bl") == 403
    s.lines(2)
    text = wait_until(lambda: s.rule_log.exists() and s.rule_log.read_text(), "a line")
    assert "RBL lookup of 2.2.0.192.dnsbl.httpbl.org succeeded at REQUEST_HEADERS:X-Bl. " \
           "Suspicious comment spammer IP: 3 days since last activity, threat score 42" in text
    assert "abcdefghijkl" not in text and server.asked == ["abcdefghijkl.2.2.0.192.dnsbl.httpbl.org"]


def test_a_dead_server_delays_nobody(guarded, lists):
    server = lists(mute=True)
    s = guarded(server, timeout="300ms")
    began = time.monotonic()
    for i in range(50):
        assert ask(s, f"192.0.2.{i}") == 200
    assert time.monotonic() - began < 10  # 50 who waited would take 15
    wait_until(lambda: queries(s, "failed") == 50, "all questions failed")
    assert ask(s, "192.0.2.2") == 200 and lookups(s, "unknown") == 102


def test_a_reload_keeps_what_is_known_and_takes_other_servers(guarded, lists):
    first, second = lists(), lists()
    s = guarded(first)
    ask(s, "192.0.2.2")
    known(s)
    s.config.write_text(s.config.read_text().replace(first.address, second.address))
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    assert ask(s, "192.0.2.2") == 403
    assert ask(s, "bad.example") == 200
    known(s, 2)
    assert ask(s, "bad.example") == 403
    assert first.asked == ["2.2.0.192.bl.example"] and second.asked == ["bad.example.bl.example"]


def test_what_no_list_can_have_is_not_asked_for(guarded, lists):
    server = lists()
    s = guarded(server)
    for who in ("", "a b", "a..b", "x" * 64, ("x" * 60 + ".") * 5, "a\"b"):
        assert ask(s, who) == 200
    assert server.asked == [] and lookups(s, "unknown") == 0
