# SPDX-License-Identifier: Apache-2.0
"""Alarms of the program's own counters; and alarms test: series replayed by the file's own clock, and what is expected of them."""
import json
import signal
import subprocess
from pathlib import Path

import pytest
from harness import PROGRAM, run, wait_until

ERRORS = """
start: 2026-01-01T00:00:00Z
alarms:
  - { name: errors, metric: 5XXError, statistic: Average, period: 60s, evaluation_periods: 5, datapoints_to_alarm: 3,
      threshold: 0.05, comparison_operator: GreaterThanThreshold, treat_missing_data: notBreaching,
      actions: [{ type: webhook, url: "http://am:9093" }] }
series:
  - { metric: 5XXError, every: 60s, values: [0 x3, missing, 1 x2, [0, 0, 0, 1], { value: 0, samples: 9 } , 0 x4] }
"""

PAGED = """
alarms:
  - name: rate
    period: 60s
    evaluation_periods: 1
    threshold: 50
    comparison_operator: GreaterThanThreshold
    metrics:
      - { id: errors, metric: 5XXError, statistic: Sum }
      - { id: requests, metric: Count, statistic: SampleCount }
      - { id: rate, expression: "IF(requests > 1, 100 * FILL(errors, 0) / requests, 0)", return_data: true }
  - { name: deploy, metric: Deploying, statistic: Maximum, period: 60s, evaluation_periods: 1, threshold: 1,
      comparison_operator: GreaterThanOrEqualToThreshold, treat_missing_data: notBreaching }
  - { name: page, rule: ALARM(rate), actions_suppressor: deploy, actions_suppressor_wait_period: 60s,
      actions_suppressor_extension_period: 120s }
states: { rate: OK }
series:
  - { metric: Count, values: [[1, 1], 1] }
"""


@pytest.fixture
def replay(tmp_path):
    """replay(text, option...) -> (exit code, stdout, stderr)"""

    def run(text, *options):
        (tmp_path / "alarms.yaml").write_text(text)
        done = subprocess.run([PROGRAM, "alarms", "test", "alarms.yaml", *options], cwd=tmp_path, text=True, timeout=60,
                              capture_output=True)
        return done.returncode, done.stdout, done.stderr

    return run


def test_each_evaluation_is_printed_with_its_state_and_reason(replay):
    code, out, _ = replay(ERRORS)
    lines = out.splitlines()
    assert code == 0
    assert len(lines) == 13
    assert lines[0] == ("2026-01-01T00:01:00Z errors: INSUFFICIENT_DATA -> OK, actions run: Threshold Crossed: 1 out of the last 5 "
                        "datapoints [0.0 (01/01/26 00:00:00)] was not greater than the threshold (0.05) and 4 missing datapoints "
                        "were treated as [NonBreaching] (minimum 3 datapoints for ALARM -> OK transition).")
    assert lines[6] == ("2026-01-01T00:07:00Z errors: OK -> ALARM, actions run: Threshold Crossed: 3 out of the last 5 datapoints "
                        "[0.25 (01/01/26 00:06:00), 1.0 (01/01/26 00:05:00), 1.0 (01/01/26 00:04:00)] were greater than the "
                        "threshold (0.05) (minimum 3 datapoints for OK -> ALARM transition).")
    assert lines[-1] == "0 passed, 0 failed"


def test_only_changes_are_printed_where_that_is_asked_for(replay):
    code, out, _ = replay(ERRORS, "--changes")
    assert code == 0
    assert [line.split(" ")[0] for line in out.splitlines()[:-1]] == [
        "2026-01-01T00:01:00Z", "2026-01-01T00:07:00Z", "2026-01-01T00:10:00Z"]


def test_what_is_expected_makes_the_file_a_test(replay):
    code, out, _ = replay(ERRORS + "expect:\n"
                          "  - { alarm: errors, states: [OK x6, ALARM x3, OK] }\n"
                          "  - { alarm: errors, at: 7m, state: ALARM, reason: 3 out of the last 5, actions: run }\n"
                          "  - { alarm: errors, at: 8m, actions: none }\n", "--changes")
    assert (code, out.splitlines()[-1]) == (0, "3 passed, 0 failed")


