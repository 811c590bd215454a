# SPDX-License-Identifier: Apache-2.0
"""How often who may come: limits in the access list and on routes, what the refused are told, and that no reload forgets."""
import json
import re
import signal
import threading
import time

import pytest
from harness import always_ok, run, wait_until
from test_jwt import token, write_keys

LOGINS = "access: [{ name: logins, match: { path: /login }, rate: { limit: 3, window: 60s }, action: block }]"


def statuses(s, count, target="/login", **kwargs):
    """What `count` requests on one connection are answered."""
    client = s.client()
    found = [client.ask("GET", target, **kwargs).status for _ in range(count)]
    client.close()
    return found


def ask_as(s, client, target="/login", fields=()):
    return s.ask("GET", target, fields=[("X-Forwarded-For", client), *fields]).status


def test_what_comes_too_often_is_told_when_to_come_again(sidegate, backend):
    s = sidegate(backend(always_ok).url, LOGINS)
    assert statuses(s, 3) == [200, 200, 200]
    answer = s.ask("GET", "/login")
    assert answer.status == 429
    seconds = int(answer["Retry-After"])
    assert 60 <= seconds <= 67
    assert answer["RateLimit-Policy"] == '"logins";q=3;w=60'
    assert answer["RateLimit"] == f'"logins";r=0;t={seconds}'
    assert json.loads(answer.body)["error"] == "Too Many Requests"
    assert s.ask("GET", "/").status == 200
    line = next(line for line in s.lines(5) if line["status"] == 429)
    assert line["error"] == "rate_limited" and line["upstream"] is None
    assert line["decisions"] == [{"control": "access", "name": "logins", "decision": "block",
                                  "reason": "path: /login, more than 3 in 1m by client_address"}]
    assert s.metric("sidegate_decisions_total", stage="inspect_head", control="logins", decision="block") == 1


@pytest.mark.parametrize("how", ["window: 1s", "window: 2s, algorithm: token_bucket"])
def test_a_request_after_the_time_that_was_named_passes(sidegate, backend, how):
    s = sidegate(backend(always_ok).url, LOGINS.replace("window: 60s", how))
    client = s.client()
    for _ in range(2):
        answers = []
        while not answers or answers[-1].status == 200:
            answers.append(client.ask("GET", "/login"))
        until = time.monotonic() + int(answers[-1]["Retry-After"])
        wait_until(lambda: time.monotonic() >= until, "the time that was named")
        assert client.ask("GET", "/login").status == 200
    client.close()


