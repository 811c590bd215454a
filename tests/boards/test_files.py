# SPDX-License-Identifier: Apache-2.0
"""Boards and rules as files: of the right shape, each name once, nothing empty."""
import re

import pytest
from boards import BOARDS, board, names, panels, queries, rules

UNITS = {"reqps", "ops", "s", "percentunit", "short", "bytes", "dateTimeAsIso"}
TYPES = {"stat", "timeseries", "bargauge", "heatmap", "table", "state-timeline"}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

each_board = pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)


def test_the_five_boards_are_there():
    assert [path.stem for path in BOARDS] == ["alarms", "overview", "self", "upstream", "waf"]
    everything = [board(path) for path in BOARDS]
    assert len({one["uid"] for one in everything}) == len({one["title"] for one in everything}) == len(BOARDS)


@each_board
def test_a_board_can_be_imported_into_any_grafana_from_10_on(path):
    one = board(path)
    assert re.fullmatch(r"sidegate-[a-z]+", one["uid"]) and one["title"].startswith("Sidegate / ") and one["description"]
    assert one["schemaVersion"] >= 38 and one["tags"] == ["sidegate"] and "id" not in one
    variables = {variable["name"]: variable for variable in one["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert all(variables[name]["datasource"] == DATASOURCE for name in ("job", "instance"))
    assert all(annotation["datasource"] == DATASOURCE for annotation in one["annotations"]["list"])


@each_board
def test_each_panel_says_what_it_is_and_asks_something(path):
    ids = [panel["id"] for panel in board(path)["panels"]]
    titles = [panel["title"] for panel in panels(path)]
    assert len(set(ids)) == len(ids) and len(set(titles)) == len(titles)
    for panel in panels(path):
        where = panel["title"]
        assert panel["type"] in TYPES and panel["datasource"] == DATASOURCE, where
        assert where[0].isupper() and len(where) <= 40 and panel["description"].endswith("."), where
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, where
        assert panel["targets"] and all(target["expr"].strip() for target in panel["targets"]), where
        assert [target["refId"] for target in panel["targets"]] == [chr(65 + i) for i in range(len(panel["targets"]))], where
        assert len(panel["targets"]) == 1 or all(target["legendFormat"] for target in panel["targets"]), where


@each_board
def test_panels_lie_on_the_grid_and_none_on_another(path):
    taken = set()
    for panel in board(path)["panels"]:
        at = panel["gridPos"]
        assert at["x"] >= 0 and at["x"] + at["w"] <= 24 and at["w"] > 0 and at["h"] > 0, panel["title"]
        fields = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not fields & taken, panel["title"]
        taken |= fields


@each_board
def test_each_query_of_ours_asks_the_chosen_instances_alone(path):
    for where, query in queries(path):
        selectors = re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", query)
        assert {name for name, _ in selectors} == names(query), (where, query)
        assert all('job=~"$job", instance=~"$instance"' in inside for name, inside in selectors if name != "ALERTS"), where


def test_each_alert_says_what_is_wrong_and_what_to_do():
    alerts = rules("alert")
    assert len({alert["alert"] for alert in alerts}) == len(alerts) >= 20
    for alert in alerts:
        assert re.fullmatch(r"Sidegate[A-Z]\w+", alert["alert"])
        assert alert["labels"]["severity"] in ("critical", "warning"), alert["alert"]
        assert set(alert["annotations"]) == {"summary", "description", "what_to_do"}, alert["alert"]
        assert len(alert["annotations"]["summary"]) <= 120 and alert["annotations"]["description"].endswith("."), alert["alert"]
        assert "$labels.instance" in alert["annotations"]["summary"], alert["alert"]


def test_recording_rules_have_prometheus_own_form_of_names():
    records = [rule["record"] for rule in rules("record")]
    assert len(set(records)) == len(records)
    assert all(re.fullmatch(r"sidegate:[a-z_]+:(rate|p\d+_)\d+[mh]", record) for record in records)


def test_names_are_found_in_queries():
    assert names('sum by (le, job) (rate(a_bucket{job=~"x", y="by (z)"}[5m])) / scalar(b:c:d > 0) or vector(0)') == {"a_bucket", "b:c:d"}
    assert names("a * on (instance) group_left () max by (instance) (c) * 1000 unless e offset 5m") == {"a", "c", "e"}