@pytest.mark.parametrize("expectation, said", [
    ("states: [OK x5, ALARM]", "errors after 360s: expected state ALARM, found OK"),
    ("at: 7m, state: OK", "errors after 420s: expected state OK, found ALARM, actions run"),
    ("at: 7m, reason: was less", "errors after 420s: expected a reason with was less, found ALARM"),
    ("at: 8m, actions: run", "errors after 480s: expected actions run, found ALARM"),
    ("at: 3h, state: OK", "errors: there was no evaluation at that time"),
    ("states: [OK x6, ALARM x3, OK x9]", "errors: it was not evaluated so often"),
])
def test_what_does_not_hold_ends_with_1(replay, expectation, said):
    code, out, _ = replay(ERRORS + f"expect:\n  - {{ alarm: errors, {expectation} }}\n", "--changes")
    assert (code, out.splitlines()[-1]) == (1, "0 passed, 1 failed")
    assert f"failed alarms.yaml:10: {said}" in out


def test_a_composite_alarm_is_held_back_by_its_suppressor(replay):
    series = """series:
  - { metric: Count, values: [{ value: 1, samples: 10 }, { value: 1, samples: 10 }, { value: 1, samples: 10 }, 1 x17] }
  - { metric: 5XXError, values: [missing, missing, { value: 1, samples: 6 }, 0 x17] }
  - { metric: Deploying, values: [missing x3, 1 x4] }
expect:
  - { alarm: rate, states: [OK x2, ALARM, OK x17] }
  - { alarm: page, at: 2m, actions: run }
  - { alarm: page, at: 3m, state: ALARM, reason: rate transitioned to ALARM at Thursday 01 January, actions: suppressed }
  - { alarm: page, at: 4m, state: OK, actions: suppressed }
  - { alarm: page, at: 11m, actions: suppressed }
  - { alarm: page, at: 12m, state: OK, actions: run }
"""
    code, out, err = replay(PAGED[:PAGED.index("series:")] + series)
    assert (code, out.splitlines()[-1]) == (0, "6 passed, 0 failed"), out + err
    assert "page: OK -> ALARM, actions suppressed by WaitPeriod: rate transitioned" in out
    assert "page: ALARM -> OK, actions suppressed by Alarm: rate transitioned" in out
    assert "page: OK, actions suppressed by ExtensionPeriod" in out


MUTED = """start: 2026-01-05T00:00:00Z
alarms:
  - { name: muted, metric: X, statistic: Sum, period: 60s, evaluation_periods: 1, threshold: 0, comparison_operator: GreaterThanThreshold,
      treat_missing_data: notBreaching, actions: [{ type: log }], mute: [{ schedule: "cron(30 H * * *)", duration: 30m }] }
states: { muted: OK }
series:
  - { metric: X, values: [0 x32, 1 x40, 0 x2] }
expect:
  - { alarm: muted, at: 32m, actions: none }
  - { alarm: muted, at: 33m, state: ALARM, actions: suppressed }
  - { alarm: muted, at: 59m, state: ALARM, actions: suppressed }
  - { alarm: muted, at: 60m, state: ALARM, actions: run }
  - { alarm: muted, at: 61m, actions: none }
  - { alarm: muted, at: 73m, state: OK, actions: run }
"""


@pytest.mark.parametrize("hour, zone", [("0", ""), ("1", ", timezone: Europe/Berlin")])
def test_a_mute_holds_actions_back_until_its_window_ends(replay, hour, zone):
    code, out, err = replay(MUTED.replace("H *", f"{hour} *").replace("30m }", f"30m{zone} }}"), "--changes")
    assert (code, out.splitlines()[-1]) == (0, "6 passed, 0 failed"), out + err
    assert [line.split(": Threshold")[0] for line in out.splitlines()[:-1]] == [
        "2026-01-05T00:33:00Z muted: OK -> ALARM, actions suppressed by Mute", "2026-01-05T01:00:00Z muted: ALARM, actions run",
        "2026-01-05T01:13:00Z muted: ALARM -> OK, actions run"]


def test_who_knows_the_state_already_is_not_told_of_it_when_a_mute_ends(replay):
    """It rang again and was over before the mute was, of which nobody hears."""
    text = MUTED.replace("H *", "0 *").replace("1 x40, 0 x2", "1 x5, 0 x40")
    code, out, err = replay(text[:text.index("expect:")], "--changes")
    assert code == 0, err
    assert [line.split(": Threshold")[0] for line in out.splitlines()[:-1]] == [
        "2026-01-05T00:33:00Z muted: OK -> ALARM, actions suppressed by Mute", "2026-01-05T00:38:00Z muted: ALARM -> OK, actions suppressed by Mute"]


