# SPDX-License-Identifier: Apache-2.0
"""The measurement is tried itself: which tests it counts, and that it tells silence from an alarm."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import honest  # noqa: E402
import measure  # noqa: E402

RULES = r"""
SecRule ARGS "@rx a" \
    "id:942100,phase:2,tag:'paranoia-level/1'"
SecRule ARGS "@rx b" "id:942101,phase:2,tag:'paranoia-level/2'"
# SecRule ARGS "@rx c" "id:942102,phase:2,tag:'paranoia-level/1'"
"""
CORPUS = """
rule_id: 942100
tests:
  - {test_id: 1, stages: [{input: {uri: "/?q=1"}, output: {log: {expect_ids: [942100]}}}]}
  - {test_id: 2, stages: [{input: {uri: "/?q=2"}, output: {log: {expect_ids: [942101]}}}]}
  - {test_id: 3, stages: [{input: {uri: "/?q=3"}, output: {log: {no_expect_ids: [942100]}}}]}
"""


def test_only_rules_of_paranoia_level_1_count(tmp_path):
    (tmp_path / "a.conf").write_text(RULES)
    assert measure.ordinary_rules(tmp_path) == {942100}


def test_a_program_without_rules_blocks_nothing(tmp_path, monkeypatch):
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "rules" / "a.conf").write_text(RULES)
    (tmp_path / "tests" / "942100.yaml").write_text(CORPUS)
    (tmp_path / "crs-setup.conf.example").write_text("")
    monkeypatch.setattr(measure.harness, "PROGRAM", str(HERE.parent / "crs" / "fake.py"))
    monkeypatch.setenv("FAKE_IDS", "942100")
    folder = tmp_path / "run"
    folder.mkdir()
    tests = measure.read(tmp_path / "tests")
    outcome = measure.send_tests(tests, tmp_path, folder, "on")
    assert outcome == {test.name: (False, []) for test in tests}


def test_a_rule_that_matched_and_a_status_that_is_not_200_are_false_alarms(capsys):
    result = [("a", "x", 200, []), ("a", "y", 200, [5100800]), ("b", "z", 400, [])]
    assert measure.tell_honest(result) == 2
    said = capsys.readouterr().out
    assert "false alarm (a): 'y': [5100800]" in said and "false alarm (b): 'z': status 400" in said
    assert "a: 1 false alarms in 2 requests" in said


def test_the_same_requests_are_sent_each_time():
    assert honest.visits(20) == honest.visits(20)
    assert len({request for pairs in honest.visits(5).values() for _, request in pairs}) > 20
