# SPDX-License-Identifier: Apache-2.0
"""Who is told when an alarm takes a state: once, in order, also where the receiver is away or the program dies; and what people do to
alarms while it runs."""
import fcntl
import json
import os
import signal
import time

import pytest
from alarm_story import ERRORS, PATIENT, QUIET, api, facts, history, keep, receiver, set_state, wait_for_disk  # noqa: F401
from harness import field, free_port, hurried_time, run, wait_until
from receivers import UUID, Alertmanager, Topic, when

def test_the_alarm_on_errors_fires_under_load_is_told_once_and_resolves(sidegate, receiver, tmp_path):
    topic, manager = receiver(Topic), receiver(Alertmanager, clock=hurried_time)
    s = sidegate(hurried=True, config=keep(tmp_path, ERRORS + f"""
      actions: [{{ type: webhook, format: sns, url: "{topic.url}/sns", {PATIENT} }}, {{ type: webhook, url: "{manager.url}", {PATIENT} }}, {{ type: log }}],
      ok_actions: [{{ type: webhook, format: sns, url: "{topic.url}/sns", {PATIENT} }}] }}
"""))
    topic.wait(1)  # INSUFFICIENT_DATA -> OK
    for _ in range(10):
        assert s.ask("GET", "/x").status == 502
    topic.wait(2)
    wait_until(lambda: manager.firing() == {"errors"}, "the alert")
    topic.wait(3)
    wait_until(lambda: not manager.firing(), "its end")
    assert topic.states() == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]
    assert len(set(topic.ids)) == 3
    message = topic.messages[1]
    assert message["AlarmName"] == "errors" and message["AlarmDescription"] == "too many 5XX"
    assert message["NewStateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [1.0 (")
    assert message["AlarmArn"] == "arn:aws:cloudwatch:blue:000000000000:alarm:errors" and message["Region"] == "blue"
    assert when(message["AlarmConfigurationUpdatedTimestamp"]) <= when(message["StateChangeTime"])
    assert message["AlarmActions"] == [topic.url, manager.url, "log"] and message["OKActions"] == [topic.url]
    assert message["Trigger"] == {
        "MetricName": "5XXError", "Namespace": "Sidegate", "Dimensions": [], "StatisticType": "Statistic", "Statistic": "AVERAGE",
        "Unit": None, "Period": 10, "EvaluationPeriods": 1, "DatapointsToAlarm": 1, "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0.05, "TreatMissingData": "notBreaching", "EvaluateLowSampleCountPercentile": None}
    first, last = manager.posts
    assert first["labels"] == last["labels"] == {"alertname": "errors", "service": "orders", "environment": "blue"}
    assert first["startsAt"] == last["startsAt"] == message["StateChangeTime"].replace("+0000", "Z")
    assert when(first["endsAt"]) - when(first["startsAt"]) >= 200
    assert first["annotations"]["summary"] == "too many 5XX" and first["annotations"]["id"] == topic.ids[1]
    assert s.errors().count("alarm notice: ") == 1
    assert '"NewStateValue":"ALARM"' in s.errors()
    changes = history(s, "errors", "StateUpdate")
    assert [(one["before"], one["state"]) for one in changes] == topic.states()
    assert [one["id"] for one in changes] == topic.ids
    told = f"Action {topic.url}: sent"
    wait_until(lambda: [one["summary"] for one in history(s, "errors", "Action")].count(told) == 3, "that the book has all three")


def test_a_receiver_that_is_away_gets_every_change_once_and_in_order_when_it_is_back(sidegate, receiver, tmp_path):
    port = free_port()
    hook = f'{{ type: webhook, format: sns, raw_message_delivery: true, url: "http://127.0.0.1:{port}/" }}'
    s = sidegate(config=keep(tmp_path, QUIET + f"      actions: [{hook}], ok_actions: [{hook}] }}\n"))
    for state in ("ALARM", "OK", "ALARM"):
        set_state(s, state)
    wait_until(lambda: "cannot be told" in s.errors(), "the first attempt")
    assert s.metric("sidegate_alarm_actions_waiting") == 3
    topic = receiver(Topic, port=port, raw=True, status=lambda n: 503 if n == 0 else 200)
    topic.wait(3)
    assert topic.states() == [("INSUFFICIENT_DATA", "ALARM"), ("ALARM", "OK"), ("OK", "ALARM")]
    assert [one["id"] for one in history(s, kind="StateUpdate")] == topic.ids
    wait_until(lambda: s.metric("sidegate_alarm_actions_total", type="webhook", outcome="sent") == 3, "the count")
    assert s.metric("sidegate_alarm_actions_waiting") == 0
    assert s.errors().count("cannot be told") == 1 and s.errors().count("is told again") == 1


def test_what_a_receiver_refuses_is_not_sent_again_and_said(sidegate, receiver, tmp_path):
    topic = receiver(Topic, status=lambda n: 400 if n == 0 else 200)
    hook = f'{{ type: webhook, format: sns, url: "{topic.url}/" }}'
    s = sidegate(config=keep(tmp_path, QUIET + f"      actions: [{hook}], ok_actions: [{hook}] }}\n"))
    set_state(s, "ALARM")
    set_state(s, "OK")
    topic.wait(1)
    assert topic.states() == [("ALARM", "OK")] and len(topic.requests) == 2
    failed = history(s, kind="Action")[0]
    assert failed["outcome"] == "failed" and failed["why"] == "it answers with status 400"
    assert f"alarm quiet -> ALARM: {topic.url} was not told: it answers with status 400" in s.errors()


@pytest.mark.parametrize("end", ["kill", "restart"])
def test_what_was_not_told_before_the_end_is_told_afterwards_and_nothing_twice(sidegate, receiver, tmp_path, end):
    port = free_port()
    topic = receiver(Topic)
    first = f'{{ type: webhook, format: sns, url: "{topic.url}/" }}'
    away = f'{{ type: webhook, format: sns, url: "http://127.0.0.1:{port}/" }}'
    config = keep(tmp_path, QUIET + f"      actions: [{first}, {away}], ok_actions: [{away}] }}\n")
    s = sidegate(config=config)
    set_state(s, "ALARM", reason="before the end")
    topic.wait(1)
    wait_until(lambda: history(s, kind="Action"), "that the book has it")
    wait_for_disk(tmp_path, '"outcome":"sent"')
    if end == "kill":
        s.kill_child()
    else:
        assert s.stop() == 0
        s = sidegate(config=config)
    assert facts(s)["state"] == "ALARM" and facts(s)["reason"] == "before the end"
    late = receiver(Topic, port=port)
    late.wait(1)
    set_state(s, "OK")
    late.wait(2)
    assert late.states() == [("INSUFFICIENT_DATA", "ALARM"), ("ALARM", "OK")]
    assert late.ids[0] == topic.ids[0] and len(topic.messages) == 1
    assert [one["state"] for one in history(s, kind="StateUpdate")] == ["ALARM", "OK"]


def test_what_happened_is_read_when_the_program_of_before_has_let_go_of_it(sidegate, receiver, tmp_path):
    topic = receiver(Topic)
    config = keep(tmp_path, QUIET + f'      actions: [{{ type: webhook, format: sns, url: "{topic.url}/" }}] }}\n')
    s = sidegate(config=config)
    set_state(s, "ALARM")
    topic.wait(1)
    wait_for_disk(tmp_path, '"outcome":"sent"')
    assert s.stop() == 0
    with open(tmp_path / "state" / "alarms.lock") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as one has that is about to end
        s = sidegate(config=config)
        assert "still has the alarms" in api(s, "POST", "/quiet/state", {"state": "OK", "reason": "x"}, 503)["detail"]
        assert facts(s)["state"] == "INSUFFICIENT_DATA"
    wait_until(lambda: facts(s)["state"] == "ALARM", "the folder is taken over")
    assert [one["type"] for one in history(s)] == ["ConfigurationUpdate", "StateUpdate", "Action"]
    set_state(s, "OK")
    set_state(s, "ALARM")
    topic.wait(2)
    assert topic.states() == [("INSUFFICIENT_DATA", "ALARM"), ("OK", "ALARM")]


def test_an_alarm_that_rang_before_the_child_died_does_not_ring_again(sidegate, receiver, tmp_path):
    topic = receiver(Topic)
    hook = f'{{ type: webhook, format: sns, url: "{topic.url}/", {PATIENT} }}'
    s = sidegate(hurried=True, config=keep(tmp_path, ERRORS + f"      actions: [{hook}], ok_actions: [{hook}] }}\n"))
    topic.wait(1)
    s.ask("GET", "/x")
    topic.wait(2)
    wait_for_disk(tmp_path, '"outcome":"sent"', 2)  # what is not known as told is told again
    s.kill_child()
    assert facts(s, "errors")["state"] == "ALARM"
    s.ask("GET", "/x")
    topic.wait(3)  # it is over
    assert topic.states() == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]