def test_an_alarm_that_is_evaluated_once_an_hour_says_when_its_mute_ends(replay):
    text = MUTED[:MUTED.index("expect:")].replace("H *", "0 *").replace("30m }", "45m }").replace("period: 60s, evaluation_periods: 1", "period: 3600s, evaluation_periods: 25")
    text = text.replace("cron(30", "cron(50").replace("[0 x32, 1 x40, 0 x2]", "[1 x1560]").replace("threshold", "datapoints_to_alarm: 1, threshold")
    code, out, err = replay(text, "--changes")
    assert code == 0, err
    assert [line.split(": Threshold")[0] for line in out.splitlines()[:-1]] == [
        "2026-01-05T01:00:00Z muted: OK -> ALARM, actions suppressed by Mute", "2026-01-05T01:35:00Z muted: ALARM, actions run"]


TWO_CHILDREN = """
alarms:
  - { name: errors, metric: 5XXError, statistic: Sum, period: 60s, evaluation_periods: 1, threshold: 1,
      comparison_operator: GreaterThanOrEqualToThreshold, treat_missing_data: notBreaching }
  - { name: faults, metric: 4XXError, statistic: Sum, period: 60s, evaluation_periods: 1, threshold: 1,
      comparison_operator: GreaterThanOrEqualToThreshold, treat_missing_data: notBreaching }
  - { name: page, rule: ALARM(errors) OR ALARM(faults) }
series:
  - { metric: 5XXError, values: [0, 1, 1, 0, 0] }
  - { metric: 4XXError, values: [0, 0, 1, 1, 0] }
expect:
  - { alarm: page, states: [OK, ALARM x3, OK] }
  - { alarm: page, at: 2m, reason: "errors transitioned to ALARM at Thursday 01 January, 2026 00:02:00 UTC", actions: run }
  - { alarm: page, at: 3m, reason: "faults transitioned to ALARM at Thursday 01 January, 2026 00:03:00 UTC", actions: none }
  - { alarm: page, at: 4m, reason: "faults transitioned to ALARM at Thursday 01 January, 2026 00:03:00 UTC", actions: none }
  - { alarm: page, at: 5m, reason: "faults transitioned to OK at Thursday 01 January, 2026 00:05:00 UTC", actions: run }
"""


def test_when_one_of_two_children_leaves_a_composite_alarm_names_the_one_that_still_rings(replay):
    code, out, err = replay("start: 2026-01-01T00:00:00Z" + TWO_CHILDREN)
    assert (code, out.splitlines()[-1]) == (0, "5 passed, 0 failed"), out + err


@pytest.mark.parametrize("wrong, right, said", [
    ("statistic: Averag,", "statistic: Average,", "4:50: statistic: found 'Averag', expected Average"),
    ("GreaterThanTreshold", "GreaterThanThreshold", "(did you mean 'GreaterThanThreshold'?)"),
    ("treshold: 0.05", "threshold: 0.05", "unknown key 'treshold' (did you mean 'threshold'?)"),
    ("period: 60 ", "period: 60s ", "period: found '60', expected a time with a unit"),
    ("period: 45s", "period: 60s", "period: expected 10s, 20s, 30s or a number of minutes"),
    ("datapoints_to_alarm: 6", "datapoints_to_alarm: 3", "datapoints_to_alarm: expected 1 to evaluation_periods"),
    ("treat_missing_data: notBreeching", "treat_missing_data: notBreaching", "(did you mean 'notBreaching'?)"),
    ("metric: 4XXError, every", "metric: 5XXError, every", "no alarm asks for this metric"),
    ("values: [0 x0,", "values: [0 x3,", "expected a number, `missing`, a list of samples"),
    ("start: 2026-01-01T00:00:30Z", "start: 2026-01-01T00:00:00Z", "expected a full minute"),
])
def test_what_is_wrong_in_the_file_is_said_with_its_place(replay, wrong, right, said):
    assert right in ERRORS.replace("60s,", "60s ,")
    text = ERRORS.replace("60s,", "60s ,").replace(right, wrong, 1)
    code, out, err = replay(text)
    assert code == 1
    assert said in err
    assert err.startswith("alarms.yaml:")


@pytest.mark.parametrize("text", ["version: 1\nlisteners: [{ address: 127.0.0.1:1 }]\nalarms: []\n", "[1, 2]\n", "hello\n", "a: 1\n"])
def test_a_file_of_another_kind_is_told_what_is_expected(replay, text):
    code, _, err = replay(text)
    assert (code, err.count("\n")) == (1, 1), err
    assert err.startswith("alarms.yaml:1:1: this is no file of `alarms test`: expected `alarms:` as a configuration has them, "), err


