# SPDX-License-Identifier: Apache-2.0
"""What cannot be meant is refused before anything starts, with its place and the nearest name."""
import os

import pytest
from harness import run

NEEDED = """version: 1
listeners: [{ address: 127.0.0.1:8080 }]
upstreams: { app: { targets: ["http://127.0.0.1:3000"] } }
"""

SETTINGS = [  # text, column of its first line, what is said
    ("limts: { url: 9KiB }", 1, "did you mean 'limits'?"),
    ("status: { address: 127.0.0.1:8080 }", 20, "a listener has '127.0.0.1:8080' already"),
    ("limits: { ulr: 9KiB }", 11, "did you mean 'url'?"),
    ("limits: { url: 9000 }", 16, "a size with a unit"),
    ("timeouts: { idle: 5 }", 19, "with a unit"),
    ("timeouts: { idle: 5 parsecs }", 19, "with a unit"),
    ("rules: { mode: detection-only }", 16, "did you mean 'detection_only'?"),
    ("rules: { crs: { paranoia: 5 } }", 27, "1 to 4"),
    ("process: { threads: many }", 21, "auto"),
    ("service: { name: '${SIDEGATE_STORY_UNSET}' }", 19, "SIDEGATE_STORY_UNSET"),
    ("traces: { sampler: always }", 20, "always_on"),
    ("status: { address: 127.0.0.1:99999 }", 20, "127.0.0.1:99999"),
    ("otlp: { endpoint: 'ftp://a/' }", 19, "ftp://a/"),
    ("routes: [{ match: 'GET /a', upstream: ap }]", 39, "did you mean 'app'?"),
    ("access_log: [1]", 13, "access_log"),
    ("limits: { url: 9KiB", 1, ""),
]

RULES = [  # text, column, what is said
    ('SecRul ARGS "@rx x" "id:1,deny"', 1, "did you mean 'SecRule'?"),
    ('SecRule ARGZ "@rx x" "id:1,phase:1,deny"', 9, "did you mean 'ARGS'?"),
    ('SecRule ARGS "@rxx x" "id:1,phase:1,deny"', 16, "did you mean 'rx'?"),
    ('SecRule ARGS "@rx (x" "id:1,phase:1,deny"', 21, "parenthesis"),
    ('SecRule ARGS "@rx x" "id:1,phase:1,denny"', 36, "did you mean 'deny'?"),
    ('SecRule ARGS "@rx x" "id:1,phase:1,deny,t:lowercas"', 43, "did you mean 'lowercase'?"),
    ('SecRule ARGS "@rx x" "phase:1,deny"', 1, "id"),
    ('SecRule ARGS "@rx x" "id:1,phase:7,deny"', 34, "phase is 1, 2, 3, 4, 5"),
    ('SecRule ARGS "@rx x" "id:one,phase:1,deny"', 26, "id is a number"),
    ('SecRule ARGS "@rx x" "id:1,phase:1,ctl:ruleEngin=Off"', 40, "did you mean 'ruleEngine'?"),
    ('SecRule ARGS "@pmFromFile nowhere.data" "id:1,phase:1,deny"', 27, "nowhere.data"),
    ('SecRuleEngine Onn', 15, "did you mean 'On'?"),
    ('SecAction "id:1,phase:1,pass,severity:CRITCAL"', 39, "did you mean 'CRITICAL'?"),
    ('Include nowhere.conf', 9, "nowhere.conf"),
    ('SecRule ARGS', 1, "SecRule"),
]


@pytest.mark.parametrize("text,column,said", SETTINGS)
def test_a_setting_is_refused_at_its_place(tmp_path, text, column, said):
    path = tmp_path / "a.yaml"
    path.write_text(NEEDED + text + "\n")
    code, out, err = run("check", "-c", str(path))
    first = err.splitlines()[0]
    assert code == 3 and out == ""
    assert first.startswith((f"{path}:4:{column}: ", f"{path}:5:{column}: ")) and said in first, err


