# SPDX-License-Identifier: Apache-2.0
"""API keys and usage plans: who may pass, how often, in API Gateway's words; and that no key stands in any log."""
import calendar
import fcntl
import os
import signal
import threading
import time

import pytest
from api_keys import ALL, DISABLED, GOOD, LOOSE, OTHER, key_line, write_keys
from harness import always_ok, read_request, run, wait_until
from test_jwt import token
from test_jwt import write_keys as write_jwks

PLANS = "usage_plans: { basic: { keys: [k1] } }"
ROUTES = 'routes: [{ match: GET /open }, { match: "ANY /{proxy+}", api_key: required }]'
FORBIDDEN = b'{"message":"Forbidden"}'
TOO_MANY = b'{"message":"Too Many Requests"}'


def config(tmp_path, plans=PLANS, keys="", routes=ROUTES, more=""):
    return f"api_keys: {{ file: {tmp_path / 'keys.yaml'}{keys} }}\n{plans}\n{routes}\n{more}"


def started(sidegate, backend, tmp_path, script=always_ok, lines=ALL, **kwargs):
    write_keys(tmp_path / "keys.yaml", lines)
    server = backend(script)
    return sidegate(server.url, config(tmp_path, **kwargs)), server


def ask(s, value, target="/pets", method="GET", name="x-api-key"):
    return s.ask(method, target, fields=[(name, value)] if value is not None else [])


def reload(s):
    before = s.errors().count("is in force")
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.errors().count("is in force") > before, "the reload")


# ---- keys ----

def test_who_brings_a_key_of_a_plan_passes_and_the_backend_sees_it(sidegate, backend, tmp_path):
    s, server = started(sidegate, backend, tmp_path)
    for value in (GOOD, OTHER):
        assert ask(s, value).status == 200
    assert ask(s, GOOD, name="X-API-KEY").status == 200
    assert s.ask("GET", "/open").status == 200
    assert GOOD.encode() in server.heard
    lines = s.lines(4)
    assert [(l["api_key_id"], l["usage_plan"]) for l in lines] == [("k1", "basic"), ("k2", "basic"), ("k1", "basic"),
                                                                 (None, None)]
    assert all(l["decisions"] == [] for l in lines)


@pytest.mark.parametrize("value,reason,key_id", [
    (None, "key_missing", None), ("", "key_missing", None), ("x" * 40, "key_unknown", None), ("short", "key_unknown", None),
    ("y" * 5000, "key_unknown", None), (DISABLED, "key_disabled", "off"), (LOOSE, "key_in_no_plan", "loose")])
def test_who_does_not_is_refused_as_api_gateway_does(sidegate, backend, tmp_path, value, reason, key_id):
    s, server = started(sidegate, backend, tmp_path)
    answer = ask(s, value)
    assert (answer.status, answer.body) == (403, FORBIDDEN)
    assert answer["x-amzn-ErrorType"] == "ForbiddenException" and answer["Content-Type"] == "application/json"
    line = s.lines()[0]
    assert line["error"] == "invalid_api_key" and line["api_key_id"] == key_id and line["usage_plan"] is None
    assert line["decisions"] == [{"control": "api_key", "name": key_id or "api_keys", "decision": "block", "reason": reason}]
    assert server.heard == b""
    assert s.metric("sidegate_decisions_total", stage="key", control=key_id or "api_keys", decision="block") == 1


def test_two_keys_could_be_read_in_two_ways_and_are_none(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path)
    assert s.ask("GET", "/pets", fields=[("x-api-key", GOOD), ("X-Api-Key", OTHER)]).status == 403
    assert s.lines()[0]["decisions"][0]["reason"] == "key_twice"


def test_detection_only_says_who_would_be_refused(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, keys=", mode: detection_only")
    assert ask(s, None).status == 200
    assert s.lines()[0]["decisions"][0]["decision"] == "would_block"


