# SPDX-License-Identifier: Apache-2.0
"""Traces to X-Ray: segment documents by UDP to its daemon and to a file, as they are documented."""
import json
import threading
import time

import pytest

from log_receivers import Firehose
from harness import DATA, OK, always_ok, field, free_port, read_request, run, wait_until
from otlp import ask_traced, keeping, otlp, server_span
from xray import Daemon, all_of, check_document, xray

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def daemon():
    made = Daemon()
    yield made
    made.close()


def test_the_documentations_own_examples_pass_the_check_that_ours_have_to_pass():
    file = DATA / "obs-xray-doc-examples" / "segments.json"
    if not file.exists():
        pytest.skip("no test data: set SIDEGATE_TEST_DATA")
    examples = json.loads(file.read_text())
    for document in examples:
        check_document(document, "segment" if "trace_id" in document else "subsegment")
    assert len(examples) == 7


@pytest.mark.parametrize("member,value", [
    ("id", "70DE5B6F19FF9A0A"), ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), ("name", "a<b"), ("name", "n" * 201), ("start_time", "now"),
    ("end_time", None), ("colour", "red"), ("fault", 1), ("annotations", {"a.b": 1}), ("http", {"request": {"url": "u" * 251}}),
    ("http", {"response": {"status": 500}}), ("namespace", "remote"), ("subsegments", [{"id": "53995c3f42cd8ad8", "name": "a"}])])
def test_the_check_finds_what_is_wrong(member, value):
    good = {"name": "a", "id": "70de5b6f19ff9a0a", "trace_id": "1-581cf771-a006649127e371903a2de979", "start_time": 1.5, "end_time": 2}
    check_document(good)
    broken = {k: v for k, v in {**good, member: value}.items() if v is not None}
    with pytest.raises(AssertionError):
        check_document(broken)