def test_alertmanager_is_told_again_while_the_alarm_fires_also_after_the_childs_death(sidegate, receiver, tmp_path):
    manager = receiver(Alertmanager, clock=hurried_time)
    s = sidegate(hurried=True, config=keep(tmp_path, QUIET + f'      actions: [{{ type: webhook, url: "{manager.url}/", {PATIENT} }}] }}\n'))
    set_state(s, "ALARM")
    wait_until(lambda: len(manager.posts) == 1, "the alert")
    wait_until(lambda: history(s, kind="Action"), "that the book has it")
    wait_for_disk(tmp_path, '"outcome":"sent"')
    s.kill_child()
    wait_until(lambda: len(manager.posts) == 2, "the same again", 75)
    assert manager.posts[0]["labels"] == manager.posts[1]["labels"] and manager.posts[0]["startsAt"] == manager.posts[1]["startsAt"]
    assert when(manager.posts[1]["endsAt"]) > when(manager.posts[0]["endsAt"])
    assert manager.posts[0]["annotations"] == manager.posts[1]["annotations"]
    set_state(s, "OK")
    wait_until(lambda: not manager.firing(), "its end")
    wait_until(lambda: len(history(s, kind="Action")) == 2, "that the book has its end")
    assert len(manager.posts) == 3