def test_a_fault_in_an_expression_or_a_rule_has_its_column(replay):
    code, _, err = replay(PAGED.replace("FILL(errors", "FIL(errors"))
    assert code == 1
    assert "alarms.yaml:11:57: there is no function 'FIL' (did you mean 'FILL'?)" in err
    _, _, err = replay(PAGED[:PAGED.index("series:")].replace("ALARM(rate)", "ALARM(rat)"))
    assert "alarms.yaml:14:31: there is no alarm 'rat' (did you mean 'rate'?)" in err


def test_a_day_of_seconds_is_replayed_at_once(replay):
    code, out, _ = replay("""
alarms:
  - { name: slow, metric: Latency, statistic: p99, period: 10s, evaluation_periods: 3, threshold: 500,
      comparison_operator: GreaterThanOrEqualToThreshold }
series:
  - { metric: Latency, every: 1s, values: [20 x43200, 900 x60, 20 x43140] }
expect:
  - { alarm: slow, states: [INSUFFICIENT_DATA x0, OK x4322, ALARM x4, OK x4314] }
""".replace("INSUFFICIENT_DATA x0, ", ""), "--changes")
    assert (code, out.splitlines()[-1]) == (0, "1 passed, 0 failed"), out


LIVE = """alarms:
  - { name: errors, metric: 5XXError, dimensions: { route: "/{proxy+}" }, statistic: Average, period: 10s, evaluation_periods: 1,
      threshold: 0.5, comparison_operator: GreaterThanThreshold, treat_missing_data: notBreaching }
  - { name: slow, description: p99 of GET, metric: Latency, dimensions: { method: GET }, statistic: p99, period: 10s,
      evaluation_periods: 1, threshold: 60000, comparison_operator: GreaterThanThreshold }
  - { name: page, rule: ALARM(errors) AND OK(slow) }
routes: [{ match: "ANY /{proxy+}" }]
"""


def test_an_alarm_rings_by_what_the_program_itself_counted(sidegate, tmp_path):
    s = sidegate(config=LIVE)  # nobody listens at the upstream: each request is answered 502

    def listed():
        return json.loads(s.status("/api/v1/alarms", port=s.admin_port)[1])["alarms"]

    def state(name):
        return next(alarm["state"] for alarm in listed() if alarm["name"] == name)

    assert [alarm["state"] for alarm in listed()] == ["INSUFFICIENT_DATA"] * 3
    assert s.ask("GET", "/x").status == 502
    wait_until(lambda: state("errors") == "ALARM", "the alarm rings", 30)
    wait_until(lambda: state("page") == "ALARM", "the composite alarm rings", 30)
    assert s.metric("sidegate_alarm_state", alarm="errors", state="ALARM") == 1
    assert s.metric("sidegate_alarm_state", alarm="errors", state="OK") == 0
    assert "warning: alarm errors: INSUFFICIENT_DATA -> ALARM: Threshold Crossed: 1 out of the last 1 datapoints [1.0 (" in s.errors()
    assert listed()[1]["description"] == "p99 of GET"
    code, out, _ = run("alarms", "list", "--admin", f"127.0.0.1:{s.admin_port}")
    assert code == 0
    assert out.splitlines()[0].split() == ["NAME", "STATE", "SINCE", "ACTIONS", "REASON"]
    assert out.splitlines()[1].split()[:2] == ["errors", "ALARM"]
    code, out, _ = run("alarms", "list", "--json", "--admin", f"127.0.0.1:{s.admin_port}")
    assert json.loads(out)["alarms"][0]["definition"].startswith('{ name: errors, metric: 5XXError, dimensions: { route: ')
    s.write(LIVE.replace("threshold: 60000", "threshold: 50000"))
    s.signal(signal.SIGHUP)
    wait_until(lambda: "configuration 2 is in force" in s.errors(), "the reload")
    assert [state("errors"), state("slow")] == ["ALARM", "INSUFFICIENT_DATA"]  # what was changed begins anew