def test_a_request_is_a_segment_with_stages_and_attempts_within(sidegate, backend, daemon):
    heard = []
    s = sidegate(backend(keeping(heard)).url, config=xray(daemon, traces="propagators: [xray]"))
    before = time.time()
    line = ask_traced(s, ("X-Amzn-Trace-Id", f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={PARENT};Sampled=1"), ("User-Agent", "curl/8"))
    segment = daemon.of(TRACE)
    assert (segment["name"], segment["id"], segment["parent_id"]) == ("story-sidecar", line["span_id"], PARENT)
    assert before - 1 < segment["start_time"] <= segment["end_time"] < time.time() + 1
    assert segment["http"] == {
        "request": {"method": "GET", "url": "http://test.example/", "client_ip": "127.0.0.1", "user_agent": "curl/8"},
        "response": {"status": 200, "content_length": 2}}
    assert segment["annotations"]["request_id"] == line["request_id"] and segment["origin"] == "AWS::ApiGateway::Stage"
    assert {"read_head", "connect", "await_answer", "respond"} <= {sub["name"] for sub in segment["subsegments"]}
    remote, = [one for one in all_of(segment) if one.get("namespace") == "remote"]
    assert field(heard[0], "x-amzn-trace-id") == f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={remote['id']};Sampled=1"
    assert remote["name"] == s.upstream.removeprefix("http://") and remote["http"]["response"]["status"] == 200
    for sub in segment["subsegments"]:
        assert segment["start_time"] <= sub["start_time"] and sub["end_time"] <= segment["end_time"]


def test_what_failed_was_blocked_or_throttled_says_so(sidegate, backend, daemon, tmp_path):
    def script(wire):
        while True:
            line, _, _ = read_request(wire)
            status = line.split("/")[1].split(" ")[0]
            wire.send(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n" if status.isdigit() else OK)

    (tmp_path / "own.conf").write_text('SecRule ARGS "@contains attack" "id:1,phase:1,deny,status:403,msg:\'an attack\'"\n')
    s = sidegate(backend(script).url, config=f"rules: {{ files: [{tmp_path}/own.conf] }}\n" + xray(daemon))
    flags = {}
    for target in ("/200", "/404", "/429", "/500", "/?q=attack"):
        s.ask("GET", target)
        line = s.lines(len(flags) + 1)[-1]
        segment = daemon.of(line["trace_id"])
        flags[target] = {flag for flag in ("error", "throttle", "fault") if segment.get(flag)}
    assert flags == {"/200": set(), "/404": {"error"}, "/429": {"error", "throttle"}, "/500": {"fault"}, "/?q=attack": {"error"}}
    exception, = segment["cause"]["exceptions"]
    assert (exception["type"], exception["message"]) == ("waf_blocked", "an attack")
    assert segment["annotations"]["waf_action"] == "block" and segment["annotations"]["waf_rule_id"] == 1


def test_a_backend_that_is_away_is_a_fault_whose_cause_is_the_attempts(sidegate, daemon):
    s = sidegate(f"http://127.0.0.1:{free_port()}", config=xray(daemon))
    assert s.ask().status == 502
    segment = daemon.of(s.lines(1)[0]["trace_id"])
    exception, = segment["cause"]["exceptions"]
    last = [one for one in all_of(segment) if one.get("namespace") == "remote"][-1]
    assert segment["fault"] and last["fault"] and exception["cause"] == last["cause"]["exceptions"][0]["id"]


def test_the_call_to_an_authorizer_is_a_remote_subsegment_whose_id_it_is_told(sidegate, backend, daemon, function):
    f = function()
    s = sidegate(backend().url, config=xray(daemon, traces="propagators: [xray]") + (
        f'authorizers: {{ custom: {{ type: http, url: "{f.url}", payload: "2.0", identity: [$request.header.authorization] }} }}\n'
        "routes: [{ match: GET /, authorizer: custom }]\n"))
    line = ask_traced(s, ("Authorization", "t"))
    trace = line["trace_id"]
    segment = daemon.of(trace)
    call, = [one for one in all_of(segment) if one.get("annotations", {}).get("authorizer") == "custom" and one is not segment]
    assert field(f.asked[0][1], "x-amzn-trace-id") == f"Root=1-{trace[:8]}-{trace[8:]};Parent={call['id']};Sampled=1"
    assert call["namespace"] == "remote" and call["name"] == f.url.removeprefix("http://") and field(f.asked[0][1], "traceparent") is None
    assert call in next(sub for sub in segment["subsegments"] if sub["name"] == "authorizer")["subsegments"]


def test_a_client_is_told_the_trace_and_what_was_decided(sidegate, backend, daemon):
    s = sidegate(backend().url, config=xray(daemon, traces="propagators: [xray], sampler: parentbased_always_on"))
    answers = [s.ask(fields=[("X-Amzn-Trace-Id", text)]) for text in ("", f"Root=1-{TRACE[:8]}-{TRACE[8:]};Sampled=?", "Sampled=0")]
    lines = s.lines(3)
    for answer, line, sampled in zip(answers, lines, "110"):
        root = f"1-{line['trace_id'][:8]}-{line['trace_id'][8:]}"
        assert answer["x-amzn-trace-id"] == f"Root={root};Parent={line['span_id']};Sampled={sampled}"
    assert lines[1]["trace_id"] == TRACE


def test_what_lambda_says_of_its_lineage_goes_to_the_backend_and_not_to_the_client(sidegate, backend, daemon):
    heard, root = [], f"Root=1-{TRACE[:8]}-{TRACE[8:]}"
    answer = f"HTTP/1.1 200 OK\r\nX-Amzn-Trace-Id: {root};Parent={PARENT};Lineage=1:b:2\r\nContent-Length: 0\r\n\r\n".encode()
    s = sidegate(backend(keeping(heard, answer)).url, config=xray(daemon, traces="propagators: [xray]"))
    answered = s.ask(fields=[("X-Amzn-Trace-Id", f"{root};Lineage=1:a:0")])
    assert answered["x-amzn-trace-id"] == f"{root};Parent={s.lines(1)[0]['span_id']};Sampled=1"
    assert field(heard[0], "x-amzn-trace-id").endswith(";Sampled=1;Lineage=1:a:0")


def test_the_environment_alone_says_where_the_daemon_is(sidegate, backend, daemon):
    s = sidegate(backend().url, environment={"OTEL_TRACES_EXPORTER": "xray",
                                             "AWS_XRAY_DAEMON_ADDRESS": f"tcp:127.0.0.1:9 udp:127.0.0.1:{daemon.port}"})
    line = ask_traced(s)
    assert daemon.of(line["trace_id"])["id"] == line["span_id"]


def test_a_request_that_lasts_is_in_progress_until_the_whole_of_it_replaces_that(sidegate, backend, daemon, tmp_path):
    told = threading.Event()

    def slow(wire):
        line, _, _ = read_request(wire)
        assert "/slow" not in line or told.wait(20)
        wire.send(OK)
        wire.close()

    s = sidegate(backend(slow).url, config=xray(daemon, "in_progress: 200ms"))
    assert s.ask(target="/quick").status == 200
    asked = threading.Thread(target=lambda: s.ask(target="/slow?token=hush"))
    asked.start()
    first = wait_until(lambda: [one for one in daemon.segments if one.get("in_progress")], "that it goes on")[0]
    told.set()
    asked.join()
    check_document(first)
    assert "end_time" not in first and not {"error", "fault", "throttle", "cause", "subsegments"} & set(first)
    assert first["http"] == {"request": {"method": "GET", "url": "http://test.example/slow?token=REDACTED", "client_ip": "127.0.0.1"}}
    wait_until(lambda: len(daemon.segments) == 3, "the whole of both")
    whole, = [one for one in daemon.segments if one["id"] == first["id"] and not one.get("in_progress")]
    assert (whole["trace_id"], whole["start_time"], whole["http"]["response"]["status"]) == (first["trace_id"], first["start_time"], 200)
    assert len(s.lines(2)) == 2  # and nobody else has heard of it
    assert s.metric("sidegate_export_produced_total", destination="access_log") == 2


def test_what_is_in_progress_shows_no_secret_either(sidegate, backend, daemon, tmp_path):
    told, secrets = threading.Event(), ["ghp_0123456789abcdefghijABCDEFGHIJ456789", "pin-4711", "t0ken-of-mine"]

    def slow(wire):
        read_request(wire)
        told.wait(20)
        wire.send(OK)
        wire.close()

    (tmp_path / "own.conf").write_text('SecAction "id:1,phase:1,pass,nolog,sanitiseArg:q"\n')
    s = sidegate(backend(slow).url, config=f"rules: {{ mode: on, files: [{tmp_path}/own.conf] }}\n" + xray(daemon, "in_progress: 200ms"))
    asked = threading.Thread(target=lambda: s.ask(target=f"/slow/{secrets[0]}/{secrets[1]}?q={secrets[1]}&token={secrets[2]}",
                                                  fields=[("User-Agent", f"tool/1 ({secrets[0]}; {secrets[1]})")]))
    asked.start()
    try:
        first, = wait_until(lambda: [one for one in daemon.segments if one.get("in_progress")], "that it goes on")
    finally:
        told.set()
        asked.join()
    assert "/slow/" in first["http"]["request"]["url"] and "tool/1 (" in first["http"]["request"]["user_agent"]
    assert [secret for secret in secrets if secret in str(first)] == []


def test_the_gateways_names_come_from_the_apis_arn(sidegate, backend, daemon):
    s = sidegate(backend().url, config='policies: { api: "arn:aws:execute-api:eu-west-1:123456789012:shop/live" }\n'
                 + xray(daemon, "origin: AWS::ECS::Container"))
    line = ask_traced(s)
    segment = daemon.of(line["trace_id"])
    assert segment["aws"]["api_gateway"] == {"account_id": "123456789012", "rest_api_id": "shop", "stage": "live", "request_id": line["request_id"]}
    assert segment["resource_arn"] == "arn:aws:apigateway:eu-west-1::/restapis/shop/stages/live"
    assert (segment["annotations"]["aws:api_id"], segment["annotations"]["aws:api_stage"]) == ("shop", "live")
    assert segment["origin"] == "AWS::ECS::Container"


def test_secrets_of_the_query_are_masked(sidegate, backend, daemon):
    s = sidegate(backend().url, config=xray(daemon))
    s.ask("GET", "/in?a=1&token=hunter2")
    segment = daemon.of(s.lines(1)[0]["trace_id"])
    assert segment["http"]["request"]["url"] == "http://test.example/in?a=1&token=REDACTED" and "hunter2" not in json.dumps(segment)


def test_a_file_has_a_document_a_line_and_the_daemon_the_same(sidegate, backend, daemon, tmp_path):
    s = sidegate(backend().url, config=xray(daemon, f"path: {tmp_path}/segments.json"))
    lines = [ask_traced(s) for _ in range(3)]
    segments = [daemon.of(line["trace_id"]) for line in lines]
    assert s.stop() == 0
    written = [json.loads(line) for line in (tmp_path / "segments.json").read_text().splitlines()]
    assert written == segments
    for document in written:
        check_document(document)


def test_a_file_alone_needs_no_daemon_and_what_is_not_sampled_is_in_neither(sidegate, backend, tmp_path):
    s = sidegate(backend().url, config=xray(None, f"path: {tmp_path}/segments.json", "sampler: always_off, always: none"))
    ask_traced(s)
    assert s.stop() == 0 and (tmp_path / "segments.json").read_text() == ""


def test_segments_go_to_a_file_that_is_rotated_and_to_receivers_of_lines_and_then_need_no_daemon(sidegate, backend, tmp_path):
    firehose = Firehose()
    s = sidegate(backend(always_ok).url, config=xray(None, f'path: {tmp_path}/segments, rotate: {{ max_size: 8KiB, keep: 50 }}, firehose: {{ url: "{firehose.url}" }}'))
    traces = {ask_traced(s)["trace_id"] for _ in range(20)}
    wait_until(lambda: account(s, "xray_file")["sent"] == account(s, "xray_file.firehose")["sent"] == 20, "all of them are out")
    files = sorted(tmp_path.glob("segments*"))
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert len(files) > 2 and all(file.stat().st_size <= 8192 for file in files)
    assert sorted(lines) == sorted(firehose.lines) and account(s)["produced"] == 0
    documents = [json.loads(line) for line in lines]
    for document in documents:
        check_document(document)
    assert {document["trace_id"].replace("-", "")[1:] for document in documents} == traces
    firehose.close()


def test_both_exporters_have_the_same_ids(sidegate, backend, daemon, collector):
    there = collector()
    s = sidegate(backend().url, config=otlp(there.url, traces=f"exporter: [otlp, xray], xray: {{ address: 127.0.0.1:{daemon.port} }}"))
    line = ask_traced(s)
    server_span(there, line["trace_id"])
    spans = {span.id: span.name for span in there.of(line["trace_id"])}
    for one in all_of(daemon.of(line["trace_id"])):
        assert one["id"] in spans


def account(s, destination="xray_daemon"):
    return {what: int(s.metric(f"sidegate_export_{what}_total", destination=destination) or 0) for what in ("produced", "sent", "dropped")}


def test_a_daemon_that_is_away_costs_segments_that_are_counted_and_nothing_else(sidegate, backend):
    port = free_port()
    s = sidegate(backend(always_ok).url, config=f"traces: {{ exporter: xray, xray: {{ address: 127.0.0.1:{port} }} }}\n")
    for _ in range(20):
        ask_traced(s)
    wait_until(lambda: account(s)["sent"] + account(s)["dropped"] == 20, "all of them are settled")
    assert account(s)["produced"] == 20 and account(s)["dropped"] > 0
    assert f"udp:127.0.0.1:{port}: write: Connection refused" in s.errors()
    daemon = Daemon(port)
    wait_until(lambda: ask_traced(s) and daemon.segments, "segments come again")
    daemon.close()


def test_settings_that_contradict_are_faults(tmp_path):
    def faults(text):
        (tmp_path / "a.yaml").write_text("version: 1\nlisteners: [{ address: 127.0.0.1:8080 }]\n"
                                         "upstreams: { app: { targets: ['http://127.0.0.1:3000'] } }\n" + text)
        code, out, err = run("check", "-c", str(tmp_path / "a.yaml"))
        return (out + err).replace(f"{tmp_path}/", "") if code == 3 else code

    assert "a.yaml:4:21: traces.exporter: found 'xrai', expected otlp, xray or none (did you mean 'xray'?)" in faults("traces: { exporter: xrai }\n")
    assert "a.yaml:4:28: traces.xray.address: nothing goes there (add xray to traces.exporter)" in faults(
        "traces: { xray: { address: 127.0.0.1:2000 } }\n")
    assert "traces.xray.address: X-Ray's daemon listens on UDP (write host:port)" in faults(
        "traces: { exporter: xray, xray: { address: unix:/run/x } }\n")
    assert faults("traces: { exporter: xray }\n") == 0