def test_alertmanager_may_stand_behind_a_path_and_a_query(sidegate, receiver, tmp_path):
    manager = receiver(Alertmanager)
    s = sidegate(config=keep(tmp_path, QUIET + f'      actions: [{{ type: webhook, url: "{manager.url}/am/?tenant=a" }}] }}\n'))
    set_state(s, "ALARM")
    wait_until(lambda: manager.lines == ["POST /am/api/v2/alerts?tenant=a HTTP/1.1"], "the alert")


def test_a_command_has_the_alarm_in_its_environment_and_input_and_no_shell(sidegate, tmp_path):
    script = tmp_path / "page"
    script.write_text('#!/bin/sh\nenv | grep ^ALARM_ > "$2"/environment\nprintf "%s" "$1" > "$2"/argument\ncat > "$2"/input\n'
                      'ls /proc/self/fd | wc -l > "$2"/descriptors\nmv "$2"/input "$2"/done\n')
    script.chmod(0o755)
    s = sidegate(config=keep(tmp_path, QUIET + f"      actions: [{{ type: command, run: [{script}, \"$(id) 'a' ; b\", {tmp_path}] }}] }}\n"))
    set_state(s, "ALARM", reason="because; rm -rf $HOME")
    wait_until((tmp_path / "done").exists, "the command")
    message = json.loads((tmp_path / "done").read_text())
    assert message["NewStateValue"] == "ALARM" and message["NewStateReason"] == "because; rm -rf $HOME"
    environment = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines())
    assert environment.pop("ALARM_ID") == history(s, kind="StateUpdate")[0]["id"]
    assert environment == {"ALARM_NAME": "quiet", "ALARM_DESCRIPTION": "", "ALARM_STATE": "ALARM", "ALARM_OLD_STATE": "INSUFFICIENT_DATA",
                           "ALARM_REASON": "because; rm -rf $HOME", "ALARM_SERVICE": "orders", "ALARM_ENVIRONMENT": "blue"}
    assert (tmp_path / "argument").read_text() == "$(id) 'a' ; b"
    assert int((tmp_path / "descriptors").read_text()) == 4  # three, and that of the folder which is listed
    wait_until(lambda: [one["summary"] for one in history(s, kind="Action")] == [f"Action {script}: sent"], "the history")


