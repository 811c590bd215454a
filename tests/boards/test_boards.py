# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus that scrapes three programs under load, and a real Alertmanager that is told what it finds."""
import json
import math
import os
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml
from boards import BOARDS, FOLDER, PROMETHEUS_OWN, RULES, names, panels, plain, queries, rules
from scene import OK, Backend, Scene, free_ports, read_request, wait_until

pytestmark = pytest.mark.skipif("PROMETHEUS" not in os.environ, reason="Debian's packages of Prometheus and Alertmanager could not be fetched")
each_board = pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)


class Server:
    """A program that serves HTTP at a free port until it is ended."""

    def __init__(self, folder, name, port, ready, command, cwd=None):
        self.url, self.name = f"http://127.0.0.1:{port}", name
        self.log = open(folder / f"{name}.log", "w+b")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=cwd or folder)
        wait_until(lambda: self.is_ready(ready), f"{name} is ready", 30)

    def is_ready(self, path):
        assert self.process.poll() is None, self.said()
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status == 200
        except OSError:
            return False

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def get(self, path, **query):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
            return json.load(answer)

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def write_configuration(folder, targets, alertmanager):
    """Our example, with other targets and a faster clock."""
    config = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"}
    config["rule_files"] = [str(path) for path in RULES]
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    config["scrape_configs"][0]["static_configs"][0]["targets"] = targets
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yaml"


class World:
    """The scene, Prometheus, Alertmanager, and somebody whom that one tells."""

    def __init__(self, folder):
        self.folder, self.told, self.servers = folder, [], []
        self.hook = Backend(self.listen)
        self.scene = Scene(folder)
        self.metrics = ""

    def listen(self, wire):
        while True:
            _, _, body = read_request(wire)
            self.told += json.loads(body)["alerts"]
            wire.send(OK)

    def start(self):
        ports = free_ports(3)
        alertmanager = {"route": {"receiver": "us", "group_by": ["..."], "group_wait": "100ms", "group_interval": "1s", "repeat_interval": "1h"},
                        "receivers": [{"name": "us", "webhook_configs": [{"url": self.hook.url, "send_resolved": True}]}]}
        (self.folder / "alertmanager.yaml").write_text(yaml.safe_dump(alertmanager))
        self.servers.append(Server(self.folder, "alertmanager", ports[0], "/-/ready", [
            "./alertmanager", f"--config.file={self.folder}/alertmanager.yaml", f"--storage.path={self.folder}/alertmanager",
            "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{ports[0]}", "--log.level=warn"], os.environ["ALERTMANAGER_FOLDER"]))
        self.scene.start(self.servers[0].url)
        targets = [f"127.0.0.1:{port}" for port in (*[s.status_port for s in self.scene.programs], ports[2])]
        write_configuration(self.folder, targets, f"127.0.0.1:{ports[0]}")
        self.servers.append(Server(self.folder, "prometheus", ports[1], "/-/ready", [
            os.environ["PROMETHEUS"], "--config.file=prometheus.yaml", "--storage.tsdb.path=prometheus",
            f"--web.listen-address=127.0.0.1:{ports[1]}", "--log.level=warn"]))
        self.prometheus = self.servers[-1]

    def ask(self, query):
        """The values that a query has now, without those that are no number."""
        data = self.prometheus.get("/api/v1/query", query=query)["data"]
        values = [data["result"]] if data["resultType"] == "scalar" else [one["value"] for one in data["result"]]
        return [float(value) for _, value in values if not math.isnan(float(value))]

    def is_told(self, alert, status):
        return [one for one in self.told if one["labels"]["alertname"] == alert and one["status"] == status]

    def play(self):
        """What happens seldom: each event, until Prometheus has seen it."""
        def saw(query, seconds=15):
            wait_until(lambda: self.ask(query.replace("ORDERS", f'instance="127.0.0.1:{self.scene.orders.status_port}"')), query, seconds)

        saw("sidegate_child_restarts_total{ORDERS} == 0")
        self.scene.kill_child()
        saw("sidegate_child_restarts_total{ORDERS} == 1")
        crowd = self.scene.lack_of_memory()
        next(crowd)
        saw("sidegate_overload_level == 4")
        crowd.close()
        saw("increase(sidegate_connections_refused_total[1m]) > 0")
        good = self.scene.break_configuration()
        wait_until(lambda: self.is_told("SidegateConfigReloadFailed", "firing"), "the alert arrives", 20)
        self.scene.mend_configuration(good)
        wait_until(lambda: self.is_told("SidegateConfigReloadFailed", "resolved"), "the alert is resolved", 20)
        self.scene.set_alarm("tried", "ALARM")
        wait_until(lambda: self.is_told("tried", "firing"), "the program's own alarm arrives")
        saw('sidegate_alarm_actions_total{outcome="failed"} == 1')
        wait_until(lambda: self.is_told("tried", "resolved"), "and its end", 30)
        self.scene.set_alarm("tried", "ALARM")
        saw('sidegate_alarm_actions_total{outcome="failed"} == 2')
        saw('sidegate_alarm_state{alarm="errors", state="ALARM"} == 1', 40)
        self.metrics = [s.status("/metrics")[1] for s in self.scene.programs]

    def close(self):
        for server in self.servers:
            server.close()
        codes = self.scene.close()
        self.hook.close()
        return codes


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("boards"))
    try:
        world.start()
        world.play()
        yield world
    finally:
        codes = world.close()
    assert codes == [0, 0, 0]


