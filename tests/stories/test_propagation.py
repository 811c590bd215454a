# SPDX-License-Identifier: Apache-2.0
"""How a trace comes in and goes out: W3C Trace Context, B3, X-Ray's field, baggage; whose trace goes on, and which ones are seen."""
import re
import time

import pytest
from harness import OK, field, read_request, wait_until
from otlp import ask_traced, keeping, otlp, server_span

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = ("traceparent", f"00-{TRACE}-{PARENT}-01")


def test_a_sampled_traceparent_is_joined_and_the_backend_sees_the_client_span(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    line = ask_traced(s, ("traceparent", f"00-{TRACE}-{PARENT}-01"), ("tracestate", "vendor=1,other=2"))
    server = server_span(there, TRACE)
    client, = there.of(TRACE, "client")
    assert (line["trace_id"], line["span_id"]) == (TRACE, server.id) and server.parent == PARENT
    assert field(heard[0], "traceparent") == f"00-{TRACE}-{client.id}-01"
    assert field(heard[0], "tracestate") == "vendor=1,other=2"
    assert server.trace_state == client.trace_state == "vendor=1,other=2"
    assert server.flags == 0x301 and client.flags == 0x101  # sampled; the parent is remote, or is not


def test_a_traceparent_that_is_not_sampled_is_passed_on_and_exports_nothing(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    line = ask_traced(s, ("traceparent", f"00-{TRACE}-{PARENT}-00"))
    assert line["trace_id"] == TRACE
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-00", field(heard[0], "traceparent"))
    after = ask_traced(s)  # its spans come, so that those of the first would have come
    server_span(there, after["trace_id"])
    assert there.of(TRACE) == []


def test_without_a_traceparent_a_sampled_trace_with_a_random_id_begins(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    line = ask_traced(s)
    server = server_span(there, line["trace_id"])
    client, = there.of(line["trace_id"], "client")
    assert server.parent == "" and field(heard[0], "traceparent") == f"00-{line['trace_id']}-{client.id}-03"
    assert ask_traced(s)["trace_id"] != line["trace_id"]


BROKEN = {
    "upper case": f"00-{TRACE.upper()}-{PARENT}-01",
    "a trace id of zeros": f"00-{'0' * 32}-{PARENT}-01",
    "a parent id of zeros": f"00-{TRACE}-{'0' * 16}-01",
    "version ff": f"ff-{TRACE}-{PARENT}-01",
    "too short": f"00-{TRACE}-{PARENT[:15]}-01",
    "more than version 00 has": f"00-{TRACE}-{PARENT}-01-more",
    "no flags": f"00-{TRACE}-{PARENT}",
    "no hex": f"00-{TRACE[:31]}g-{PARENT}-01",
    "empty": "",
}


@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_traceparent_begins_a_new_trace_without_its_state(sidegate, backend, collector, value):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    line = ask_traced(s, ("traceparent", value), ("tracestate", "vendor=1"))
    assert line["trace_id"] != TRACE
    server = server_span(there, line["trace_id"])
    assert server.parent == "" and server.trace_state == ""
    assert [v for n, v in heard[0] if n.lower() == "traceparent"] == [
        f"00-{line['trace_id']}-{there.of(line['trace_id'], 'client')[0].id}-03"]
    assert field(heard[0], "tracestate") is None


def test_two_traceparents_are_none(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    line = ask_traced(s, ("traceparent", f"00-{TRACE}-{PARENT}-01"), ("traceparent", f"00-{TRACE[::-1]}-{PARENT}-01"))
    assert line["trace_id"] not in (TRACE, TRACE[::-1])
    assert len([v for n, v in heard[0] if n.lower() == "traceparent"]) == 1


def test_a_later_version_is_read_by_what_is_known_of_it(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    assert ask_traced(s, ("traceparent", f"cc-{TRACE}-{PARENT}-01-what-the-future-brings"))["trace_id"] == TRACE
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-01", field(heard[0], "traceparent"))


def test_each_attempt_shows_the_backend_its_own_span(sidegate, backend, collector):
    heard, there = [], collector()

    def hang_up_the_second_time(wire):
        heard.append(read_request(wire)[1])
        wire.send(OK)
        heard.append(read_request(wire)[1])

    s = sidegate(backend(hang_up_the_second_time).url, config=otlp(there.url))
    ask_traced(s)
    line = ask_traced(s)
    server_span(there, line["trace_id"])
    first, second = sorted(there.of(line["trace_id"], "client"), key=lambda span: span.start)
    assert [field(fields, "traceparent")[36:52] for fields in heard[1:]] == [first.id, second.id]
    assert first.is_error and first.tags["error.type"] == "stale_connection"
    assert not second.is_error and second.tags["http.request.resend_count"] == 1
    assert "http.request.resend_count" not in first.tags


def test_where_nothing_is_exported_the_callers_trace_goes_by_untouched(sidegate, backend):
    heard = []
    s = sidegate(backend(keeping(heard)).url)
    line = ask_traced(s, ("traceparent", f"00-{TRACE}-{PARENT}-01"), ("tracestate", "vendor=1"))
    assert line["trace_id"] == TRACE
    assert field(heard[0], "traceparent") == f"00-{TRACE}-{PARENT}-01" and field(heard[0], "tracestate") == "vendor=1"
    ask_traced(s)
    assert field(heard[1], "traceparent") is None  # a made-up one that is not sampled would silence the backend's own tracing


# ---- tracestate

@pytest.mark.parametrize("given,sent", [
    (["vendor=1", "other=2"], "vendor=1,other=2"),
    (["a=1, ,b=2 "], "a=1,b=2"),
    (["a=1,a=2"], None),
    (["A=1"], None),
    ([",".join(f"k{i}=1" for i in range(33))], None),
    ([",".join(f"key{i:02}=" + "v" * 20 for i in range(20))], ",".join(f"key{i:02}=" + "v" * 20 for i in range(19))),
])
def test_a_state_goes_on_as_one_field_whole_or_not_at_all(sidegate, backend, collector, given, sent):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    ask_traced(s, GIVEN, *[("tracestate", value) for value in given])
    assert [v for n, v in heard[0] if n.lower() == "tracestate"] == ([sent] if sent else [])
    assert server_span(there, TRACE).trace_state == (sent or "")


def test_flags_go_on_as_far_as_they_are_known(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    given = {"00": "00", "01": "01", "02": "02", "03": "03", "04": "00", "fc": "00", "ff": "03"}  # sampled, random
    for flags in given:
        ask_traced(s, ("traceparent", f"00-{TRACE}-{PARENT}-{flags}"))
    assert [field(fields, "traceparent")[53:] for fields in heard] == list(given.values())


def test_a_state_without_a_parent_is_none(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    ask_traced(s, ("tracestate", "vendor=1"))
    assert field(heard[0], "tracestate") is None


def test_names_of_fields_have_no_case_and_go_out_in_lower_case(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    assert ask_traced(s, ("TraceParent", f" 00-{TRACE}-{PARENT}-01 "), ("TRACESTATE", "a=1"))["trace_id"] == TRACE
    names = [name for name, _ in heard[0]]
    assert names.count("traceparent") == 1 and names.count("tracestate") == 1
    assert not {"TraceParent", "TRACESTATE"} & set(names)


@pytest.mark.parametrize("count,size,kept", [(32, 1, 32), (33, 1, 0), (4, 128, 3), (2, 250, 2), (2, 256, 1), (1, 256, 1), (1, 257, 0), (3, 0, 0)])
def test_many_and_long_members_go_on_within_the_limits(sidegate, backend, collector, count, size, kept):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    members = [f"k{i:02}=" + "v" * size for i in range(count)]
    assert ask_traced(s, GIVEN, ("tracestate", ",".join(members)))["trace_id"] == TRACE  # whatever becomes of the state
    sent = field(heard[0], "tracestate")
    assert (sent or "") == ",".join(members[:kept]) and len(sent or "") <= 512


# ---- other propagators

ROOT = f"1-{TRACE[:8]}-{TRACE[8:]}"


@pytest.mark.parametrize("by,fields,sent", [
    ("b3", [("b3", f"{TRACE}-{PARENT}-1")], {"b3": "{trace}-{span}-1"}),
    ("b3multi", [("X-B3-TraceId", TRACE), ("X-B3-SpanId", PARENT), ("X-B3-Sampled", "1"), ("X-B3-ParentSpanId", PARENT)],
     {"x-b3-traceid": "{trace}", "x-b3-spanid": "{span}", "x-b3-sampled": "1", "x-b3-parentspanid": None}),
    ("xray", [("X-Amzn-Trace-Id", f"Root={ROOT};Parent={PARENT};Sampled=1")],
     {"x-amzn-trace-id": "Root={root};Parent={span};Sampled=1"}),
    ("xray", [("X-Amzn-Trace-Id", f"Root={ROOT}")], {"x-amzn-trace-id": "Root={root};Parent={span};Sampled=1"}),
    ("b3, tracecontext", [GIVEN], {"b3": "{trace}-{span}-1", "traceparent": "00-{trace}-{span}-01"}),
])
def test_a_trace_comes_and_goes_in_the_fields_that_are_named(sidegate, backend, collector, by, fields, sent):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url, traces=f"propagators: [{by}]"))
    line = ask_traced(s, *fields)
    server = server_span(there, TRACE)
    client, = there.of(TRACE, "client")
    assert line["trace_id"] == TRACE and server.parent == (PARENT if PARENT in str(fields) else "")
    for name, text in sent.items():
        assert field(heard[0], name) == (text and text.format(trace=TRACE, span=client.id, root=ROOT))
    assert "traceparent" in sent or field(heard[0], "traceparent") is None


def test_ids_in_xrays_format_begin_with_the_time_and_are_the_same_everywhere(sidegate, backend, collector):
    heard, there, before = [], collector(), int(time.time())
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url, traces="id_format: xray, propagators: [tracecontext, xray]"))
    line = ask_traced(s)
    trace = line["trace_id"]
    client, = wait_until(lambda: there.of(trace, "client"), "the spans have come")
    assert before <= int(trace[:8], 16) <= time.time() and len(trace) == 32
    assert field(heard[0], "x-amzn-trace-id") == f"Root=1-{trace[:8]}-{trace[8:]};Parent={client.id};Sampled=1"
    assert field(heard[0], "traceparent") == f"00-{trace}-{client.id}-03"  # what is random of it is the end
    assert ask_traced(s, GIVEN)["trace_id"] == TRACE  # of a caller whose ids have no time in them


def test_a_decision_without_a_trace_is_heard(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url, traces="propagators: [b3]"))
    line = ask_traced(s, ("b3", "0"))
    assert field(heard[0], "b3").endswith("-0")
    server_span(there, ask_traced(s)["trace_id"])
    assert there.of(line["trace_id"]) == []


def test_baggage_goes_by_within_its_limits(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url))
    ask_traced(s, ("baggage", "user=alice;property"), ("baggage", ",".join(f"k{i}=v" for i in range(80))))
    given = [v for n, v in heard[0] if n.lower() == "baggage"]
    assert given == ["user=alice;property", ",".join(f"k{i}=v" for i in range(63))]


# ---- whose trace goes on

@pytest.mark.parametrize("parents,trusted,goes_on", [
    ("all", None, True), ("trusted_proxies", "127.0.0.1", True), ("trusted_proxies", "10.0.0.0/8", False), ("none", "127.0.0.1", False)])
def test_a_trace_of_somebody_who_is_not_trusted_begins_anew_with_a_link(sidegate, backend, collector, parents, trusted, goes_on):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url, traces=f"parents: {parents}"), trusted=trusted)
    line = ask_traced(s, GIVEN, ("tracestate", "vendor=1"), ("baggage", "user=alice"))
    server = server_span(there, line["trace_id"])
    assert (line["trace_id"] == TRACE) == goes_on
    assert (server.parent, server.links) == ((PARENT, []) if goes_on else ("", [(TRACE, PARENT)]))
    assert field(heard[0], "tracestate") == ("vendor=1" if goes_on else None)
    assert field(heard[0], "baggage") == ("user=alice" if goes_on else None)