@pytest.mark.parametrize("text,column,said", RULES)
def test_a_rule_is_refused_at_its_place(tmp_path, text, column, said):
    rules, path = tmp_path / "own.conf", tmp_path / "a.yaml"
    rules.write_text("# a comment\nSecRequestBodyAccess On\n" + text + "\n")
    path.write_text(NEEDED + f"rules: {{ files: [{rules}] }}\n")
    code, out, err = run("check", "-c", str(path))
    first = err.splitlines()[0]
    assert code == 3 and out == ""
    assert first.startswith(f"{rules}:3:{column}: ") and said in first, err


def test_all_faults_are_told_at_once(tmp_path):
    rules, path = tmp_path / "own.conf", tmp_path / "a.yaml"
    rules.write_text("\n".join(text.replace("id:1,", f"id:{i + 1},") for i, (text, _, _) in enumerate(RULES[:6])) + "\n")
    path.write_text(NEEDED + f"rules: {{ files: [{rules}] }}\nlimts: {{}}\n")
    code, _, err = run("check", "-c", str(path))
    assert code == 3 and f"{path}:5:1: " in err
    path.write_text(NEEDED + f"rules: {{ files: [{rules}] }}\n")
    code, _, err = run("check", "-c", str(path))
    assert code == 3 and [f"{rules}:{line}:" in err for line in range(1, 7)] == [True] * 6, err


def cannot_start(tmp_path, text):
    """`run` and `check` say the same one sentence, and nothing is started."""
    path = tmp_path / "a.yaml"
    path.write_text(text)
    codes = []
    for command in ("check", "run"):
        code, out, err = run(command, "-c", str(path))
        assert out == "" and "Sanitizer" not in err, err
        codes.append(code)
    assert codes == [3, 3], err
    return err


def test_a_folder_without_the_core_rule_set_is_named(tmp_path):
    assert f"{tmp_path}/nowhere" in cannot_start(tmp_path, NEEDED + f"rules: {{ crs: {{ folder: {tmp_path}/nowhere }} }}\n")
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path}/empty" in cannot_start(tmp_path, NEEDED + f"rules: {{ crs: {{ folder: {tmp_path}/empty }} }}\n")


def test_a_rule_file_that_is_not_there_is_named(tmp_path):
    assert f"{tmp_path}/nowhere.conf" in cannot_start(tmp_path, NEEDED + f"rules: {{ files: [{tmp_path}/nowhere.conf] }}\n")


def test_a_rule_file_that_everybody_may_write_is_named(tmp_path):
    rules = tmp_path / "own.conf"
    rules.write_text("SecRuleEngine On\n")
    rules.chmod(0o666)
    said = cannot_start(tmp_path, NEEDED + f"rules: {{ files: [{rules}] }}\n")
    assert f"{rules}" in said and "everybody may write it" in said


def test_a_configuration_that_cannot_be_read_is_named(tmp_path):
    code, _, err = run("run", "-c", str(tmp_path / "nowhere.yaml"))
    assert code == 3 and f"{tmp_path}/nowhere.yaml" in err and "No such file" in err
    code, _, err = run("check", "-c", str(tmp_path))
    assert code == 3 and f"{tmp_path}" in err


def test_a_token_file_that_is_not_there_is_named(tmp_path):
    assert f"{tmp_path}/token" in cannot_start(tmp_path, NEEDED + f"admin: {{ token_file: {tmp_path}/token }}\n")


def test_an_admin_address_for_everybody_needs_a_token(tmp_path):
    assert "admin.token_file" in cannot_start(tmp_path, NEEDED + "admin: { address: 0.0.0.0:7601 }\n")


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes somebody else")
def test_a_user_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(NEEDED.replace("8080", "0") + "process: { user: nobody-of-that-name }\nstatus: { address: off }\nadmin: { address: off }\n")
    code, _, err = run("run", "-c", str(path))
    assert code in (1, 3) and "nobody-of-that-name" in err