def promtool(*words, text=None):
    done = subprocess.run([os.environ["PROMTOOL"], *map(str, words)], input=text, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_promtool_finds_nothing(world):
    code, out, err = promtool("check", "rules", *RULES)
    assert code == 0 and len(re.findall("SUCCESS", out)) == len(RULES) and not err, out + err
    code, out, err = promtool("check", "config", FOLDER / "prometheus" / "prometheus.yaml")
    assert code == 0 and not err and "FAILED" not in out, out + err
    for page in world.metrics:
        assert promtool("check", "metrics", text=page) == (0, "", "")


def test_alerts_wait_as_long_as_they_should_and_say_what_they_saw(tmp_path):
    text = Path(__file__).with_name("alerts.yaml").read_text()
    for name, path in (("RECORDING", "recording.yaml"), ("ALERTS", "alerts.yaml")):
        text = text.replace(name, str(FOLDER / "prometheus" / "rules" / path), 1)
    (tmp_path / "alerts.yaml").write_text(text)
    code, out, err = promtool("test", "rules", tmp_path / "alerts.yaml")
    assert code == 0 and "SUCCESS" in out, out + err


def test_boards_and_rules_name_nothing_that_the_program_does_not_have(world):
    have = set(re.findall(r"^([a-zA-Z_:][\w:]*)[{ ]", "\n".join(world.metrics), re.M)) | PROMETHEUS_OWN | {rule["record"] for rule in rules("record")}
    asked = {name: path.stem for path in BOARDS for _, query in queries(path) for name in names(query)}
    asked |= {name: rule.get("alert", rule.get("record")) for kind in ("alert", "record") for rule in rules(kind) for name in names(rule["expr"])}
    assert {name: where for name, where in asked.items() if name not in have} == {}


@each_board
def test_each_query_of_each_panel_has_data(world, path):
    def empty():
        return [(where, query) for where, query in queries(path) if not world.ask(plain(query))]

    wait_until(lambda: not empty(), f"data for {empty()}", 20)


@each_board
def test_the_labels_that_legends_and_columns_name_are_there(world, path):
    for panel in panels(path):
        for target in panel["targets"]:
            said = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            for transformation in panel.get("transformations", []):
                said |= set(transformation["options"]["renameByName"]) - {"Value"}
            series = world.prometheus.get("/api/v1/query", query=plain(target["expr"]))["data"]["result"]
            assert said <= {label for one in series for label in one["metric"]}, (panel["title"], target["expr"])


def test_each_recording_rule_has_data(world):
    wait_until(lambda: all(world.ask(rule["record"]) for rule in rules("record")), "each of them was evaluated", 20)


def test_each_alert_rings_when_what_it_is_for_happens(world):
    def silent():
        return {alert["alert"] for alert in rules("alert")} - {
            one["metric"]["alertname"] for one in world.prometheus.get("/api/v1/query", query="last_over_time(ALERTS[10m])")["data"]["result"]}

    wait_until(lambda: not silent(), f"not {silent()}", 20)


def test_what_an_alert_says_is_made_out_of_what_it_saw(world):
    alerts = world.prometheus.get("/api/v1/alerts")["data"]["alerts"]
    names = {alert["labels"]["alertname"] for alert in alerts}
    assert len(names) > 20
    for alert in alerts:
        for text in alert["annotations"].values():
            assert not re.search(r"<error|<no value|%!|\{\{", text), (alert["labels"]["alertname"], text)
        assert not re.search(r"\s{2}|:\s*$|\(\)", alert["annotations"]["summary"]), alert["annotations"]["summary"]  # a label that is not there


def test_no_alert_rings_for_a_program_that_is_as_it_should_be(world):
    calm = f'instance="127.0.0.1:{world.scene.calm.status_port}"'
    assert world.ask(f"sidegate:http_requests:rate5m{{{calm}}} > 0") and world.ask(f"sum(sidegate_export_sent_total{{{calm}}}) > 100")
    wait_until(lambda: not world.ask(f"ALERTS{{{calm}}}"), "what was pending with the first scrapes is over")


def test_an_alert_reaches_alertmanager_and_is_resolved(world):
    fired, = world.is_told("SidegateConfigReloadFailed", "firing")
    assert fired["labels"]["severity"] == "warning" and fired["labels"]["job"] == "sidegate"
    assert fired["annotations"]["summary"] == f"127.0.0.1:{world.scene.orders.status_port} refused its configuration"
    assert len(world.is_told("SidegateConfigReloadFailed", "resolved")) == 1


def test_an_alarm_of_the_program_reaches_alertmanager_by_itself_and_is_resolved(world):
    fired, ended = world.is_told("tried", "firing")[0], world.is_told("tried", "resolved")[0]
    assert fired["labels"] == ended["labels"] and fired["labels"]["service"] == "orders"
    assert fired["startsAt"] == ended["startsAt"] < ended["endsAt"]


def test_prometheus_had_nothing_to_complain_about(world):
    unhealthy = [rule for group in world.prometheus.get("/api/v1/rules")["data"]["groups"] for rule in group["rules"] if rule["health"] != "ok"]
    assert unhealthy == []
    targets = world.prometheus.get("/api/v1/targets")["data"]["activeTargets"]
    assert sorted(target["health"] for target in targets) == ["down", "up", "up", "up"]