def test_nobody_who_is_not_trusted_decides_what_is_sampled(sidegate, backend, collector):
    there = collector()
    s = sidegate(backend().url, config=otlp(there.url, traces="parents: none, sampler: parentbased_always_off"))
    line = ask_traced(s, GIVEN)
    assert line["trace_id"] != TRACE
    s.stop()
    assert there.spans == []


# ---- which ones are seen

def seen(s, there, fields):
    """Asks, and says which of the traces were seen when the last one, which always is, has come."""
    lines = [ask_traced(s, *one) for one in fields]
    assert s.stop() == 0
    return [bool(there.of(line["trace_id"], "server")) for line in lines]


def of(last_digits):
    return [("traceparent", f"00-{TRACE[:18]}{last_digits}-{PARENT}-00")]


@pytest.mark.parametrize("sampler,want", [
    ("always_on", [True, True, True, True]), ("always_off", [False, False, False, False]),
    ("parentbased_always_on", [True, False, False, True]), ("parentbased_always_off", [False, False, False, True]),
    ("traceidratio, ratio: 0.25", [None, False, True, None]), ("parentbased_traceidratio, ratio: 1", [True, False, False, True])])
def test_a_sampler_says_which_traces_are_seen(sidegate, backend, collector, sampler, want):
    there = collector()
    s = sidegate(backend().url, config=otlp(there.url, traces=f"sampler: {sampler}"))
    got = seen(s, there, [[], of("bfffffffffffff"), of("c0000000000000"), [GIVEN]])
    assert [w if w is None else g for w, g in zip(want, got)] == want