def test_a_command_knows_nothing_else_of_our_environment(sidegate, tmp_path):
    script = tmp_path / "page"
    script.write_text('#!/bin/sh\ntr "\\000" "\\n" < /proc/$$/environ > "$1"/new\nmv "$1"/new "$1"/done\n')
    script.chmod(0o755)
    s = sidegate(config=keep(tmp_path, QUIET + f"      actions: [{{ type: command, run: [{script}, {tmp_path}] }}] }}\n"), environment={
        "RECEIVER_TOKEN": "secret", "ALARMS": "x", "PATHS": "x", "LC_TIME": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC", "HOME": str(tmp_path)})
    set_state(s, "ALARM")
    wait_until((tmp_path / "done").exists, "the command")
    names = {line.split("=", 1)[0] for line in (tmp_path / "done").read_text().splitlines() if not line.startswith("ALARM_")}
    assert {name for name in names if not name.startswith("LC_")} == {"PATH", "HOME", "LANG", "TZ"} and "LC_TIME" in names


def test_a_command_that_hangs_is_killed_and_stops_nobody_else(sidegate, receiver, tmp_path):
    topic = receiver(Topic)
    script = tmp_path / "hang"
    script.write_text(f'#!/bin/sh\necho $$ >> {tmp_path}/pids\nsleep 1000 &\necho $! >> {tmp_path}/pids\nwait\n')
    script.chmod(0o755)
    s = sidegate(config=keep(tmp_path, QUIET + f"""      actions: [{{ type: command, run: [{script}], timeout: 2s }},
        {{ type: webhook, format: sns, url: "{topic.url}/" }}] }}
"""))
    set_state(s, "ALARM")
    topic.wait(1)
    began = time.monotonic()
    assert s.status("/livez")[0] == 200 and time.monotonic() - began < 1
    pids = tmp_path / "pids"
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) >= 2, "the command")
    wait_until(lambda: f"{script} cannot be told: it took too long, and was killed; it is tried again" in s.errors(), "its end", 20)
    for pid in pids.read_text().split()[:2]:
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "what it left behind goes, too")
    wait_until(lambda: len(pids.read_text().split()) >= 4, "the second attempt", 20)
    os.kill(s.child(), signal.SIGKILL)
    wait_until(lambda: not os.path.exists(f"/proc/{pids.read_text().split()[2]}"), "it ends with us")
    os.kill(int(pids.read_text().split()[3]), signal.SIGKILL)
    wait_until(s.is_ready, "the next child serves", 30)


def test_actions_that_are_off_are_not_carried_out(sidegate, receiver, tmp_path):
    topic = receiver(Topic)
    hook = f'{{ type: webhook, format: sns, url: "{topic.url}/" }}'
    s = sidegate(config=keep(tmp_path, QUIET + f"      actions: [{hook}], actions_enabled: false }}\n" +
                             QUIET.replace("quiet", "loud") + f"      actions: [{hook}] }}\n"))
    set_state(s, "ALARM")
    set_state(s, "ALARM", alarm="loud")
    topic.wait(1)
    assert topic.messages[0]["AlarmName"] == "loud" and not facts(s)["actions_enabled"]
    assert history(s, kind="StateUpdate") and not history(s, kind="Action")


def test_a_suppressor_holds_the_actions_of_a_composite_alarm_back_also_over_a_death(sidegate, receiver, tmp_path):
    topic = receiver(Topic)
    hook = f'{{ type: webhook, format: sns, url: "{topic.url}/", {PATIENT} }}'
    s = sidegate(hurried=True, config=keep(tmp_path, QUIET + "}\n" + QUIET.replace("quiet", "deploy") + "}\n" + f"""
  - {{ name: page, rule: ALARM(quiet), actions: [{hook}], actions_suppressor: deploy, actions_suppressor_wait_period: 5s,
      actions_suppressor_extension_period: 0s }}
"""))
    set_state(s, "ALARM", alarm="deploy")
    set_state(s, "ALARM")
    assert facts(s, "page")["state"] == "ALARM" and facts(s, "page")["actions_held"]
    wait_for_disk(tmp_path, "quiet transitioned to ALARM")
    s.kill_child()
    assert facts(s, "page")["actions_held"] and not topic.messages
    set_state(s, "OK", alarm="deploy")
    topic.wait(1)
    assert topic.messages[0]["AlarmRule"] == "ALARM(quiet)" and topic.states() == [("OK", "ALARM")]
    assert topic.messages[0]["NewStateReason"].startswith("quiet transitioned to ALARM at ")