def test_a_key_may_come_in_another_field_and_be_kept_from_the_backend(sidegate, backend, tmp_path):
    s, server = started(sidegate, backend, tmp_path, keys=", header: X-Shop-Key, forward: off")
    assert ask(s, GOOD).status == 403
    assert ask(s, GOOD, name="x-shop-key").status == 200
    assert s.ask("GET", "/open", fields=[("X-Shop-Key", GOOD)]).status == 200
    assert GOOD.encode() not in server.heard


def test_a_key_may_be_what_a_good_token_says(sidegate, backend, tmp_path):
    write_jwks(tmp_path / "jwks.json")
    authorizers = f"""authorizers:
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: {tmp_path / "jwks.json"} }}
"""
    s, _ = started(sidegate, backend, tmp_path, keys=", source: authorizer, claim: api_key", more=authorizers,
                   routes='routes: [{ match: "ANY /{proxy+}", api_key: required, authorizer: staff }]')

    def ask_as(text, fields=()):
        return s.ask("GET", "/pets", fields=[("Authorization", text), *fields]).status

    assert ask_as(token(api_key=GOOD)) == 200
    assert ask_as(token(), [("x-api-key", GOOD)]) == 403
    assert ask_as(token(api_key="z" * 40)) == 403
    assert ask_as(token(b"another secret of the same length", api_key=GOOD)) == 401
    assert s.lines(4)[0]["api_key_id"] == "k1"


def test_no_key_stands_in_any_log(sidegate, backend, tmp_path):
    audit, rule_log = tmp_path / "audit.log", tmp_path / "rules.log"
    (tmp_path / "all.conf").write_text(
        'SecRuleEngine On\nSecRule REQUEST_HEADERS:x-api-key "@rx ." "id:1,phase:1,pass,log,auditlog,'
        "msg:'%{MATCHED_VAR}',logdata:'%{REQUEST_HEADERS.x-api-key}'\"\n")
    more = (f"rules: {{ files: [{tmp_path / 'all.conf'}], log: {{ path: {rule_log} }} }}\n"
            f"audit_log: {{ path: {audit}, when: always, parts: ABIJDEFHZ }}\n")
    s, _ = started(sidegate, backend, tmp_path, more=more)
    values = (GOOD, DISABLED, "unknown-" * 5)
    for value in values:
        ask(s, value, target=f"/pets?x-api-key={value}")
    s.lines(3)
    wait_until(lambda: audit.exists() and audit.read_text().count("\n") >= 3, "three transactions")
    wait_until(lambda: rule_log.exists() and rule_log.read_text().count("\n") >= 3, "three matches")
    for text in (s.log.read_text(), s.errors(), audit.read_text(), rule_log.read_text(), s.status("/metrics")[1],
                 run("config", "print", "-c", str(s.config))[1]):
        assert not any(value in text for value in values)
    assert "REDACTED" in audit.read_text() and "x-api-key" in audit.read_text()


# ---- the file ----

def test_a_key_that_is_added_or_taken_away_is_so_without_a_reload(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, keys=", refresh: 100ms")
    fresh = "n" * 40
    assert ask(s, fresh).status == 403
    write_keys(tmp_path / "keys.yaml", ALL + key_line("fresh", fresh, ", plans: [basic]"))
    wait_until(lambda: ask(s, fresh).status == 200, "the new key")
    write_keys(tmp_path / "keys.yaml", key_line("k2", OTHER, ", plans: [basic]"))
    wait_until(lambda: ask(s, fresh).status == 403, "the key is taken away")
    assert ask(s, GOOD).status == 403 and ask(s, OTHER).status == 200
    wait_until(lambda: "there is no API key 'k1'" in s.errors(), "what the plan names is said")
    (tmp_path / "keys.yaml").write_text("version: 1\nsalt: x\n")
    wait_until(lambda: "'salt' is missing" in s.errors(), "the broken file is said")
    assert ask(s, OTHER).status == 200
    assert s.metric("sidegate_config_last_reload_successful") == 0


