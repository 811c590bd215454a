# SPDX-License-Identifier: Apache-2.0
"""rules: the list, one rule as it was loaded, and go-ftw's tests without a server."""
import subprocess

import pytest
from harness import PROGRAM

RULES = r"""
SecDefaultAction "phase:2,log,auditlog,deny,status:406"
SecAction "id:1,phase:1,pass,nolog,setvar:tx.score=0"
SecRule REQUEST_URI "@beginsWith /calm" "id:2,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=attack;ARGS:note"
SecRule REQUEST_METHOD "@streq HEAD" "id:3,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS|!ARGS:quiet "!@rx ^[a-z ]*$" "id:10,phase:2,block,capture,t:urlDecodeUni,t:lowercase,msg:'Odd %{MATCHED_VAR_NAME}',\
  severity:WARNING,tag:'attack',tag:'paranoia-level/2',setvar:tx.score=+5,chain"
  SecRule &ARGS "@gt 0"
SecRule ARGS "@contains gone" "id:11,phase:2,deny"
SecMarker END
SecRule RESPONSE_STATUS "@streq 500" "id:30,phase:3,deny,msg:'Broken'"
SecRuleUpdateTargetById 10 "!ARGS:also"
SecRuleRemoveById 11
"""

TESTS = r"""
meta: { author: nobody }
rule_id: 10
tests:
  - test_id: 1
    stages:
      - input: { uri: "/?a=1", headers: { Host: a.example } }
        output: { status: 406, log: { expect_ids: [10], no_expect_ids: [11] } }
  - test_id: 2
    stages:
      - input: { method: POST, data: "a={{ \"xy\" | repeat 3 }}&b=% 7", headers: { Host: a.example } }
        output: { log: { expect_ids: [10] } }
  - test_id: 3
    stages:
      - input: { uri: "/?quiet=1&also=2", headers: { Host: a.example } }
        output: { status: 200, log: { no_expect_ids: [10] } }
  - test_id: 4
    stages:
      - input: { encoded_request: "R0VUIC8/YT0xIEhUVFAvMS4x\nDQpIb3N0OiBhDQoNCg==" }
        output: { log: { expect_ids: [10] } }
  - test_id: 5
    stages:
      - input: { headers: { Host: a.example } }
        output: { log: { expect_ids: [30] } }
  - test_id: 6
    stages:
      - input: { uri: "/" }
        output: { status: 400 }
  - test_id: 7
    stages:
      - input: { method: PUT, data: "a=b c&d", headers: { Host: a.example } }
        output: { status: 200 }
"""


@pytest.fixture
def rules(tmp_path):
    """rules(word, ...) -> (exit code, stdout, stderr), in a folder with a configuration and tests."""
    (tmp_path / "rules.conf").write_text(RULES)
    (tmp_path / "tests.yaml").write_text(TESTS)
    (tmp_path / "a.yaml").write_text("""version: 1
listeners: [{ address: 127.0.0.1:8080 }]
upstreams: { app: { targets: ["http://127.0.0.1:3000"] } }
rules: { mode: on, files: [rules.conf] }
""")

    def call(word, *more):
        done = subprocess.run([PROGRAM, "rules", word, "-c", "a.yaml", *more], cwd=tmp_path, capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout, done.stderr

    return call


def ids(out):
    return [int(line.split()[0]) for line in out.splitlines()]


def test_the_list_is_in_the_order_of_the_phases(rules, tmp_path):
    code, out, _ = rules("list")
    own = [line for line in out.splitlines() if str(tmp_path) in line]
    assert code == 0 and ids("\n".join(own)) == [1, 2, 3, 10, 30]
    assert own[3] == f"10       2 2  warning   {tmp_path}/rules.conf:6  Odd %{{MATCHED_VAR_NAME}}"


def test_the_list_can_be_narrowed(rules):
    assert ids(rules("list", "--phase", "3")[1]) == [30]
    assert ids(rules("list", "--tag", "attack")[1]) == [10]
    assert rules("list", "--tag", "attack", "--phase", "1")[1] == ""
    assert rules("list", "--tag", "atack")[::2] == (1, "sidegate rules list: no rule has the tag 'atack' (did you mean 'attack'?)\n")
    code, _, err = rules("list", "--phase", "6")
    assert code == 2 and "--phase: found '6', expected a number from 1 to 5" in err


def test_a_rule_is_shown_as_it_was_loaded(rules, tmp_path):
    code, out, _ = rules("show", "10")
    assert code == 0 and out == f"""10  phase 2, warning
  stands in        {tmp_path}/rules.conf:6
  message          "Odd %{{MATCHED_VAR_NAME}}"
  tag              "attack"
  tag              "paranoia-level/2"
  decides          deny with 406 (written as block), logged, audited
  targets          ARGS !ARGS:quiet !ARGS:also
  transformations  urlDecodeUni lowercase (capture)
  operator         !@rx "^[a-z ]*$"
  does             setvar:TX.score=+5
and, {tmp_path}/rules.conf:8
  targets          &ARGS
  transformations  none
  operator         @gt "0"
changed by SecRuleUpdateTargetById 10 !ARGS:also ({tmp_path}/rules.conf:12)
skipped where rule 3 matches ({tmp_path}/rules.conf:5)
a target is removed where rule 2 matches ({tmp_path}/rules.conf:4): ctl:ruleRemoveTargetByTag=attack;ARGS:note
"""


def test_a_rule_that_was_removed_is_not_there_and_who_did_it_is_said(rules, tmp_path):
    assert rules("show", "11") == (1, "", f"sidegate rules show: rule 11 is not loaded\nremoved by SecRuleRemoveById 11 ({tmp_path}/rules.conf:13)\n")
    assert rules("show", "12") == (1, "", "sidegate rules show: rule 12 is not loaded\n")
    assert rules("show")[0] == 2


def test_tests_pass_fail_and_are_skipped_with_a_reason(rules, tmp_path):
    code, out, err = rules("test", "tests.yaml")
    assert (code, err) == (0, "")
    assert out == "skipped 10-5: it looks at a backend's answer\n6 passed, 0 failed, 1 skipped\n"
    (tmp_path / "tests.yaml").write_text(TESTS.replace("status: 406, log: { expect_ids: [10], no_expect_ids: [11] }",
                                                       "status: 200, log: { expect_ids: [1], no_expect_ids: [10] }"))
    code, out, _ = rules("test", "tests.yaml")
    assert code == 1
    assert out.splitlines()[0] == "failed 10-1: status 406, expected 200; missing 1; unwanted 10"
    assert out.splitlines()[-1] == "5 passed, 1 failed, 1 skipped"


def test_a_file_that_is_no_test_file_is_a_fault_with_its_place(rules, tmp_path):
    (tmp_path / "tests.yaml").write_text("tests: [\n")
    code, out, err = rules("test", "tests.yaml")
    assert code == 1 and out == "0 passed, 0 failed, 0 skipped\n" and err.startswith("tests.yaml:2:")
    assert "missing.yaml" in rules("test", "missing.yaml")[2]
    assert rules("test")[0] == 2


def test_a_wrong_word_names_what_was_meant(rules, tmp_path):
    code, _, err = rules("tset")
    assert code == 2 and "unknown word 'tset' (did you mean 'test'?)" in err
    (tmp_path / "rules.conf").write_text("SecRul ARGS x\n")
    for words in (("list",), ("show", "1"), ("test", "tests.yaml")):
        code, out, err = rules(*words)
        assert code == 3 and out == "" and "rules.conf:1:1" in err