def test_the_list_says_what_becomes_of_actions_and_a_reason_is_one_line(sidegate):
    s = sidegate(config="alarms:\n" + QUIET.rstrip(",\n") + " }\n" + "".join(
        QUIET.rstrip(",\n").replace("quiet", name) + end for name, end in [
            ("silent", " }\n"), ("deaf", ", actions_enabled: false }\n"), ("maintenance", " }\n")]) + (
        "  - { name: page, rule: ALARM(quiet), actions_suppressor: maintenance, actions_suppressor_wait_period: 60s,\n"
        "      actions_suppressor_extension_period: 60s, actions: [{ type: log }] }\n"))
    set_state(s, "ALARM", "maintenance")
    set_state(s, "ALARM", reason="one\n2026-01-01T00:00:00.000000Z error: another\x1b[31m")
    api(s, "POST", "/silent/mute", {"duration": "1h", "reason": "deployment"})
    code, out, _ = run("alarms", "list", "--admin", f"127.0.0.1:{s.admin_port}")
    lines = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    actions = {name: words[2] for name, words in lines.items()}
    assert code == 0 and actions == {"NAME": "ACTIONS", "quiet": "on", "silent": "muted", "deaf": "off", "maintenance": "on", "page": "held"}, out
    assert "(muted until " in out
    assert r"one\n2026-01-01T00:00:00.000000Z error: another\x1b[31m" in out
    assert r"alarm quiet: INSUFFICIENT_DATA -> ALARM: one\n2026-01-01T00:00:00.000000Z error: another\x1b[31m" in s.errors()
    _, out, _ = run("alarms", "history", "quiet", "--admin", f"127.0.0.1:{s.admin_port}")
    assert r"one\n2026-01-01" in out


def test_what_people_do_to_alarms_is_in_the_log_of_changes(sidegate, tmp_path):
    s = sidegate(config=keep(tmp_path, QUIET + "}\n") + f"change_log: {{ path: {tmp_path}/changes.ndjson }}\n")
    set_state(s, "ALARM")
    api(s, "POST", "/quiet/mute", {"duration": "1h", "reason": "deployment"})
    api(s, "POST", "/quiet/unmute")
    changes = [json.loads(line) for line in (tmp_path / "changes.ndjson").read_text().splitlines()]
    mine = [one for one in changes if one["what"] == "alarm quiet"]
    assert [one["event"] for one in mine] == ["SetAlarmState", "MuteAlarm", "UnmuteAlarm"]
    assert mine[0]["before"] == {"state": "INSUFFICIENT_DATA"} and mine[0]["after"] == {"state": "ALARM", "reason": "a test"}
    assert mine[1]["before"] == {"muted_until": None} and mine[1]["after"] == {"duration": "1h", "reason": "deployment"}
    assert mine[2]["before"]["muted_until"] and mine[2]["after"] is None
    assert run("changes", "verify", str(tmp_path / "changes.ndjson"))[0] == 0