FAULTS = [
    ("keys: [k1]", "version: 2\nkeys: []", "keys.yaml:1:1: 'version' is missing or not 1"),
    ("", f'version: 1\nsalt: "{"0" * 64}"\nkeys:\n  - {{ id: k1, hsah: 1 }}', "keys.yaml:4:15: unknown key 'hsah' (did you mean 'hash'?)"),
    ("", f'version: 1\nsalt: "{"0" * 64}"\nkeys:\n  - {{ id: "k 1", hash: "{"0" * 64}" }}', "keys.yaml:4:5: a key needs an id"),
    ("", f'version: 1\nsalt: "{"0" * 64}"\nkeys:\n  - {{ id: k1, hash: "00" }}', "keys.yaml:4:5: a key needs a hash"),
    ("", f'version: 1\nsalt: "{"0" * 64}"\nkeys:\n  - {{ id: k1, hash: "{"0" * 64}" }}\n  - {{ id: k1, hash: "{"1" * 64}" }}',
     "keys.yaml:5:5: there is a key of this id already"),
    ("", f'version: 1\nsalt: "{"0" * 64}"\nkeys:\n  - {{ id: k1, hash: "{"0" * 64}" }}\n  - {{ id: k2, hash: "{"0" * 64}" }}',
     "keys.yaml:5:5: there is a key of the same value already"),
    ("", f'version: 1\nsalt: "{"0" * 64}"\nkeys: []\nkeys: []', "keys.yaml:4:1: the key 'keys' stands here for the second time"),
]


@pytest.mark.parametrize("text,fault", [f[1:] for f in FAULTS], ids=range(len(FAULTS)))
def test_what_is_wrong_in_the_file_has_its_place(tmp_path, text, fault):
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    path.chmod(0o600)
    (tmp_path / "c.yaml").write_text("version: 1\nlisteners: [{ address: 127.0.0.1:0 }]\nupstreams: { app: { targets: [\"http://127.0.0.1:9\"] } }\n"
                                     + config(tmp_path, plans=""))
    code, _, said = run("check", "-c", str(tmp_path / "c.yaml"))
    assert code == 3 and fault in said, said


def checked(tmp_path, text):
    write_keys(tmp_path / "keys.yaml")
    (tmp_path / "c.yaml").write_text("version: 1\nlisteners: [{ address: 127.0.0.1:0 }]\nupstreams: { app: { targets: [\"http://127.0.0.1:9\"] } }\n"
                                     + text.replace("FILE", str(tmp_path / "keys.yaml")))
    return run("check", "-c", str(tmp_path / "c.yaml"))


@pytest.mark.parametrize("text,fault", [
    ('routes: [{ match: "GET /a", api_key: required }]', "c.yaml:4:38: routes[].api_key: there are no API keys (add api_keys.file)"),
    ("usage_plans: { basic: { keys: [k1] } }", "usage_plans: there are no API keys"),
    ("api_keys: { file: FILE, header: 'a b' }", "api_keys.header: this is no name of a field"),
    ("api_keys: { file: FILE, claim: sub }", "api_keys.claim: keys come from a header"),
    ('api_keys: { file: FILE, source: authorizer }\nroutes: [{ match: "GET /a", api_key: required }]', "the route asks none"),
    ("api_keys: { file: FILE }\nusage_plans: { basic: { keys: [k2], throttel: { rate: 1/s } } }", "did you mean 'throttle'?"),
    ("api_keys: { file: FILE }\nusage_plans: { gold: { keys: [k2] }, basic: { keys: [k1] } }", "the API key 'k2' is in the usage plans"),
    ("api_keys: { file: FILE }\nusage_plans: { basic: { routes: { GET /b: 1/s } } }\nroutes: [{ match: GET /a }]",
     "usage_plans.*.routes: there is no route 'GET /b' (did you mean 'GET /a'?)"),
    ("api_keys: { file: FILE }\nusage_plans: { basic: { routes: { GET /a: { rate: 1 } } } }\nroutes: [{ match: GET /a }]", "expected a rate by s, m, h or d"),
    ("api_keys: { file: FILE }\nusage_plans: { basic: { throttle: { rate: 1/d, burst: 1000 } } }", "longer than a year to fill"),
])
def test_wrong_settings_are_said_with_their_place(tmp_path, text, fault):
    code, _, said = checked(tmp_path, text)
    assert code == 3 and fault in said, said


