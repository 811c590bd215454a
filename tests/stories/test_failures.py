# SPDX-License-Identifier: Apache-2.0
"""Every failure of what a guard depends on: nobody is let in by it unless on_failure says so. The table names the test of each."""
import json
import re
import shutil
import signal

import pytest
from api_keys import GOOD, key_line, write_keys as write_api_keys
from harness import DATA, TOP, always_ok, free_port, read_request, run, wait_until
from test_jwt import token, write_keys
from test_web_acl import BLOCK, PATH, document, rule, starts

API = "arn:aws:execute-api:eu-west-1:123456789012:shop/prod"
BASE = DATA / "geo-maxmind-db" / "test-data" / "GeoLite2-Country-Test.mmdb"
GB, ABUSER, NOBODY = "2.125.160.216", "203.0.113.7", "198.51.100.1"


# ---- servers that are asked ----

def says(text, status=b"200 OK"):
    def script(wire):
        while True:
            read_request(wire)
            wire.send(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + text)
    return script


def never(wire):
    wire.until(b"an end that does not come")


def raw(text):
    def script(wire):
        read_request(wire)
        wire.send(text)
    return script


SERVERS = {
    "dead": None,
    "slow": never,
    "status": says(b'{"isAuthorized":true,"active":true}', b"503 X"),
    "garbage": says(b"<html>"),
    "empty": says(b""),
    "noise": raw(b"SSH-2.0-x\r\n\r\n"),
    "short": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"isAuthorized":true'),
    "large": says(b'{"isAuthorized":true,"active":true,"keys":"' + b" " * 3000000 + b'"}'),
}
PATIENCE = {failure: "300ms" if failure == "slow" else "8s" for failure in SERVERS}  # what answers may be slow on a busy machine
CALLED = {"dead": "not_connected", "slow": "timed_out", "status": "bad_status", "garbage": "answer_no_json", "empty": "answer_no_json",
          "noise": "broken", "short": "broken", "large": "answer_too_long"}
ASKED = {**CALLED, "garbage": "answer_malformed", "empty": "answer_malformed", "large": "too_large"}
ISSUED = dict.fromkeys(SERVERS, "keys_missing")
REMOTE = {
    # type: its settings, and the reason that each failure has in the decision
    "http": ("type: http, url: \"URL/\", identity: [$request.header.authorization]", CALLED),
    "lambda": ("type: lambda, function: f, payload: token, url: \"URL\"", CALLED),
    "introspection": ("type: introspection, url: \"URL/\", bearer_token_file: SECRET", ASKED),
    "jwt": ("type: jwt, issuer: \"https://id.example/\", audience: [orders], algorithms: [RS256], jwks_url: \"URL/keys\"", ISSUED),
    "cognito": ("type: cognito, user_pool: eu-west-1_AbC123, audience: [orders], jwks_url: \"URL/keys\"", ISSUED),
}


def address_of(backend, failure):
    return backend(SERVERS[failure]).url if SERVERS[failure] else f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize("failure", SERVERS)
@pytest.mark.parametrize("kind", REMOTE)
def test_who_cannot_be_asked_lets_in_only_where_on_failure_says_so(sidegate, backend, tmp_path, kind, failure):
    settings, reasons = REMOTE[kind]
    secret = tmp_path / "secret"
    secret.write_text("x\n")
    secret.chmod(0o600)
    settings = settings.replace("URL", address_of(backend, failure)).replace("SECRET", str(secret)) + f", timeout: {PATIENCE[failure]}"
    upstream = backend(always_ok)
    s = sidegate(upstream.url, f"""
authorizers:
  deny: {{ {settings} }}
  detect: {{ {settings}, mode: detection_only }}
  allow: {{ {settings}, on_failure: allow }}
routes:
  - {{ match: GET /deny, authorizer: deny }}
  - {{ match: GET /detect, authorizer: detect }}
  - {{ match: GET /allow, authorizer: allow }}
""")
    bearer = token(header={"alg": "RS256", "kid": "k1"})  # nobody knows yet that it is not good

    def ask(how):
        return s.ask("GET", f"/{how}", fields=[("Authorization", f"Bearer {bearer}")]).status

    assert ask("deny") == 500 and not upstream.heard
    assert ask("detect") == 200 and ask("allow") == 200
    lines = s.lines(3)
    assert [line["decisions"] for line in lines] == [
        [{"control": "authorizer", "name": how, "decision": word, "reason": reasons[failure]}]
        for how, word in [("deny", "block"), ("detect", "would_block"), ("allow", "count")]]
    malformed = reasons[failure].startswith("answer_") and kind in ("http", "lambda")
    assert [line["error"] for line in lines] == ["authorizer_malformed" if malformed else "authorizer_failed", None, None]
    for how, word in [("deny", "block"), ("detect", "would_block"), ("allow", "count")]:
        assert s.metric("sidegate_decisions_total", control=how, decision=word) == 1
    assert s.ask("GET", "/allow").status == 401  # nothing has failed: nobody is there