@pytest.mark.parametrize("wrong, right, said", [
    ("metric: 5XXErrors", "metric: 5XXError", "metric: found '5XXErrors', expected Count, 4XXError, 5XXError, Latency, "
     "IntegrationLatency, AllowedRequests, BlockedRequests, CountedRequests or a metric of metric_filters (did you mean '5XXError'?)"),
    ("ok_actions: [{ type: lgo }], threshold: 0.5", "threshold: 0.5", "type: found 'lgo', expected webhook, command or log (did you mean 'log'?)"),
    ("period: 11s", "period: 10s", "period: expected 10s, 20s, 30s or a number of minutes"),
    ("OK(sloe)", "OK(slow)", "there is no alarm 'sloe' (did you mean 'slow'?)"),
    ("name: page, actions_suppressor: slwo", "name: page", "there is no alarm 'slwo' (did you mean 'slow'?)"),
    ("{ verb: GET }", "{ method: GET }", "unknown key 'verb'"),
])
def test_what_is_wrong_with_an_alarm_of_the_configuration_is_said(tmp_path, wrong, right, said):
    config = tmp_path / "a.yaml"
    config.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:2"] } }\n' +
                      LIVE.replace(right, wrong, 1))
    code, out, err = run("check", "-c", str(config))
    assert code == 3
    assert said in err, err
    config.write_text(config.read_text().replace(wrong, right, 1))
    code, out, _ = run("config", "print", "-c", str(config))
    assert code == 0
    assert 'alarms: [{ name: errors, metric: 5XXError, dimensions: { route: ' in out


def test_the_example_of_the_readme_holds(replay):
    section = (Path(__file__).resolve().parents[2] / "README.md").read_text().split("## Alarms")[1]
    code, out, err = replay(section.split("```yaml")[2].split("```")[0], "--changes")
    assert (code, out.splitlines()[-1]) == (0, "2 passed, 0 failed"), out + err


def test_a_preset_stands_for_the_alarms_that_aws_recommends(replay, tmp_path):
    config = tmp_path / "a.yaml"
    base = 'version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:2"] } }\n'
    config.write_text(base + "alarms: [{ preset: recommended }]\n")
    code, out, err = run("config", "print", "-c", str(config))
    assert code == 0, err
    printed = next(line for line in out.splitlines() if line.startswith("alarms:"))
    assert [name.split(",")[0] for name in printed.split("name: ")[1:]] == [
        '"4XX rate"', '"5XX rate"', "latency", '"integration latency"']
    config.write_text(base + printed + "\n")
    assert printed in run("config", "print", "-c", str(config))[1]
    config.write_text(base + "alarms: [{ preset: recomended }]\n")
    assert "expected recommended (did you mean 'recommended'?)" in run("check", "-c", str(config))[2]
    code, out, err = replay("""alarms: [{ preset: recommended }]
series:
  - { metric: Latency, values: [100 x2, 2500 x6] }
  - { metric: 4XXError, values: [0 x2, 1 x6] }
expect:
  - { alarm: latency, states: [OK x6, ALARM] }
  - { alarm: 4XX rate, states: [OK x6, ALARM] }
  - { alarm: integration latency, states: [OK x8] }
""", "--changes")
    assert (code, out.splitlines()[-1]) == (0, "3 passed, 0 failed"), out + err


def test_up_runs_with_the_alarm_on_the_error_rate(replay):
    up = (Path(__file__).resolve().parents[2] / "sidecar" / "up").read_text()
    alarms = up[up.index("alarms:"):up.index("timeouts:", up.index("alarms:"))]
    code, out, err = replay(alarms + """series:
  - { metric: 5XXError, values: [{ value: 0, samples: 100 }, [1, 0, 0, 0], [1, 0], 1, missing x3, 0] }
expect:
  - { alarm: 5XX rate, states: [OK x3, ALARM] }
  - { alarm: 5XX rate, at: 8m, state: OK }
""", "--changes")
    assert (code, out.splitlines()[-1]) == (0, "2 passed, 0 failed"), out + err


def test_the_command_line_is_as_elsewhere(replay, tmp_path):
    def alarms(*words):
        done = subprocess.run([PROGRAM, "alarms", *words], cwd=tmp_path, text=True, timeout=60, capture_output=True)
        return done.returncode, done.stdout + done.stderr

    assert alarms()[0] == 2
    assert alarms("tset") == (2, alarms("tset")[1])
    assert "did you mean 'test'?" in alarms("tset")[1]
    assert alarms("test")[0] == 2
    assert alarms("test", "--help")[0] == 0
    assert "no such file" in alarms("test", "absent.yaml")[1].lower()
    assert alarms("test", "absent.yaml")[0] == 1