def test_a_file_that_everybody_may_read_is_refused(tmp_path):
    write_keys(tmp_path / "keys.yaml").chmod(0o644)
    (tmp_path / "c.yaml").write_text("version: 1\nlisteners: [{ address: 127.0.0.1:0 }]\nupstreams: { app: { targets: [\"http://127.0.0.1:9\"] } }\n"
                                     + config(tmp_path))
    code, _, said = run("check", "-c", str(tmp_path / "c.yaml"))
    assert code == 3 and "everybody may read it" in said


def test_a_missing_file_lets_in_only_where_the_settings_say_so(sidegate, backend, tmp_path):
    code, _, said = checked(tmp_path, f"api_keys: {{ file: {tmp_path}/none.yaml }}")
    assert code == 3 and "c.yaml:4:19: the file of API keys" in said
    s = sidegate(backend(always_ok).url, f"api_keys: {{ file: {tmp_path}/none.yaml, on_failure: allow }}\n{ROUTES}")
    assert s.ask("GET", "/pets").status == 200
    assert s.lines()[0]["decisions"] == [{"control": "api_key", "name": "api_keys", "decision": "count",
                                          "reason": "keys_unavailable"}]


def test_a_reload_with_a_broken_file_lets_nobody_in_whose_key_is_not_good(sidegate, backend, tmp_path):
    keys = write_keys(tmp_path / "keys.yaml")
    s = sidegate(backend(always_ok).url, f"api_keys: {{ file: {keys}, on_failure: allow }}\n"
                 f"usage_plans: {{ basic: {{ keys: [k1] }} }}\n{ROUTES}")
    assert [ask(s, GOOD).status, s.ask("GET", "/pets").status] == [200, 403]
    keys.write_text("nonsense")
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 422
    assert [ask(s, GOOD).status, s.ask("GET", "/pets").status] == [200, 403]


# ---- throttles ----

THROTTLED = "usage_plans: { basic: { keys: [k1], throttle: { rate: 1/h, burst: 3 } } }"


def test_each_key_of_a_plan_has_a_bucket_of_its_own(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, plans=THROTTLED)
    assert [ask(s, GOOD).status for _ in range(4)] == [200, 200, 200, 429]
    answer = ask(s, GOOD)
    assert (answer.status, answer.body, answer["x-amzn-ErrorType"]) == (429, TOO_MANY, "TooManyRequestsException")
    seconds = int(answer["Retry-After"])
    assert 3590 <= seconds <= 3600
    assert answer["RateLimit-Policy"] == '"basic";q=1;w=3600' and answer["RateLimit"] == f'"basic";r=0;t={seconds}'
    assert ask(s, OTHER).status == 200 and s.ask("GET", "/open").status == 200
    line = next(l for l in s.lines(5) if l["status"] == 429)
    assert line["error"] == "rate_limited" and line["api_key_id"] == "k1"
    assert line["decisions"] == [{"control": "usage_plan", "name": "basic", "decision": "block",
                                  "reason": "more than 1 in 1h by api_key"}]
    reload(s)
    assert ask(s, GOOD).status == 429


def test_a_route_may_have_a_throttle_of_its_own(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path,
                   plans="usage_plans: { basic: { keys: [k1], throttle: { rate: 1/h, burst: 3 }, routes: { GET /pets: { rate: 1/d, burst: 1 } } } }",
                   routes='routes: [{ match: GET /pets, api_key: required }, { match: "ANY /{proxy+}", api_key: required }]')
    assert [ask(s, GOOD).status for _ in range(2)] == [200, 429]
    assert ask(s, GOOD)["RateLimit-Policy"] == '"basic GET /pets";q=1;w=86400'
    # refused by the route's own throttle, the plan's was not asked: two are left
    assert [ask(s, GOOD, "/cats").status for _ in range(3)] == [200, 200, 429]
    assert ask(s, OTHER).status == 200


