# SPDX-License-Identifier: Apache-2.0
"""The command line: what it says, and its exit codes."""
import json
import subprocess

import pytest

from harness import PROGRAM, free_port, run

NEEDED = """version: 1
listeners: [{ address: 127.0.0.1:8080 }]
upstreams: { app: { targets: ["http://127.0.0.1:3000"] } }
"""


def call(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def write(folder, text, name="a.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def test_a_good_configuration_is_well(tmp_path):
    code, out, _ = call("check", "-c", write(tmp_path, NEEDED))
    assert code == 0
    assert out == "well: listeners 1, upstreams 1, rules 0, warnings 0\n"


def test_a_bad_one_is_refused_with_every_fault_at_its_place(tmp_path):
    path = write(tmp_path, NEEDED + "limts: {}\nlimits: { url: 1 }\n")
    code, out, err = call("check", "-c", path)
    assert code == 3 and out == ""
    assert err.splitlines() == [
        f"{path}:4:1: unknown key 'limts' (did you mean 'limits'?)",
        f"{path}:5:16: limits.url: found '1', expected a size with a unit, from 256B to 1MiB",
        "refused: errors 2, warnings 0",
    ]


def test_the_check_speaks_json(tmp_path):
    path = write(tmp_path, NEEDED + "limts: {}\n")
    code, out, _ = call("check", "--json", "-c", path)
    said = json.loads(out)
    assert code == 3 and said["ok"] is False and said["errors"] == 1
    assert said["faults"] == [{"kind": "error", "file": str(path), "line": 4, "column": 1,
                               "message": "unknown key 'limts'", "hint": "did you mean 'limits'?"}]


def test_warnings_refuse_only_where_that_is_asked_for(tmp_path):
    path = write(tmp_path, NEEDED + "rules: { mode: on }\n")
    assert call("check", "-c", path)[0] == 0
    code, _, err = call("check", "--strict", "-c", path)
    assert code == 3 and "warning: rules: there is nothing to load" in err


def test_the_effective_settings_are_printed_and_read_again(tmp_path):
    first = write(tmp_path, NEEDED + "timeouts: { idle: 7s }\n")
    second = write(tmp_path, "timeouts: { connect: 2s }\n", "b.yaml")
    code, out, _ = call("config", "print", "-c", first, "-c", second, "--set", "limits.url=9KiB")
    assert code == 0
    for line in ("  idle: 7s", "  connect: 2s", "  url: 9KiB", "  request: 1m"):
        assert line in out.splitlines()
    assert call("config", "print", "-c", write(tmp_path, out, "c.yaml"))[1] == out


def test_every_option_is_listed():
    code, out, _ = call("config", "options")
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert code == 0
    assert "restart" in rows["process.threads"] and "live" in rows["limits.url"]
    assert "10s" in rows["timeouts.body_idle"]


def test_a_wrong_command_line_names_what_was_meant(tmp_path):
    for words, said in (
        (["chek"], "unknown command 'chek' (did you mean 'check'?)"),
        (["check", "a.yaml"], "unknown argument 'a.yaml' (did you mean '-c a.yaml'?)"),
        (["check", "--strct"], "unknown option '--strct' (did you mean '--strict'?)"),
        (["check", "more"], "unknown argument 'more'"),
        (["check"], "no configuration: give at least one -c FILE"),
        (["check", "-c"], "-c wants FILE behind it"),
        (["config", "prnt"], "unknown word 'prnt' (did you mean 'print'?)"),
        (["run", "-c", "x", "--threads", "0"], "--threads: found '0', expected a number from 1 to 16"),
        ([], "usage: sidegate COMMAND"),
    ):
        code, out, err = call(*words)
        assert code == 2 and out == "" and said in err, words


def test_each_command_explains_itself():
    for command in ("run", "check", "config", "explain", "rules", "reload", "drain", "status", "health", "demo", "version"):
        code, out, err = call(command, "--help")
        assert code == 0 and out.startswith("usage: sidegate " + command) and err == "", command


def test_the_version_is_told_in_both_ways():
    code, out, _ = call("version")
    told = json.loads(call("version", "--json")[1])
    assert code == 0 and out.startswith(f"sidegate {told['version']} (libcurl {told['libcurl']}, ")


def test_nobody_answers_where_nobody_listens():
    for command in ("reload", "drain", "status", "health"):
        code, out, err = call(command, "--admin", f"127.0.0.1:{free_port()}")
        assert code == 4 and out == "" and "nobody answers at 127.0.0.1:" in err, command


def test_a_running_one_is_asked_reloaded_and_drained(sidegate, backend):
    s = sidegate(backend().url)
    admin = ["--admin", f"127.0.0.1:{s.admin_port}"]
    code, out, _ = call("status", *admin)
    rows = dict(line.split(None, 1) for line in out.splitlines() if len(line.split(None, 1)) == 2)
    assert code == 0 and rows["state"] == "serving" and rows["configuration"] == "1"
    assert json.loads(call("status", "--json", *admin)[1])["state"] == "serving"
    assert call("health", *admin)[0] == 0
    s.write("timeouts: { idle: 5 }")
    code, _, err = call("reload", *admin)
    assert code == 3 and "timeouts.idle: found '5'" in err
    s.write("timeouts: { idle: 5s, drain_delay: 0 }")
    assert call("reload", *admin) == (0, "the new configuration is in force\n", "")
    assert call("drain", "--wait", *admin) == (0, "it has stopped\n", "")
    assert s.process.wait(20) == 0


def test_status_names_the_signal_of_each_export(sidegate, backend):
    s = sidegate(backend().url, 'otlp: { endpoint: "http://127.0.0.1:9" }\nlogs: { otlp: [events] }\nmetrics: { exporter: otlp }\n')
    code, out, _ = call("status", "--admin", f"127.0.0.1:{s.admin_port}")
    exports = [line.split(None, 1)[1].split(":")[0] for line in out.splitlines() if line.startswith("export ")]
    assert code == 0 and {"otlp traces", "otlp logs", "otlp metrics"} <= set(exports) and len(exports) == len(set(exports)), out


def test_a_token_is_asked_for_and_given(sidegate, backend, tmp_path):
    token = write(tmp_path, "s3cret\n", "token")
    token.chmod(0o600)
    port = free_port()
    s = sidegate(backend().url, config=f"admin: {{ address: 127.0.0.1:{port}, token_file: {token} }}")
    admin = ["--admin", f"127.0.0.1:{port}"]
    code, out, err = call("status", *admin)
    assert code == 1 and out == "" and "--token-file" in err
    assert call("status", "--token-file", token, *admin)[0] == 0
    assert "s3cret" not in call("config", "print", "-c", s.config)[1]


@pytest.mark.parametrize("setting, shown", [
    ('otlp: { endpoint: "htp://u:PLANTED@127.0.0.1:1/" }', "'htp://***@127.0.0.1:1/'"),
    ('access_log: { firehose: { url: "http://u:PLANTED@127.0.0.1:1/x" } }', "'http://***@127.0.0.1:1/x'"),
    ('upstreams: { app: { targets: ["http://u:PLANTED@127.0.0.1:9"] } }', "'http://***@127.0.0.1:9'"),
])
def test_a_password_in_an_address_that_is_refused_is_not_repeated(tmp_path, setting, shown):
    config = tmp_path / "c.yaml"
    own = setting if setting.startswith("upstreams") else setting + '\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }'
    config.write_text(f'version: 1\nlisteners: [{{ address: "127.0.0.1:1" }}]\n{own}\n')
    code, out, err = run("check", "-c", str(config))
    assert code == 3 and shown in out + err and "PLANTED" not in out + err, out + err


@pytest.mark.parametrize("words, said", [
    (["keys"], "sidegate keys: add, list, revoke, import or usage?"),
    (["changes"], "sidegate changes: verify?"),
    (["metrics", "gt"], "sidegate metrics: unknown word 'gt' (did you mean 'get'?)"),
    (["alarms", "list", "-q"], "sidegate alarms list: unknown option '-q'"),
    (["check", "--strct"], "sidegate check: unknown option '--strct' (did you mean '--strict'?)"),
    (["check", "--config", "a.yaml"], "sidegate check: unknown option '--config' (did you mean '-c'?)"),
    (["run", "--config=a.yaml"], "sidegate run: unknown option '--config=a.yaml' (did you mean '-c'?)"),
    *[([command, option, "a.yaml"], f"sidegate {command}: unknown option '{option}' (a running one has its files; --admin names which one)")
      for command in ("reload", "drain", "status", "health") for option in ("-c", "--config")],
    (["metrics", "list", "-c", "a.yaml"], "sidegate metrics list: unknown option '-c' (a running one has its files; --admin names which one)"),
    (["reload", "a.yaml"], "sidegate reload: unknown argument 'a.yaml' (a running one has its files; --admin names which one)"),
])
def test_what_is_wrong_is_said_with_all_words_of_the_command(words, said):
    code, out, err = run(*words)
    assert code == 2 and out == "" and err.splitlines()[0] == said