def test_a_reload_keeps_what_waits_and_tells_by_the_new_settings(sidegate, receiver, tmp_path):
    port = free_port()
    hook = f'{{ type: webhook, format: sns, url: "http://127.0.0.1:{port}/" }}'
    config = keep(tmp_path, QUIET + f"      actions: [{hook}] }}\n")
    s = sidegate(config=config)
    set_state(s, "ALARM")
    wait_until(lambda: "cannot be told" in s.errors(), "the first attempt")
    s.write(config.replace("actions: [", "ok_actions: [{ type: log }], actions: [{ type: log }, "))
    s.signal(signal.SIGHUP)
    wait_until(lambda: "configuration 2 is in force" in s.errors(), "the reload")
    assert facts(s)["state"] == "ALARM"  # actions are no part of what makes an alarm another one
    assert s.errors().count("alarm notice: ") == 0
    topic = receiver(Topic, port=port)
    topic.wait(1)
    s.write(config.replace("threshold: 1,", "threshold: 2,"))
    s.signal(signal.SIGHUP)
    wait_until(lambda: "configuration 3 is in force" in s.errors(), "the reload")
    assert facts(s)["state"] == "INSUFFICIENT_DATA"
    assert [one["summary"] for one in history(s, kind="ConfigurationUpdate")] == ["Alarm created", "Alarm updated"]
    s.write(config.replace("quiet", "other"))
    s.signal(signal.SIGHUP)
    wait_until(lambda: "configuration 4 is in force" in s.errors(), "the reload")
    s.write(config)
    s.signal(signal.SIGHUP)
    wait_until(lambda: "configuration 5 is in force" in s.errors(), "the reload")
    assert [one["summary"] for one in history(s, kind="ConfigurationUpdate")][2:] == ["Alarm deleted", "Alarm created"]
    assert facts(s)["state"] == "INSUFFICIENT_DATA" and len(topic.messages) == 1


def test_what_is_secret_of_an_action_is_sent_and_shown_nowhere(sidegate, receiver, tmp_path):
    topic, by_file = receiver(Topic), receiver(Topic, status=lambda n: 400)
    (tmp_path / "url").write_text(f"{by_file.url}/services/T0SECRETPATH2?key=T0SECRETQUERY2\n")
    (tmp_path / "token").write_text("Bearer T0SECRETFILE\n")
    for name in ("url", "token"):
        (tmp_path / name).chmod(0o600)
    hook = (f'{{ type: webhook, format: sns, url: "{topic.url}/services/T0SECRETPATH?key=T0SECRETQUERY", '
            f'headers: {{ X-Key: T0SECRETHEADER }}, header_files: {{ Authorization: token }} }}')
    config = keep(tmp_path, QUIET + f"      actions: [{hook}, {{ type: webhook, format: sns, url_file: url }}, {{ type: log }}] }}\n")
    s = sidegate(config=config)
    set_state(s, "ALARM")
    topic.wait(1)
    wait_until(lambda: len(history(s, kind="Action")) == 3, "all actions")
    line, fields, _, _ = topic.requests[0]
    assert line == "POST /services/T0SECRETPATH?key=T0SECRETQUERY HTTP/1.1"
    assert ("X-Key", "T0SECRETHEADER") in fields and ("Authorization", "Bearer T0SECRETFILE") in fields
    assert by_file.requests[0][0] == "POST /services/T0SECRETPATH2?key=T0SECRETQUERY2 HTTP/1.1"
    admin = ("--admin", f"127.0.0.1:{s.admin_port}")
    code, printed, _ = run("config", "print", "-c", str(s.config))
    assert code == 0 and f'url: "{topic.url}/***", headers: {{ X-Key: "***" }}, header_files: {{ Authorization: token }}' in printed
    places = {"log": s.errors(), "metrics": s.status("/metrics")[1], "print": printed, "list": run("alarms", "list", "--json", *admin)[1],
              "history": run("alarms", "history", "quiet", "--json", *admin)[1], "message": topic.requests[0][2].decode(),
              "disk": (tmp_path / "state" / "alarms.log").read_text(), "status": s.status("/api/v1/status", port=s.admin_port)[1]}
    for name, text in places.items():
        assert "T0SECRET" not in text, name
    assert topic.url in places["list"] and topic.url in places["history"]


def test_several_webhooks_of_one_host_are_told_apart(sidegate, receiver, tmp_path):
    """By their name, or else by where they stand: what else tells them apart is secret."""
    topic = receiver(Topic, status=lambda n: 400)
    hooks = [f'{{ type: webhook, format: sns, url: "{topic.url}/{path}"{more} }}' for path, more in (("a", ""), ("b", ""), ("c", ", name: pager"))]
    s = sidegate(config=keep(tmp_path, QUIET + f"      actions: [{', '.join(hooks)}] }}\n"))
    set_state(s, "ALARM")
    wait_until(lambda: len(history(s, kind="Action")) == 3, "all actions")
    for name in (f"{topic.url} (actions[0])", f"{topic.url} (actions[1])", f"pager ({topic.url})"):
        assert name in s.errors() and any(name in json.dumps(one) for one in history(s, kind="Action")), name