@pytest.mark.parametrize("failure", SERVERS)
def test_a_list_that_never_came_blocks_unless_on_failure_says_so(sidegate, backend, failure):
    url = address_of(backend, failure)
    upstream = backend(always_ok)
    s = sidegate(upstream.url, f"""
ip_sets:
  deny: {{ url: "{url}/list", refresh: 1h, timeout: {PATIENCE[failure]} }}
  allow: {{ url: "{url}/list", refresh: 1h, timeout: {PATIENCE[failure]}, on_failure: allow }}
access:
  - {{ name: d, match: {{ path: /deny, ip_set: deny }}, action: block }}
  - {{ name: a, match: {{ path: /allow, ip_set: allow }}, action: block }}
  - {{ name: x, match: {{ path: /detect, ip_set: deny }}, action: block, mode: detection_only }}
""")
    assert s.ask("GET", "/deny").status == 403 and not upstream.heard
    assert [s.ask("GET", f"/{how}").status for how in ("allow", "detect")] == [200, 200]
    found = [[(d["name"], d["decision"], "never came, on_failure" in d["reason"]) for d in line["decisions"]] for line in s.lines(3)]
    assert found == [[("d", "block", True)], [("a", "count", True)], [("x", "would_block", True)]]


# ---- files ----

HARMS = {"garbage": b"\x00{[ no such thing\n", "empty": b"", "cut": None, "missing": None}
FILES = ["abusers.txt", "country.mmdb", "acl.json", "keys.json", "aws-keys.yaml", "policy.json", "api-keys.yaml"]
CONFIG = """
ip_sets: { abusers: { file: abusers.txt } }
geo: { country_db: country.mmdb }
access:
  - { name: abusers, match: { ip_set: abusers }, action: block }
  - { name: abroad, match: { path: /geo, country: [GB] }, action: block }
  - { web_acl: acl.json }
aws_keys: { file: aws-keys.yaml }
policies: { resource: policy.json, api: "API" }
api_keys: { file: api-keys.yaml }
usage_plans: { basic: { keys: [k1] } }
authorizers:
  staff: { type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: keys.json }
  aws: { type: sigv4, region: eu-west-1 }
routes:
  - { match: GET /staff, authorizer: staff }
  - { match: GET /aws, authorizer: aws }
  - { match: GET /key, api_key: required }
  - { match: "ANY /{proxy+}" }
""".replace("API", API)
needs_base = pytest.mark.skipif(not BASE.is_file(), reason=f"there is no {BASE} (SIDEGATE_TEST_DATA)")


