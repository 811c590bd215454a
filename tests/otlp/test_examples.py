# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry's examples of OTLP in JSON, through our own .proto and back."""
import base64
import json

import pytest

REQUESTS = {"trace.json": "ExportTraceServiceRequest", "metrics.json": "ExportMetricsServiceRequest",
            "logs.json": "ExportLogsServiceRequest", "events.json": "ExportLogsServiceRequest"}
IDS = ("traceId", "spanId", "parentSpanId")


def with_ids(value, convert):
    """OTLP's JSON has ids in hexadecimal, protobuf's has all bytes in base64."""
    if isinstance(value, list):
        return [with_ids(one, convert) for one in value]
    if isinstance(value, dict):
        return {key: convert(one) if key in IDS else with_ids(one, convert) for key, one in value.items()}
    return value


def to_base64(text):
    return base64.b64encode(bytes.fromhex(text)).decode()


def to_hex(text):
    return base64.b64decode(text).hex().upper()


def written_out(value):
    """Spellings of one value that JSON has several of: 64-bit numbers as texts or not, 5 and 5.0, enums, fields left at zero."""
    if isinstance(value, list):
        return [written_out(one) for one in value]
    if isinstance(value, dict):
        found = {key: written_out(one) for key, one in value.items()}
        return {key: one for key, one in found.items() if one not in (0, "", "0") or key in ("min", "max", "sum")}
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def numbers(value, message):
    """The same, with texts that are 64-bit numbers as numbers."""
    if isinstance(value, list):
        return [numbers(one, message) for one in value]
    if isinstance(value, dict):
        return {key: numbers(one, message) for key, one in value.items()}
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value


@pytest.mark.parametrize("name", REQUESTS)
def test_an_example_comes_back_as_it_was(data, module, name):
    from google.protobuf import json_format  # on the path since the messages are
    example = json.loads((data("obs-otlp-examples") / name).read_text())
    message = getattr(module, REQUESTS[name])()
    json_format.ParseDict(with_ids(example, to_base64), message)  # a field that is not ours would fail
    packed = message.SerializeToString()
    again = type(message).FromString(packed)
    assert again == message and again.SerializeToString() == packed and not again.UnknownFields()
    back = with_ids(json_format.MessageToDict(again, use_integers_for_enums=True), to_hex)
    assert written_out(numbers(back, message)) == written_out(numbers(example, message))