def test_a_plan_may_only_say_who_came_too_often(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, plans=THROTTLED.replace("burst: 3 }", "burst: 1 }, mode: detection_only"))
    assert [ask(s, GOOD).status for _ in range(2)] == [200, 200]
    assert [d["decision"] for d in s.lines(2)[1]["decisions"]] == ["would_block"]


# ---- quotas ----

LIMITED = b'{"message":"Limit Exceeded"}'
QUOTA = "usage_plans: { basic: { keys: [k1], quota: { limit: 5, period: month } } }"


def next_month():
    now = time.gmtime()
    return calendar.timegm((now.tm_year + now.tm_mon // 12, now.tm_mon % 12 + 1, 1, 0, 0, 0))


def until_429(s, value=GOOD, most=100):
    """How many pass before the first that does not."""
    client = s.client()
    for count in range(most):
        if client.ask("GET", "/pets", fields=[("x-api-key", value)]).status == 429:
            client.close()
            return count
    raise AssertionError(f"{most} passed")


def test_a_quota_that_is_used_up_refuses_until_the_next_period(sidegate, backend, tmp_path):
    s, server = started(sidegate, backend, tmp_path, plans=QUOTA)
    assert until_429(s) == 5
    answer = ask(s, GOOD)
    assert (answer.status, answer.body, answer["x-amzn-ErrorType"]) == (429, LIMITED, "LimitExceededException")
    seconds, left = int(answer["Retry-After"]), next_month() - time.time()
    assert left - 1 <= seconds <= left + 5
    days = round((next_month() - calendar.timegm((time.gmtime().tm_year, time.gmtime().tm_mon, 1, 0, 0, 0))) / 86400)
    assert answer["RateLimit-Policy"] == f'"basic quota";q=5;w={days * 86400}'
    assert answer["RateLimit"] == f'"basic quota";r=0;t={seconds}'
    assert until_429(s, OTHER) == 5
    line = s.lines(7)[6]
    assert line["error"] == "quota_exceeded" and line["status"] == 429
    assert line["decisions"] == [{"control": "usage_plan", "name": "basic", "decision": "block",
                                  "reason": "more than 5 a month"}]
    assert s.metric("sidegate_decisions_total", stage="throttle", control="basic", decision="block") == 3


def test_who_is_throttled_has_used_nothing(sidegate, backend, tmp_path):
    plans = "usage_plans: { basic: { keys: [k1], throttle: { rate: 5/s, burst: 1 }, quota: { limit: 2, period: day } } }"
    s, _ = started(sidegate, backend, tmp_path, plans=plans)
    answers = []
    wait_until(lambda: answers.append(ask(s, GOOD)) or answers[-1].body == LIMITED, "two have passed")
    assert [a.status for a in answers].count(200) == 2
    assert any(a.body == TOO_MANY for a in answers)


def test_an_offset_makes_the_first_period_shorter(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, plans=QUOTA.replace("limit: 5,", "limit: 5, offset: 3,"))
    assert until_429(s) == 2


def test_a_quota_may_only_say_who_used_it_up(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, plans=QUOTA.replace("limit: 5", "limit: 1").replace("month }", "month }, mode: detection_only"))
    assert [ask(s, GOOD).status for _ in range(3)] == [200, 200, 200]
    assert [[d["decision"] for d in l["decisions"]] for l in s.lines(3)] == [[], ["would_block"], ["would_block"]]


def test_a_reload_keeps_what_was_used_also_where_the_limit_changes(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, plans=QUOTA)
    assert until_429(s) == 5
    reload(s)
    assert ask(s, GOOD).status == 429
    s.write(config(tmp_path, plans=QUOTA.replace("limit: 5", "limit: 8")))
    reload(s)
    assert until_429(s) == 3


def test_two_workers_together_let_exactly_the_quota_pass(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, plans=QUOTA.replace("limit: 5", "limit: 100"), more="process: { threads: 2 }")
    found = []

    def ask_often():
        client = s.client()
        found.extend(client.ask("GET", "/pets", fields=[("x-api-key", GOOD)]).status for _ in range(25))
        client.close()

    threads = [threading.Thread(target=ask_often) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count(200) == 100 and found.count(429) == 300


# ---- kept on disk ----

def kept(tmp_path, limit=1000):
    (tmp_path / "state").mkdir(exist_ok=True)
    return {"plans": QUOTA.replace("limit: 5", f"limit: {limit}"), "more": f"process: {{ threads: 1, state_dir: {tmp_path / 'state'} }}"}


def rows(tmp_path):
    """The latest row of each key and day: {key: (used in the period, of the day, left)}; none before the file is made."""
    found = {}
    path = tmp_path / "state" / "usage.log"
    for line in path.read_text().splitlines() if path.exists() else []:
        words = line.split()
        if len(words) == 11 and words[1] == "k":
            found[words[3]] = (int(words[6]), int(words[9]), int(words[10]))
    return found


def test_a_restart_goes_on_where_the_last_one_ended(sidegate, backend, tmp_path):
    s, server = started(sidegate, backend, tmp_path, **kept(tmp_path, 5))
    assert [ask(s, GOOD).status for _ in range(3)] == [200] * 3
    assert s.stop() == 0
    assert rows(tmp_path)["k1"] == (3, 3, 2)
    s = sidegate(server.url, config(tmp_path, **kept(tmp_path, 5)))
    assert until_429(s) == 2
    assert (tmp_path / "state" / "usage.log").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("who", ["the child", "all"])
def test_who_is_killed_loses_at_most_a_second_of_usage(sidegate, backend, tmp_path, who):
    """Requests without a pause; at the kill, those of the last second may be lost and none before."""
    s, server = started(sidegate, backend, tmp_path, **kept(tmp_path, 1000000))
    passed = []  # when each answer came
    client = s.client()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        assert client.ask("GET", "/pets", fields=[("x-api-key", GOOD)]).status == 200
        passed.append(time.monotonic())
    child = s.child()
    killed = time.monotonic()
    if who == "all":
        os.kill(s.process.pid, signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    client.close()
    if who == "all":
        s.process.wait()
        s = sidegate(server.url, config(tmp_path, **kept(tmp_path, 1000000)))
    else:
        wait_until(lambda: s.child() not in (None, child), "another child")
        wait_until(s.is_ready, "it serves")
    assert ask(s, GOOD).status == 200
    wait_until(lambda: rows(tmp_path).get("k1", (0,))[0] > len([p for p in passed if p < killed - 1]), "all but a second")
    s.stop()
    used = rows(tmp_path)["k1"][0] - 1
    assert len([p for p in passed if p < killed - 1]) <= used <= len(passed)
    assert used > 0
    print(f"{len(passed)} passed, {len(passed) - used} were lost with {who}")


def test_a_broken_file_is_said_and_put_aside_and_what_is_good_of_it_holds(sidegate, backend, tmp_path):
    s, server = started(sidegate, backend, tmp_path, **kept(tmp_path, 20))
    assert [ask(s, GOOD).status for _ in range(3)] == [200] * 3
    assert [ask(s, OTHER).status for _ in range(4)] == [200] * 4
    s.stop()
    path = tmp_path / "state" / "usage.log"
    lines = path.read_bytes().splitlines(keepends=True)
    broken = b"".join(l.replace(b" k2 ", b" k3 ") for l in lines) + b"\x00\xff" * 3000 + b"\n" + lines[-1][:20]
    path.write_bytes(broken)
    s = sidegate(server.url, config(tmp_path, **kept(tmp_path, 20)))
    assert "broken" in s.errors() and path.with_suffix(".log.broken").read_bytes() == broken
    assert until_429(s) == 17 and until_429(s, OTHER) == 20
    assert s.metric("sidegate_usage_lines_total", result="broken") >= 2
    s.stop()
    assert set(rows(tmp_path)) == {"k1", "k2"}


def test_a_line_that_was_cut_off_is_no_fault(sidegate, backend, tmp_path):
    s, server = started(sidegate, backend, tmp_path, **kept(tmp_path, 20))
    assert ask(s, GOOD).status == 200
    s.stop()
    with open(tmp_path / "state" / "usage.log", "ab") as f:
        f.write(b"0123456789abcdef k basic k1 mon")
    s = sidegate(server.url, config(tmp_path, **kept(tmp_path, 20)))
    assert "broken" not in s.errors()
    assert until_429(s) == 19


def test_a_folder_that_cannot_be_written_is_said_counted_and_survived(sidegate, backend, tmp_path):
    (tmp_path / "state").write_text("a file, and no folder")
    s, _ = started(sidegate, backend, tmp_path, plans=QUOTA, more=f"process: {{ state_dir: {tmp_path / 'state'} }}")
    wait_until(lambda: "usage of API keys is not kept" in s.errors(), "it is said")
    assert until_429(s) == 5
    wait_until(lambda: s.metric("sidegate_usage_lines_total", result="failed") >= 2, "it is counted")
    assert s.errors().count("usage of API keys is not kept") == 1
    assert "alarms.log cannot be read: Not a directory; it could not be put aside\n" in s.errors()
    (tmp_path / "state").unlink()
    wait_until(lambda: "is kept again" in s.errors(), "the folder can be made")
    assert rows(tmp_path)["k1"] == (5, 5, 0)


def test_a_full_disk_is_said_counted_and_survived(sidegate, backend, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "usage.log.new").symlink_to("/dev/full")  # the first attempt writes there
    s, _ = started(sidegate, backend, tmp_path, **kept(tmp_path, 5))
    wait_until(lambda: "No space left on device" in s.errors(), "it is said")
    assert until_429(s) == 5
    wait_until(lambda: "is kept again" in s.errors(), "there is room again")
    wait_until(lambda: rows(tmp_path).get("k1") == (5, 5, 0), "nothing is lost")
    assert s.metric("sidegate_usage_lines_total", result="failed") == 1


def test_usage_that_somebody_else_holds_is_not_touched_and_taken_over_afterwards(sidegate, backend, tmp_path):
    """Nothing that another one may still write, not even what is broken of it."""
    s, server = started(sidegate, backend, tmp_path, **kept(tmp_path, 1000000))
    path = tmp_path / "state" / "usage.log"
    assert ask(s, GOOD).status == 200
    wait_until(lambda: rows(tmp_path).get("k1", (0,))[0] == 1, "what was counted")
    s.stop()
    with open(path, "ab") as f:
        f.write(b"this is no line\n")
    held = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = sidegate(server.url, config(tmp_path, **kept(tmp_path, 1000000)))
        wait_until(lambda: "resource busy" in second.errors(), "it says so")
        assert [ask(second, GOOD).status for _ in range(3)] == [200] * 3
        assert not path.with_suffix(".log.broken").exists()
    finally:
        os.close(held)
    wait_until(lambda: "is kept again" in second.errors(), "it takes over")
    assert b"this is no line" in path.with_suffix(".log.broken").read_bytes()
    wait_until(lambda: rows(tmp_path).get("k1") == (4, 4, 999996), "what both counted")


def test_usage_that_grows_is_written_anew(sidegate, backend, tmp_path):
    s, server = started(sidegate, backend, tmp_path, **kept(tmp_path, 1000000))
    s.stop()
    path = tmp_path / "state" / "usage.log"
    with open(path, "ab") as f:
        f.write(path.read_bytes().splitlines(keepends=True)[1] * 100000)
    s = sidegate(server.url, config(tmp_path, **kept(tmp_path, 1000000)))
    wait_until(lambda: path.stat().st_size < 1000, "the file is small again")