def test_a_reload_takes_another_secret_of_an_action(sidegate, receiver, tmp_path):
    topic = receiver(Topic)
    for name, text in (("url", f"{topic.url}/one"), ("token", "Bearer one")):
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)

    def write(secret):
        hook = f'{{ type: webhook, format: sns, url: "{topic.url}/{secret}", headers: {{ X-Key: {secret} }}, header_files: {{ Authorization: token }} }}'
        return keep(tmp_path, QUIET + f"      actions: [{hook}, {{ type: webhook, format: sns, url_file: url }}] }}\n")

    def told():
        return sorted((line.split()[1], str(field(fields, "X-Key")), str(field(fields, "Authorization"))) for line, fields, _, _ in topic.requests[-2:])

    s = sidegate(config=write("one"))
    set_state(s, "ALARM")
    topic.wait(2)
    assert told() == [("/one", "None", "None"), ("/one", "one", "Bearer one")]
    for change in (lambda: s.write(write("two")), lambda: (tmp_path / "token").write_text("Bearer two\n"),
                   lambda: (tmp_path / "url").write_text(f"{topic.url}/two\n")):
        before = s.errors().count("is in force")
        change()
        s.signal(signal.SIGHUP)
        wait_until(lambda: s.errors().count("is in force") > before, "the reload")
    set_state(s, "OK")
    set_state(s, "ALARM")
    topic.wait(4)
    assert told() == [("/two", "None", "None"), ("/two", "two", "Bearer two")]


def test_a_book_that_is_broken_is_put_aside_and_one_that_was_cut_off_is_read(sidegate, tmp_path):
    config = keep(tmp_path, QUIET + "}\n")
    s = sidegate(config=config)
    set_state(s, "ALARM")
    book = tmp_path / "state" / "alarms.log"
    wait_for_disk(tmp_path, '"kind":"due"')
    assert s.stop() == 0
    whole = book.read_text()
    book.write_text(whole + whole.splitlines()[-1][:40])  # cut off
    s = sidegate(config=config)
    assert facts(s)["state"] == "ALARM" and "broken" not in s.errors()
    assert s.stop() == 0
    book.write_text(whole.replace('"state":"ALARM"', '"state":"OK"'))  # flipped
    s = sidegate(config=config)
    assert facts(s)["state"] == "INSUFFICIENT_DATA"
    assert "1 lines are broken and 2 good; the file is put aside as alarms.log.broken" in s.errors()
    assert (tmp_path / "state" / "alarms.log.broken").exists()


def test_a_folder_that_cannot_be_written_is_said_once_and_actions_go_on(sidegate, receiver, tmp_path):
    topic = receiver(Topic)
    (tmp_path / "state").write_text("a file, and no folder")
    s = sidegate(config=keep(tmp_path, QUIET + f'      actions: [{{ type: webhook, format: sns, url: "{topic.url}/" }}] }}\n'))
    set_state(s, "ALARM")
    topic.wait(1)
    set_state(s, "OK")
    set_state(s, "ALARM")
    topic.wait(2)
    assert s.errors().count("what happens to alarms is not kept: cannot write alarms.log: ") == 1
    assert s.metric("sidegate_alarm_book_failures_total") >= 1


@pytest.mark.parametrize("path, body, status, said", [
    ("/quiet/state", {"state": "ALRAM", "reason": "x"}, 400, "state: expected OK, ALARM or INSUFFICIENT_DATA"),
    ("/quiet/state", {"state": "ALARM"}, 400, "reason: expected why it is set"),
    ("/quiet/state", {"stat": "ALARM", "reason": "x"}, 400, 'expected {"state":"ALARM","reason":"..."}'),
    ("/quiet/mute", {"duration": "1"}, 400, "duration: expected a time with a unit, from 1m to 15d"),
    ("/quiet/mute", {"duration": "16d"}, 400, "duration: expected a time with a unit, from 1m to 15d"),
    ("/quit/mute", {"duration": "1h"}, 404, "there is no such alarm"),
    ("/quiet/mut", {"duration": "1h"}, 404, "expected /api/v1/alarms/NAME/state, mute or unmute"),
])
def test_an_order_that_means_nothing_is_refused(sidegate, tmp_path, path, body, status, said):
    s = sidegate(config="alarms:\n" + QUIET + "}\n")
    assert api(s, "POST", path, body, status)["detail"] == said
    assert facts(s)["state"] == "INSUFFICIENT_DATA" and facts(s)["muted_until"] is None


