# SPDX-License-Identifier: Apache-2.0
"""Every attribute that leaves over OTLP is OpenTelemetry's, with its type, or stands in attributes.tsv with its reason."""
import re
from pathlib import Path

import pytest
import yaml

from harness import TOP

OURS = ("sidegate.", "waf.")
CALLS = {"attribute_text": "string", "attribute_pieces": "string", "attribute_number": "int", "attribute_truth": "boolean",
         "attribute_numbers": "int[]"}
TYPES = {"TEXT": "string", "NUMBER": "int", "TRUTH": "boolean"}
KINDS = {"string_value": "string", "int_value": "int", "bool_value": "boolean", "double_value": "double"}


@pytest.fixture(name="registry", scope="module")
def registry_of_conventions(data):
    """{attribute: type}; an enumeration counts as the type of its members."""
    found, folder = {}, data("obs-otel-semconv")
    for path in sorted(folder.rglob("*.yaml")):
        document = yaml.safe_load(path.read_text())
        groups = document.get("groups", [document])  # the newer form has them at the top, under another name
        for one in [one for group in groups for one in group.get("attributes", [])]:
            name = one.get("id") or one.get("key")
            if name is None or one.get("deprecated"):
                continue
            kind = one["type"]
            members = kind["members"] if isinstance(kind, dict) else []
            found[name] = "string" if members and isinstance(members[0]["value"], str) else "int" if members else kind
    assert len(found) > 100
    return found


@pytest.fixture(name="table", scope="module")
def table_of_others():
    """{attribute: (type, whose it is, reason)}: what the registry at hand does not have."""
    labels = {f"sidegate.{label}": ("string", "ours", "a label: metrics.tbl says what its metric counts") for label in in_labels()
              if label not in NAMED}
    rows = [line.split("\t") for line in (Path(__file__).parent / "attributes.tsv").read_text().splitlines()
            if line and not line.startswith("#")]
    assert all(len(row) == 4 and all(row) for row in rows), "attribute, type, whose, reason"
    assert len({row[0] for row in rows}) == len(rows)
    assert not {row[0] for row in rows} & (set(labels) - set(in_calls())), "a label needs no row"
    return {**labels, **{row[0]: tuple(row[1:]) for row in rows}}


NAMED = set(re.findall(r'^LABEL\("(\w+)"', (TOP / "exporters/metric_names.tbl").read_text(), re.M))


def in_labels():
    """The labels of metrics; those that metric_names.tbl does not name are ours, with sidegate. before them."""
    files = [*(TOP / "exporters").glob("metrics_walk*.c"), TOP / "exporters" / "metrics.c", TOP / "exporters" / "metrics.tbl"]
    text = "".join(path.read_text() for path in files)
    pairs = "".join(re.findall(r'struct pair \w+(?:\[\d*\])? = (\{.*?\});', text, re.S))
    found = re.findall(r'\{SPAN(?:_INIT)?\("(\w+)"\), ', pairs) + re.findall(r'give_one\(walk, "(\w+)"', text)
    found += re.findall(r'FACT\(\w+, "(\w+)", "', text)
    return set(found) | set(re.findall(r'"(\w+)=\\"', text)) | set(re.findall(r'\.name = SPAN\("(\w+)"\)', text))


def in_calls():
    """{attribute: type} as the sources have them, but for labels that follow the rule."""
    found = {}
    for path in sorted((TOP / "exporters").glob("*.[ct]*")):
        text = path.read_text()
        if ("attribute" not in text and path.name != "resource.c") or path.name.startswith(("xray", "emf")):
            continue
        for call, key in re.findall(r'\b(attribute_[a-z]+)\(\s*[^,]+,\s*SPAN\("([^"]+)"\)', text):
            found[key] = CALLS[call]
        for pattern in (r'\{SPAN_INIT\("([a-z_.]+)"\), offsetof\(struct report', r'\badd\(\w+, "([a-z0-9_]+\.[a-z0-9_.]+)"',
                        r'\bput\(\w+, SPAN\("([a-z_.]+)"\)'):
            found.update({key: "string" for key in re.findall(pattern, text)})
        for key, kind in re.findall(r'LABEL\("\w+", "([^"]+)", (\w+)\)', text):
            found[key] = TYPES[kind]
    assert len(found) > 40, "the sources say it otherwise now"
    return found


