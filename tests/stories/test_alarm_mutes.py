# SPDX-License-Identifier: Apache-2.0
"""Mutes hold the actions of an alarm back: asked for by a person, or in windows of the settings."""
import datetime
import json
import os
import signal
import time
import zoneinfo

import pytest
from alarm_story import PATIENT, QUIET, facts, keep, receiver, set_state, wait_for_disk  # noqa: F401
from harness import hurried_time, run, wait_until
from receivers import Topic, when


def test_a_mute_holds_actions_back_until_it_is_over_and_tells_of_what_still_is(sidegate, receiver, tmp_path):
    topic = receiver(Topic)
    hook = f'{{ type: webhook, format: sns, url: "{topic.url}/" }}'
    s = sidegate(config=keep(tmp_path, "".join(QUIET.replace("quiet", name) + f"      actions: [{hook}], ok_actions: [{hook}] }}\n"
                                               for name in ("quiet", "brief"))))
    admin = ("--admin", f"127.0.0.1:{s.admin_port}")
    assert run("alarms", "set-state", "quiet", "OK", "--reason", "it begins well", *admin)[0] == 0
    topic.wait(1)
    assert run("alarms", "mute", "quiet", "--for", "1h", "--reason", "deployment", *admin) == (0, "it is muted\n", "")
    assert run("alarms", "mute", "brief", "--for", "1h", *admin)[0] == 0
    set_state(s, "ALARM")
    set_state(s, "ALARM", alarm="brief")
    set_state(s, "INSUFFICIENT_DATA", alarm="brief")
    assert facts(s)["actions_held"] and facts(s)["muted_because"] == "deployment" and facts(s)["muted_until"]
    wait_for_disk(tmp_path, '"state":"INSUFFICIENT_DATA"')
    s.kill_child()
    assert facts(s)["actions_held"] and facts(s)["muted_until"]
    assert run("alarms", "unmute", "quiet", *admin) == (0, "it is not muted any more\n", "")
    assert run("alarms", "unmute", "brief", *admin)[0] == 0
    topic.wait(2)
    assert topic.states() == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM")]  # of `brief` nothing is left to be told
    code, out, _ = run("alarms", "history", "quiet", *admin)
    assert code == 0
    assert [line.split()[1] for line in out.splitlines()[1:]] == [
        "Action", "Mute", "StateUpdate", "Mute", "Action", "StateUpdate", "ConfigurationUpdate"]
    assert json.loads(run("alarms", "history", "quiet", "--limit", "1", "--json", *admin)[1])["history"][0]["type"] == "Action"


@pytest.mark.skipif(not os.path.exists("/usr/share/zoneinfo/Asia/Kathmandu"), reason="this machine has no time zones (tzdata)")
def test_a_window_of_the_settings_goes_by_the_clocks_of_its_time_zone(sidegate, tmp_path):
    """Five or six hours of the day there, which are others by UTC."""
    hour = datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Kathmandu")).hour
    mute = f'mute: [{{ schedule: "cron(* {hour},{(hour + 1) % 24} * * *)", duration: 10m'
    there, here = QUIET + f"      {mute}, timezone: Asia/Kathmandu }}] }}\n", QUIET + f"      {mute} }}] }}\n"
    s = sidegate(config=keep(tmp_path, there + here.replace("alarms:\n", "").replace("name: quiet", "name: other")))
    asked = time.time()
    assert asked + 540 - 60 < when(facts(s)["muted_until"][:-4] + "Z") <= time.time() + 600
    assert facts(s, "other")["muted_until"] is None
    assert "Asia/Kathmandu" in json.dumps(facts(s))


def test_a_window_of_the_settings_mutes_and_what_still_is_is_told_when_it_is_gone(sidegate, receiver, tmp_path):
    topic = receiver(Topic)
    hook = f'{{ type: webhook, format: sns, url: "{topic.url}/", {PATIENT} }}'
    muted = keep(tmp_path, QUIET + f'      actions: [{hook}], mute: [{{ schedule: "cron(* * * * *)", duration: 10m }}] }}\n')
    s = sidegate(hurried=True, config=muted)
    set_state(s, "ALARM")
    asked = hurried_time()
    assert facts(s)["actions_held"] and asked + 540 < when(facts(s)["muted_until"][:-4] + "Z") <= hurried_time() + 600
    s.write(muted.replace("cron(* * * * *)", "at(2026-01-01T00:00)"))
    s.signal(signal.SIGHUP)
    wait_until(lambda: "configuration 2 is in force" in s.errors(), "the reload")
    assert facts(s)["state"] == "ALARM" and facts(s)["muted_until"] is None
    topic.wait(1)
    assert topic.states() == [("INSUFFICIENT_DATA", "ALARM")] and not facts(s)["actions_held"]