def test_a_ratio_is_told_in_the_state(sidegate, backend, collector):
    heard, there = [], collector()
    s = sidegate(backend(keeping(heard)).url, config=otlp(there.url, traces="sampler: traceidratio, ratio: 0.25"))
    ask_traced(s, *of("c0000000000000"), ("tracestate", "vendor=1,ot=th:8;rv:ffffffffffffff"))
    ask_traced(s, *of("bfffffffffffff"), ("tracestate", "vendor=1,ot=th:8"))
    assert [field(fields, "tracestate") for fields in heard] == ["ot=th:c;rv:ffffffffffffff,vendor=1", "vendor=1"]
    assert [field(fields, "traceparent")[-2:] for fields in heard] == ["01", "00"]


@pytest.mark.parametrize("always,want", [
    ("[blocked, error]", [False, True, True]), ("error", [False, False, True]), ("none", [False] * 3),
    ("slow, slow: 1us", [True] * 3), ("slow, slow: 1h", [False] * 3)])
def test_what_was_blocked_failed_or_slow_is_seen_though_it_is_not_sampled(sidegate, backend, collector, tmp_path, always, want):
    there = collector()

    def script(wire):
        while True:
            fails = "/fails" in read_request(wire)[0]
            wire.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" if fails else OK)

    (tmp_path / "own.conf").write_text('SecRule ARGS "@contains attack" "id:1,phase:1,deny,status:403"\n')
    s = sidegate(backend(script).url, config=f"rules: {{ files: [{tmp_path}/own.conf] }}\n"
                 + otlp(there.url, traces=f"sampler: always_off, always: {always}"))
    lines = []
    for target in ("/", "/?q=attack", "/fails"):
        s.ask("GET", target)
        lines.append(s.lines(len(lines) + 1)[-1])
    assert s.stop() == 0
    assert [bool(there.of(line["trace_id"], "server")) for line in lines] == want