def write_files(folder):
    (folder / "abusers.txt").write_text("203.0.113.0/24\n192.0.2.0/24\n")
    shutil.copyfile(BASE, folder / "country.mmdb")
    (folder / "acl.json").write_text(document(rule(0, "acl", starts(PATH, "/acl"), BLOCK)))
    write_keys(folder / "keys.json")
    (folder / "aws-keys.yaml").write_text('keys:\n  AKIDEXAMPLE: { secret: "wJalrXUtnFEMI/K7MDENG", '
                                          'principal: "arn:aws:iam::123456789012:user/alice" }\n')
    (folder / "aws-keys.yaml").chmod(0o600)
    statements = [{"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": f"execute-api:/prod/*{path}"}
                  for effect, path in [("Allow", ""), ("Deny", "/denied")]]
    (folder / "policy.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    write_api_keys(folder / "api-keys.yaml", key_line("k1", GOOD))


def harm(path, how):
    """The file's bytes before it."""
    before, mode = path.read_bytes(), path.stat().st_mode
    path.unlink()
    if how != "missing":
        path.write_bytes(before[:len(before) * 2 // 3] if how == "cut" else HARMS[how])
        path.chmod(mode)
    return before, mode


def probe(s):
    """What each guard answers: whom it refuses, and then whom it lets in."""
    def ask(target, client=NOBODY, *fields):
        return s.ask("GET", target, fields=[("X-Forwarded-For", client), *fields]).status

    bearer = ("Authorization", f"Bearer {token()}")
    refused = [ask("/open", ABUSER), ask("/geo", GB), ask("/acl"), ask("/staff"), ask("/aws"), ask("/denied"), ask("/key")]
    return refused, [ask("/open"), ask("/geo"), ask("/staff", NOBODY, bearer), ask("/key", NOBODY, ("x-api-key", GOOD))]


WELL = [403, 403, 403, 401, 403, 403, 403], [200, 200, 200, 200]


@needs_base
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_breaks_is_refused_at_a_reload_and_each_guard_stands(sidegate, backend, tmp_path, name):
    write_files(tmp_path)
    s = sidegate(backend(always_ok).url, CONFIG, trusted="127.0.0.1")
    assert probe(s) == WELL
    for how in HARMS:
        if (name, how) == ("abusers.txt", "cut"):
            continue  # a shorter list is a list
        before, mode = harm(tmp_path / name, how)
        s.signal(signal.SIGHUP)
        wait_until(lambda: s.metric("sidegate_config_last_reload_successful") == 0, f"{how}: it is refused")
        assert probe(s) == WELL, how
        (tmp_path / name).write_bytes(before)
        (tmp_path / name).chmod(mode)
        s.signal(signal.SIGHUP)
        wait_until(lambda: s.metric("sidegate_config_last_reload_successful") == 1, f"{how}: it is mended")
    assert probe(s) == WELL


@needs_base
@pytest.mark.parametrize("name", FILES)
def test_nothing_starts_with_a_broken_file(tmp_path, name):
    config = tmp_path / "c.yaml"
    config.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n' + CONFIG)
    write_files(tmp_path)
    assert run("check", "-c", str(config))[0] == 0
    for how in HARMS:
        if (name, how) == ("abusers.txt", "cut"):
            continue
        before, mode = harm(tmp_path / name, how)
        code, *said = run("check", "-c", str(config))
        assert code == 3 and name in "".join(said), (how, said)
        (tmp_path / name).write_bytes(before)
        (tmp_path / name).chmod(mode)


# ---- what is not a failure: the client's own doing ----

def test_a_client_cannot_make_an_authorizer_fail_by_a_value_that_a_pattern_cannot_cope_with(sidegate, backend):
    upstream, server = backend(always_ok), backend(always_ok)
    s = sidegate(upstream.url, f"""
authorizers:
  a: {{ type: lambda, function: f, payload: token, url: "{server.url}", validation: "^(a+)+$", on_failure: allow }}
routes: [{{ match: GET /, authorizer: a }}]
""")
    assert s.ask("GET", "/", fields=[("Authorization", "a" * 60 + "!")]).status == 401
    assert s.lines()[0]["decisions"][0]["reason"] == "identity_over_limit"
    assert not upstream.heard and not server.heard


# ---- every control has a mode, and on_failure where something can fail ----

CONTROLS = {
    # the control: where its mode is, where its on_failure is; or why it needs none
    "rules": ("rules.mode", "rules.on_failure"),
    "rules of a route": ("routes[].rules.mode", "rules.on_failure"),
    "access": ("access[].mode", "access[].on_failure"),
    "ip_sets": ("access[].mode", "ip_sets.*.on_failure"),
    "geo": ("access[].mode", "geo.on_failure"),
    "rate_limits": ("rate_limits.*.mode", "its store is memory that is taken when the configuration is read, and who finds it full "
                                          "takes the place of who has come least"),
    "authorizers": ("authorizers.*.mode", "authorizers.*.on_failure"),
    "api_keys": ("api_keys.mode", "api_keys.on_failure"),
    "usage_plans": ("usage_plans.*.mode", "api_keys.on_failure"),
    "policies": ("policies.mode", "they are read with the configuration, and without room to ask them nobody passes"),
}


def test_each_control_has_mode_and_on_failure_or_nothing_that_can_fail():
    options = {line.split()[0] for line in run("config", "options")[1].splitlines() if line.strip()}
    for control, (mode, on_failure) in CONTROLS.items():
        assert mode in options, control
        assert on_failure in options or " " in on_failure, control
    named = {name for pair in CONTROLS.values() for name in pair}
    assert {name for name in options if name.endswith((".mode", ".on_failure"))} <= named, "one that nobody thought of"


@pytest.mark.parametrize("kind, more", [("sigv4", "region: eu-west-1"), ("mtls", "")])
def test_on_failure_is_a_fault_where_nothing_can_fail(tmp_path, kind, more):
    config = tmp_path / "c.yaml"
    config.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n'
                      f"authorizers: {{ a: {{ type: {kind}, {more + ', ' if more else ''}on_failure: allow }} }}\n")
    code, *said = run("check", "-c", str(config))
    assert code == 3 and re.search(r"on_failure.* is not for type", "".join(said)), said


# ---- the table ----

MEMORY = "memory_that_ends_lets_nobody_"
START, RELOAD = "test_nothing_starts_with_a_broken_file", "test_a_file_that_breaks_is_refused_at_a_reload_and_each_guard_stands"
REMOTELY = "test_who_cannot_be_asked_lets_in_only_where_on_failure_says_so"
GONE, ALLOWED = "test_a_server_that_is_gone_leaves_the_last_good_list", "test_on_failure_allow_does_not_let_pass_who_is_refused"
FETCHED = "test_a_broken_download_keeps_the_last_good_list_and_says_so"
TRIED = {
    "access": {"memory ends": MEMORY + "past_the_access_list", "no room for the decision":
               "the_decision_that_ends_a_request_is_kept_however_many_there_were", "a path with two readings":
               "nobody_is_let_in_by_a_doubtful_path_but_kept_out_by_it"},
    "ip_set inline": {"memory ends": MEMORY + "past_the_access_list", "no more room for what is put in":
                      "test_a_set_that_is_full_says_so_and_keeps_what_it_has"},
    "ip_set file": {"broken at the start": START, "broken at a reload": RELOAD,
                    "broken at a refresh": "test_a_list_that_is_mended_to_what_it_was_is_well_again"},
    "ip_set url": {"never came": "test_a_list_that_never_came_blocks_unless_on_failure_says_so", "broken later": FETCHED, "dead later": GONE,
                   "no certificate that is believed": "test_a_server_over_tls_is_believed_by_its_ca_alone",
                   "what is kept on disk is not whole": "test_a_kept_list_that_is_not_whole_is_not_believed",
                   "not of it": "test_not_of_a_list_that_never_came_is_no_way_in"},
    "geo": {"broken at the start": START, "broken at a reload": RELOAD,
            "broken at a refresh": "test_a_database_that_changes_is_taken_over_and_a_broken_one_is_not",
            "missing, on_failure": "test_a_missing_database_is_let_go_where_the_settings_say_so",
            "cut short while in use": "test_a_database_that_is_cut_short_under_the_program_harms_nobody",
            "any byte of it": "a_byte_that_changed_is_refused_or_harmless",
            "it does not know": "test_who_is_in_no_database_is_blocked_where_the_settings_say_so"},
    "rate": {"memory ends": MEMORY + "come_more_often", "its store is full": "a_flood_of_random_keys_is_no_way_around_a_limit",
             "escapes in the key": "test_an_escape_or_capitals_are_no_way_to_a_key_of_ones_own"},
    "web ACL": {"memory ends": MEMORY + "past_a_web_acl", "broken at the start": START, "broken at a reload": RELOAD,
                "a pattern over its limits": "behind_four_patterns_over_their_limits_no_further_rule_is_asked",
                "the same in an AND": "the_fourth_pattern_over_its_limits_is_a_failure_though_another_part_says_no",
                "no room for labels": "a_label_without_room_is_a_failure_and_does_not_vanish",
                "no room for a place": "a_place_without_room_for_its_labels_is_a_failure",
                "a body that is too much": "a_body_that_is_more_than_the_arena_holds_is_a_failure",
                "JSON that is too deep, on_failure": "test_json_that_is_nested_too_deep_is_a_failure_and_on_failure_decides",
                "its list never came": "test_a_web_acl_that_asks_a_list_that_never_came_refuses"},
    "jwt file": {"memory ends": MEMORY + "in_without_a_token_that_holds", "broken at the start": START, "broken at a reload": RELOAD,
                 "no memory for a verdict": "what_the_arena_has_no_room_for_is_a_failure_and_no_verdict",
                 "readable by all": "test_what_is_wrong_with_keys_and_settings_is_said_at_its_place"},
    "jwt inline": {"memory ends": MEMORY + "in_without_a_token_that_holds", "what passes is whole": "memory_that_ends_takes_nothing_from_who_passes"},
    "jwt url": {"eight kinds of failure, on_failure": REMOTELY, "no key set later": "test_what_is_no_key_set_changes_nothing",
                "dead later": "test_a_dead_server_is_survived_for_as_long_as_the_policy_says",
                "no certificate that is believed": "test_an_issuer_is_believed_only_with_a_certificate_that_is",
                "described by another": "test_a_description_of_somebody_else_is_not_believed",
                "unknown keys": "test_unknown_keys_do_not_make_us_ask_again_and_again"},
    "cognito": {"eight kinds of failure, on_failure": REMOTELY},
    "introspection": {"eight kinds of failure, on_failure": REMOTELY,
                      "a refusal is no failure": "test_on_failure_allow_lets_pass_whom_nobody_vouches_for",
                      "a token too long to ask": "test_a_token_that_nobody_could_be_asked_about_is_refused_whatever_on_failure_says",
                      "a token that a server stumbles over": "test_what_can_be_no_token_is_refused_without_asking"},
    "lambda, http": {"eight kinds of failure, on_failure": REMOTELY, "memory ends": MEMORY + "in_who_asks_an_authorizer_elsewhere",
                     "a refusal is no failure": ALLOWED, "no certificate that is believed": "test_a_server_behind_tls_has_to_be_whom_ca_file_trusts",
                     "a request too long to ask": "test_a_client_cannot_make_an_authorizer_fail_by_a_long_request",
                     "a pattern over its limits":
                     "test_a_client_cannot_make_an_authorizer_fail_by_a_value_that_a_pattern_cannot_cope_with",
                     "its store is full": "results_of_many_keys_stay_within_the_bytes_and_the_one_in_use_stays",
                     "an error is not kept": "test_a_refusal_is_kept_as_well_but_an_error_is_not"},
    "sigv4": {"memory ends": "a_signature_lets_in_wherever_memory_ends_only_with_what_is_left_to_prove", "broken at the start": START,
              "broken at a reload": RELOAD, "no room": "no_room_is_no_good_signature",
              "its body stops": "test_a_body_that_stops_coming_is_not_waited_for",
              "its body is too long": "test_a_body_too_long_to_be_held_is_refused_in_api_gateways_words",
              "clocks": "test_clocks_may_be_five_minutes_apart_and_no_more"},
    "mtls": {"memory ends": "a_certificate_lets_in_wherever_memory_ends_only_whom_it_is_asked_for",
             "no revocation list of the issuer": "test_without_a_list_of_the_issuer_nobody_of_it_gets_in",
             "files that break": "test_changed_files_are_taken_over_by_themselves_and_broken_ones_are_not",
             "broken at the start": "test_what_is_wrong_with_files_is_said_before_anybody_connects"},
    "policies": {"memory ends": MEMORY + "past_a_policy", "broken at the start": START, "broken at a reload": RELOAD,
                 "a value too long": "a_variable_whose_value_is_too_long_denies"},
    "api keys": {"memory ends": MEMORY + "in_without_an_api_key", "broken at the start": START, "broken at a reload": RELOAD,
                 "missing, on_failure": "test_a_missing_file_lets_in_only_where_the_settings_say_so"},
    "usage plan": {"memory ends": MEMORY + "come_more_often"},
    "quota": {"memory ends": MEMORY + "come_more_often",
              "its store is full, on_failure": "a_quota_that_cannot_be_counted_refuses_unless_on_failure_allows",
              "a full disk": "test_a_full_disk_is_said_counted_and_survived",
              "no place to write": "test_a_folder_that_cannot_be_written_is_said_counted_and_survived",
              "a broken file": "test_a_broken_file_is_said_and_put_aside_and_what_is_good_of_it_holds",
              "a clock that goes back": "a_clock_that_jumps_back_gives_nobody_a_second_quota",
              "kill -9": "test_who_is_killed_loses_at_most_a_second_of_usage"},
    "rate_limits": {"memory ends": MEMORY + "come_more_often", "its store is full": "a_flood_of_random_keys_is_no_way_around_a_limit"},
    "rules": {"memory ends": MEMORY + "past_the_rules", "over its budget, on_failure":
              "an_inspection_over_its_budget_is_refused_unless_told_otherwise"},
}


def test_the_test_of_each_failure_exists():
    stories = {name for path in (TOP / "tests/stories").glob("test_*.py")
               for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.M)}
    units = set()
    for path in (TOP / "tests/unit").rglob("*_test.c"):
        text = path.read_text()
        units |= {name for name in re.findall(r"^TEST\((\w+)\)", text, re.M) if len(re.findall(rf"\b{name}\b", text)) > 1}
    main = (TOP / "tests/unit/exchange/main.c").read_text()
    units |= set(re.findall(r"^TEST\((\w+)\)", main, re.M))
    missing = [(guard, failure, name) for guard, tried in TRIED.items() for failure, name in tried.items() if name not in stories | units]
    assert not missing
    assert all(re.search(r"memory|start|eight|never", " ".join(tried)) for tried in TRIED.values())
