# SPDX-License-Identifier: Apache-2.0
"""The files of dashboards/: boards and rules, and the queries in them."""
import json
import re
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"
BOARDS = sorted((FOLDER / "grafana").glob("*.json"))
RULES = sorted((FOLDER / "prometheus" / "rules").glob("*.yaml"))

# What is no metric where it stands in a query.
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset"}
PROMETHEUS_OWN = {"up", "ALERTS"}


def board(path):
    return json.loads(path.read_text())


def panels(path):
    """All panels but rows."""
    return [panel for panel in board(path)["panels"] if panel["type"] != "row"]


def queries(path):
    """(where, query) of all panels and annotations."""
    for panel in panels(path):
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in board(path)["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["expr"]


def rules(kind):
    """kind: record or alert."""
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"] if kind in rule]


def names(query):
    """The metrics that a query asks."""
    text = re.sub(r'"(?:\\.|[^"\\])*"', '""', query)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "{}", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    found = re.findall(r"(?<![\w:.$])([a-zA-Z_:][\w:]*)(\s*\()?", text)
    return {name for name, called in found if not called and name not in WORDS}


def plain(query):
    """As Grafana would send it with everything chosen."""
    for variable, value in (("$__rate_interval", "1m"), ("$job", ".*"), ("$instance", ".*")):
        query = query.replace(variable, value)
    assert not re.search(r"\$[a-zA-Z_{]", query), query
    return query