@pytest.mark.parametrize("how", ["window: 60s", "window: 1h, algorithm: token_bucket"])
def test_two_workers_together_let_exactly_the_limit_pass(sidegate, backend, how):
    s = sidegate(backend(always_ok).url, "process: { threads: 2 }\n" + LOGINS.replace("limit: 3, window: 60s",
                                                                                     f"limit: 100, {how}"))
    found, threads = [], [threading.Thread(target=lambda: found.extend(statuses(s, 25))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400 and found.count(200) == 100 and found.count(429) == 300


def test_a_reload_resets_nothing_but_what_was_changed(sidegate, backend):
    upstream = backend(always_ok).url
    s = sidegate(upstream, LOGINS)

    def reload(config):
        number = s.metric("sidegate_config_snapshot_number") or s.errors().count("is in force")
        s.write(config)
        before = s.errors().count("is in force")
        s.signal(signal.SIGHUP)
        wait_until(lambda: s.errors().count("is in force") > before, f"the reload after {number}")

    assert statuses(s, 4) == [200, 200, 200, 429]
    reload(LOGINS)
    assert statuses(s, 1) == [429]
    # other entries, another match, another status: the same limit
    reload(LOGINS.replace("access: [", "access: [{ name: first, rate: { limit: 50, window: 9s }, action: count }, ")
           .replace("path: /login", 'path: ["/login", /signin]').replace("action: block }]", "action: block, status: 503 }]"))
    assert statuses(s, 1) == [503]
    reload(LOGINS.replace("limit: 3", "limit: 4"))
    assert statuses(s, 5) == [200, 200, 200, 200, 429]


def test_clients_are_counted_apart_and_of_ipv6_by_their_network(sidegate, backend):
    s = sidegate(backend(always_ok).url, LOGINS.replace("limit: 3", "limit: 1"), trusted="127.0.0.1")
    assert [ask_as(s, c) for c in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "::ffff:192.0.2.2")] == [200, 200, 429, 429]
    assert [ask_as(s, c) for c in ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1")] == [200, 429, 200]


def test_the_network_of_an_ipv6_client_is_an_option(sidegate, backend):
    s = sidegate(backend(always_ok).url, LOGINS.replace("limit: 3", "limit: 1, ipv6_prefix: 56"), trusted="127.0.0.1")
    assert [ask_as(s, c) for c in ("2001:db8::1", "2001:db8:0:ff::1", "2001:db8:0:100::1")] == [200, 429, 200]


KEYS = [
    ("header:x-user", {"fields": [("X-User", "a")]}, {"fields": [("X-User", "b")]}, {}),
    ("cookie:sid", {"fields": [("Cookie", "x=1; sid=a")]}, {"fields": [("Cookie", "x=1; sid=b")]},
     {"fields": [("Cookie", "xsid=a")]}),
    ("query:user", {"target": "/login?user=a%20b"}, {"target": "/login?user=b"}, {"target": "/login?users=a"}),
    ("method", {"method": "GET"}, {"method": "HEAD"}, None),
    ("host", {"fields": [("Host", "a.example")]}, {"fields": [("Host", "b.example")]}, None),
    ("path", {"target": "/login"}, {"target": "/login/"}, None),
    ("route", {"target": "/login"}, {"target": "/login/"}, None),
]


@pytest.mark.parametrize("key,one,other,lacking", KEYS, ids=[k[0] for k in KEYS])
def test_what_is_counted_together(sidegate, backend, key, one, other, lacking):
    s = sidegate(backend(always_ok).url, LOGINS.replace("limit: 3", f'limit: 2, key: ["{key}"]')
                 .replace("path: /login", 'path: ["/login*"]') + '\nroutes: [{ match: "ANY /{proxy+}" }]')

    def ask(how):
        return s.ask(how.get("method", "GET"), how.get("target", "/login"), fields=how.get("fields", ())).status

    same = key == "route"
    assert [ask(one), ask(one), ask(one)] == [200, 200, 429]
    assert ask(other) == (429 if same else 200)
    if lacking is not None:
        assert [ask(lacking) for _ in range(5)] == [200] * 5


def test_an_escape_or_capitals_are_no_way_to_a_key_of_ones_own(sidegate, backend):
    s = sidegate(backend(always_ok).url, LOGINS.replace("limit: 3", 'limit: 1, key: ["query:user", host]'))

    def ask(query, host="a.example"):
        return s.ask("GET", "/login?" + query, fields=[("Host", host)]).status

    assert [ask("user=a"), ask("user=%61"), ask("%75ser=a"), ask("x=1&user=a"), ask("user=a", "A.Example:80")] == \
        [200, 429, 429, 429, 429]
    assert [ask("user=b"), ask("user=a", "b.example")] == [200, 200]


def test_an_entry_in_detection_only_says_who_would_have_been_refused(sidegate, backend):
    s = sidegate(backend(always_ok).url, LOGINS.replace("action: block", "action: block, mode: detection_only"))
    assert statuses(s, 5) == [200] * 5
    assert [[d["decision"] for d in line["decisions"]] for line in s.lines(5)] == [[], [], [], ["would_block"], ["would_block"]]


def test_an_entry_that_counts_lets_pass(sidegate, backend):
    s = sidegate(backend(always_ok).url, LOGINS.replace("action: block", "action: count"))
    assert statuses(s, 4) == [200] * 4
    assert [d["decision"] for d in s.lines(4)[3]["decisions"]] == ["count"]


ROUTES = """
rate_limits:
  per_user: { key: ["header:x-user"], rate: 1/h, burst: 2 }
  trial: { rate: 1/d, mode: detection_only }
routes:
  - { match: GET /orders, rate_limits: [trial, per_user] }
  - { match: "ANY /{proxy+}" }
"""


def test_a_route_is_throttled_in_the_words_of_api_gateway(sidegate, backend):
    s = sidegate(backend(always_ok).url, ROUTES)
    user = {"fields": [("X-User", "a")]}
    assert statuses(s, 2, "/orders", **user) == [200, 200]
    answer = s.ask("GET", "/orders", **user)
    assert answer.status == 429 and answer.body == b'{"message":"Too Many Requests"}'
    assert answer["x-amzn-ErrorType"] == "TooManyRequestsException" and answer["Content-Type"] == "application/json"
    assert 3590 <= int(answer["Retry-After"]) <= 3600
    assert answer["RateLimit-Policy"] == '"per_user";q=1;w=3600'
    assert s.ask("GET", "/orders", fields=[("X-User", "b")]).status == 200
    assert statuses(s, 5, "/other", **user) == [200] * 5
    line = s.lines(3)[2]
    assert line["error"] == "rate_limited"
    assert [(d["control"], d["name"], d["decision"]) for d in line["decisions"]] == \
        [("rate_limit", "trial", "would_block"), ("rate_limit", "per_user", "block")]
    assert s.metric("sidegate_decisions_total", stage="throttle", control="per_user", decision="block") == 1


def test_users_of_a_route_are_counted_by_their_token(sidegate, backend, tmp_path):
    write_keys(tmp_path / "keys.json")
    s = sidegate(backend(always_ok).url, f"""
authorizers:
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: {tmp_path}/keys.json }}
rate_limits:
  per_user: {{ key: [jwt.sub], rate: 2/h }}
routes:
  - {{ match: GET /orders, authorizer: staff, rate_limits: [per_user] }}
""")

    def ask(text):
        return s.ask("GET", "/orders", fields=[("Authorization", text)]).status

    same = token()  # the second time it is known already
    assert [ask(same), ask("Bearer " + same), ask(token(jti="3")), ask(same)] == [200, 200, 429, 429]
    assert [ask(token(sub="bob")), ask(token(secret=b"forged", sub="carol"))] == [200, 401]


FAULTS = [
    ("rate: { limit: 3 }", "'window' is missing"),
    ("rate: { limit: 0, window: 60s }", "expected a number from 1 to 1000000000"),
    ("rate: { limit: 3, window: 60s, key: [client] }", "expected client_address, header:NAME"),
    ("rate: { limit: 3, window: 60s, key: [pth] }", "did you mean 'path'?"),
    ("rate: { limit: 3, window: 60s, key: [] }", "expected one to five parts"),
    ("rate: { limit: 3, window: 60s, burst: 9 }", "a sliding window has no burst"),
    ("rate: { limit: 3, window: 60s, max_keys: 20000000 }", "expected a number from 1 to 16777216"),
    ("rate: { limit: 3, window: 10ms }", "a window is at least a second"),
    ("rate: { limit: 1, window: 90d, burst: 9, algorithm: token_bucket }", "longer than a year to fill"),
]


@pytest.mark.parametrize("rate,said", FAULTS, ids=[f[1] for f in FAULTS])
def test_a_limit_that_cannot_be_meant_is_a_fault(tmp_path, rate, said):
    check(tmp_path, f"access: [{{ name: logins, {rate}, action: block }}]", said)


def test_what_refers_to_nothing_is_a_fault(tmp_path):
    check(tmp_path, ROUTES.replace("[trial, per_user]", "[per_usr]"), "there is no rate limit 'per_usr' (did you mean 'per_user'?)")
    check(tmp_path, ROUTES.replace("1/h", "1/w"), "expected a number of requests by s, m, h or d")
    check(tmp_path, LOGINS.replace("action: block", "action: allow"), "cannot be let in for it")
    check(tmp_path, LOGINS.replace("limit: 3", "key: [jwt.sub], limit: 3"), "no token was looked at yet")
    check(tmp_path, ROUTES.replace("header:x-user", "jwt.sub"), "'per_user' counts by a token, and the route asks for none")


def check(folder, config, said):
    (folder / "faulty.yaml").write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\n'
                                        'upstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n' + config)
    code, out, err = run("check", "-c", str(folder / "faulty.yaml"))
    assert code == 3 and said in out + err, out + err
    assert re.search(r"faulty\.yaml:\d+:\d+: ", out + err)


def test_the_settings_are_printed_as_they_can_be_read(tmp_path):
    (tmp_path / "a.yaml").write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\n'
                                     'upstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n' + LOGINS + ROUTES)
    code, first, err = run("config", "print", "-c", str(tmp_path / "a.yaml"))
    assert code == 0, err
    assert "key: [client_address]" in first and "rate: 1/h" in first and "rate_limits: [trial, per_user]" in first
    (tmp_path / "b.yaml").write_text(first)
    code, second, err = run("config", "print", "-c", str(tmp_path / "b.yaml"))
    assert (code, second) == (0, first), err