def test_a_name_with_blanks_and_slashes_is_reached(sidegate, tmp_path):
    s = sidegate(config="alarms:\n" + QUIET.replace("name: quiet", 'name: "5XX rate/all %"') + "}\n")
    code, out, err = run("alarms", "set-state", "5XX rate/all %", "ALARM", "--reason", "a test", "--admin", f"127.0.0.1:{s.admin_port}")
    assert (code, out) == (0, "its state is set\n"), err
    assert facts(s, "5XX rate/all %")["state"] == "ALARM"


@pytest.mark.parametrize("action, said", [
    ("{ type: webook, url: \"http://a/\" }", "type: found 'webook', expected webhook, command or log (did you mean 'webhook'?)"),
    ("{ url: \"http://a/\" }", "`type` is missing"),
    ("{ type: webhook, url: \"http://a/\", name: \"a b\" }", "name: found 'a b', expected a name of letters, digits, _ - and ."),
    ("{ type: webhook, url_file: /nowhere }", "url_file: '/nowhere': No such file or directory"),
    ("{ type: webhook, url: \"http://a/\", header_files: { X-A: /nowhere } }", "X-A: '/nowhere': No such file or directory"),
    ("{ type: webhook, url: \"http://a/\", format: snss }", "format: found 'snss', expected alertmanager or sns (did you mean 'sns'?)"),
    ("{ type: webhook }", "a webhook has either `url` or `url_file`"),
    ("{ type: webhook, url: \"ftp://a/\" }", "url: expected http://host/path or https://host/path, without a user"),
    ("{ type: webhook, url: \"http://u:p@a/\" }", "url: expected http://host/path or https://host/path, without a user"),
    ("{ type: webhook, url: \"http://a/\", url_file: b }", "No such file"),
    ("{ type: webhook, url: \"http://a/\", run: [/a] }", "`run` has no meaning for type webhook"),
    ("{ type: webhook, url: \"http://a/\", raw_message_delivery: true }", "`raw_message_delivery` goes with format sns"),
    ("{ type: webhook, url: \"http://a/\", headers: { \"a b\": c } }", "headers: a name has letters, digits, - and _"),
    ("{ type: webhook, url: \"http://a/\", timeout: 10 }", "timeout: found '10', expected a time from 1s to 5m"),
    ("{ type: command }", "`run` is missing"),
    ("{ type: command, run: [page] }", "run: expected the absolute name of a program"),
    ("{ type: log }, { type: log }", "the same action stands in the list already"),
    ("], mute: [{ schedule: \"cron(* * *)\", duration: 1h }", "schedule: found 'cron(* * *)', expected cron(0 2 * * MON-FRI) or at(2026-12-24T18:00)"),
    ("], mute: [{ schedule: \"cron(* * * * *)\", duration: 1s }", "duration: found '1s', expected a time from 1m to 15d"),
    ("], mute: [{ duration: 1h }", "expected `schedule` and `duration`"),
    ("{ type: log, ulr: a }", "unknown key 'ulr' (did you mean 'url'?)"),
])
def test_what_is_wrong_with_an_action_is_said(tmp_path, action, said):
    config = tmp_path / "a.yaml"
    config.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:2"] } }\n'
                      "alarms:\n" + QUIET + f"      actions: [{action}] }}\n")
    code, _, err = run("check", "-c", str(config))
    assert code == 3 and said in err, err
    assert f"{config}:7:" in err, err


def test_alertmanager_stands_in_actions_alone(tmp_path):
    config = tmp_path / "a.yaml"
    config.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:2"] } }\n'
                      "alarms:\n" + QUIET + '      ok_actions: [{ type: webhook, url: "http://a/" }] }\n')
    assert "format alertmanager stands in `actions` alone" in run("check", "-c", str(config))[2]
    assert UUID.match("12345678-1234-4123-8123-123456789012")
