# SPDX-License-Identifier: Apache-2.0
"""The report is tried itself: what no reason takes stays unexplained, and nothing follows from what is unexplained."""
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / name) for name in ("stories", "crs", "differential")]
from compare import Difference, Outcome  # noqa: E402
from reasons import FOLLOWS, ROWS  # noqa: E402
from requests_of import Request, crafted, make  # noqa: E402
from rule_text import Rule, rules_of  # noqa: E402


def differ(theirs, ours, request=None, rules=None):
    return Difference("run", rules or {}, request or make("own-x", "/?a=b"), Outcome(*theirs), Outcome(*ours))


def test_a_rule_that_one_side_alone_logs_is_unexplained():
    assert differ((200, {942999: {"ARGS:a"}}), (200, {})).explain() == [942999]
    assert differ((200, {}), (200, {942999: {"ARGS:a"}})).explain() == [942999]


def test_another_answer_is_unexplained():
    assert differ((200, {}), (403, {})).explain() == ["status"]


def test_a_score_follows_only_from_what_is_explained():
    body = {920273: {"REQUEST_BODY"}, 949110: {"TX:score"}}
    posted = make("own-x", "/", "{}", "application/json")
    assert differ((403, body), (200, {}), posted).explain() == []
    assert differ((403, {**body, 920273: {"ARGS:a"}}), (200, {}), posted).explain() == [920273, 949110, "status"]


def test_request_body_is_a_reason_only_for_bodies_that_are_no_form():
    posted = make("own-x", "/", "a=b")
    assert differ((200, {920273: {"REQUEST_BODY"}}), (200, {}), posted).explain() == [920273]


def test_every_line_needs_lines_and_an_anchor():
    rules = {1: Rule('SecRule ARGS "@rx ^a$" "id:1"', Path()), 2: Rule('SecRule ARGS "@rx a" "id:2"', Path())}
    lines = make("own-x", "/?a=%0aa")
    assert differ((200, {1: {"ARGS:a"}}), (200, {}), lines, rules).explain() == []
    assert differ((200, {2: {"ARGS:a"}}), (200, {}), lines, rules).explain() == [2]
    assert differ((200, {1: {"ARGS:a"}}), (200, {}), None, rules).explain() == [1]


def test_detectors_are_quiet_only_where_it_is_said():
    found = {942100: {"detected SQLi using libinjection."}}
    assert differ((200, found), (200, {})).explain() == [942100]
    assert differ((200, found), (200, {}), Request("933160-1", b"GET / HTTP/1.1\r\n\r\n", "GET")).explain() == []


def test_names_are_told_apart():
    names = [name for name, _, _ in [*ROWS, *FOLLOWS]]
    assert len(names) == len(set(names))
    requests = [r.name for r in crafted()]
    assert len(requests) == len(set(requests)) > 500


def test_rules_are_read_with_their_chains(tmp_path):
    file = tmp_path / "a.conf"
    file.write_text('SecRule ARGS|!ARGS:x|XML:/* "@rx a" \\\n  "id:1,phase:2,t:lowercase,tag:\'paranoia-level/3\',chain"\n'
                    '  SecRule MATCHED_VAR "@streq b" "t:none"\nSecAction "id:2,phase:1"\n')
    rules = rules_of([file])
    assert list(rules) == [1, 2]
    assert rules[1].operators == ["@rx a", "@streq b"] and rules[1].level == 3
    assert rules[1].reads("ARGS:y") and rules[1].reads("XML:/*") and not rules[1].reads("XML://@*")