def in_sources():
    labels = in_labels()
    assert len(labels) > 20, "the sources say it otherwise now"
    return {**{f"sidegate.{label}": "string" for label in labels if label not in NAMED}, **in_calls()}


def type_of(value):
    kind = value.WhichOneof("value")
    return f"{type_of(value.array_value.values[0])}[]" if kind == "array_value" else KINDS[kind]


def in_message(message, found):
    """All KeyValues at any depth: {attribute: types}."""
    for descriptor, value in message.ListFields():
        for one in value if descriptor.label == descriptor.LABEL_REPEATED else [value]:
            if descriptor.message_type is None:
                continue
            if descriptor.message_type.name == "KeyValue":
                found.setdefault(one.key, set()).add(type_of(one.value))
            else:
                in_message(one, found)
    return found


@pytest.fixture(name="sent", scope="module")
def sent_in_a_run(heard):
    """{attribute: types} of everything that a collector heard."""
    found = {}
    for messages in heard.kept.values():
        for message in messages:
            in_message(message, found)
    return found


def wrong(attributes, registry, table):
    """What is neither in the registry nor in the table, or has another type there."""
    found = []
    for key, kind in sorted(attributes.items()):
        known = registry.get(key) or table.get(key, (None,))[0]
        if known is None:
            found.append(f"{key}: unknown; ours begin with {' or '.join(OURS)} and stand in attributes.tsv")
        elif known != kind and not (known == "any" or (known == "string" and kind == "string")):
            found.append(f"{key}: {kind}, in the conventions {known}")
    return found


def test_every_attribute_in_the_sources_is_known_with_its_type(registry, table):
    assert wrong(in_sources(), registry, table) == []


def test_every_attribute_that_is_sent_is_known_with_its_type(sent, registry, table):
    assert {"http.request.method", "service.name", "waf.rule_ids", "sidegate.stage", "sidegate.destination"} <= set(sent)
    assert {key: kinds for key, kinds in sent.items() if len(kinds) != 1} == {}
    assert wrong({key: next(iter(kinds)) for key, kinds in sent.items()}, registry, table) == []


def test_what_is_sent_has_the_type_that_the_sources_say(sent):
    sources = in_sources()
    assert {key: kinds for key, kinds in sent.items() if key in sources and kinds != {sources[key]}} == {}


def test_the_table_has_nothing_that_the_registry_has_or_nobody_sends(registry, table, sent):
    known = set(in_sources()) | set(sent)
    assert [key for key in table if key in registry or key not in known] == []
    assert [key for key, row in table.items() if key.startswith(OURS) != (row[1] == "ours")] == []


def test_http_metrics_are_the_conventions_own(heard, data):
    groups = yaml.safe_load((data("obs-otel-semconv") / "http/metrics.yaml").read_text())["groups"]
    known = {group["metric_name"]: group for group in groups if "metric_name" in group}
    shapes = {"histogram": "histogram", "updowncounter": "sum", "counter": "sum", "gauge": "gauge"}
    seen = set()
    for metric, _, _ in heard.metrics():
        if metric.name.startswith("http."):
            row = known[metric.name]
            seen.add(metric.name)
            assert metric.unit == row["unit"] and metric.WhichOneof("data") == shapes[row["instrument"]], metric.name
            required = {one["ref"] for one in row.get("attributes", []) if one.get("requirement_level") == "required"}
            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                assert required <= {pair.key for pair in point.attributes}, metric.name
        else:
            assert metric.name.startswith("sidegate."), metric.name
    assert {"http.server.request.duration", "http.client.request.duration", "http.server.active_requests"} <= seen
