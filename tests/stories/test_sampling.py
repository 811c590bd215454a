# SPDX-License-Identifier: Apache-2.0
"""X-Ray's sampling rules: from a file and from a service, with one reservoir for all workers, quotas, and what holds where nobody answers."""
import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import Backend, field, free_port, read_request, run, wait_until
from otlp import ask_traced, keeping

NONE = {"fixed_target": 0, "rate": 0}


def local(*rules, default=None):
    """The SDKs' file."""
    anything = {"host": "*", "http_method": "*", "url_path": "*", "fixed_target": 0, "rate": 0}
    return json.dumps({"version": 2, "rules": [{**anything, **rule} for rule in rules], "default": default or NONE})


def record(name, priority, **more):
    return {"SamplingRule": {"RuleName": name, "Priority": priority, "FixedRate": 0.0, "ReservoirSize": 0, "ServiceName": "*", "ServiceType": "*",
                             "Host": "*", "HTTPMethod": "*", "URLPath": "*", "ResourceARN": "*", "Version": 1, "Attributes": {}, **more},
            "CreatedAt": 0.0, "ModifiedAt": 0.0}


@pytest.fixture
def sampled(sidegate, backend, tmp_path):
    """sampled(rules, ...) -> the program with that file of rules; .segments() says which ones came, by their path."""
    def make(rules=None, sampling="", more="", config="", options=(), heard=None):
        if rules is not None:
            (tmp_path / "rules.json").write_text(rules)
            sampling = f"file: {tmp_path}/rules.json" + (", " + sampling if sampling else "")
        s = sidegate(backend(keeping(heard if heard is not None else [])).url, options=options, config=config + (
            f"traces: {{ exporter: xray, sampler: xray, xray: {{ path: {tmp_path}/segments, sampling: {{ {sampling} }} }}{more} }}\n"))
        s.segments = lambda: [json.loads(line) for line in (tmp_path / "segments").read_text().splitlines()]
        return s
    return make


def rules_of(s):
    """The rule of each sampled request, by its path, after the end."""
    assert s.stop() == 0
    return {one["http"]["request"]["url"].removeprefix("http://test.example"): one["aws"]["xray"].get("sampling_rule_name") for one in s.segments()}


def test_the_first_rule_that_fits_decides_by_host_method_and_path(sampled):
    s = sampled(local({"description": "health", "url_path": "/health*"},
                      {"description": "posts", "http_method": "POST", "rate": 1},
                      {"description": "shop", "host": "shop.*", "rate": 1},
                      {"url_path": "/?rders/*", "rate": 1}))
    for method, target, host in (("POST", "/health/1", "a"), ("POST", "/posted", "a"), ("GET", "/got", "a"), ("GET", "/in", "SHOP.example"),
                                 ("GET", "/Orders/7?q=/x", "test.example")):
        s.ask(method, target, [("Host", host)])
    assert rules_of(s) == {"http://a/posted": "posts", "http://SHOP.example/in": "shop", "/Orders/7?q=/x": "rule 4"}


def test_rules_in_the_services_shape_match_service_type_arn_and_fields(sampled):
    rules = json.dumps({"SamplingRuleRecords": [
        record("fields", 3, FixedRate=1.0, Attributes={"X-Tenant": "acme*", "accept": "*"}),
        record("other service", 1, FixedRate=1.0, ServiceName="payments*"),
        record("all of it", 4, FixedRate=1.0, URLPath="/whole", ServiceName="STORY-*", ServiceType="AWS::ApiGateway::*",
               ResourceARN="arn:aws:apigateway:eu-west-1::/restapis/shop/stages/live"),
        record("Default", 10000)]})
    s = sampled(rules, config='policies: { api: "arn:aws:execute-api:eu-west-1:123456789012:shop/live" }\n')
    for target, fields in (("/1", []), ("/2", [("X-Tenant", "Acme Ltd")]), ("/3", [("X-Tenant", "Acme Ltd"), ("Accept", "x")]), ("/whole", [])):
        s.ask("GET", target, fields)
    s.lines(4)
    assert s.metric("sidegate_sampling_decisions_total", rule="fields", decision="rate") == 1
    assert s.metric("sidegate_sampling_decisions_total", rule="Default", decision="not_sampled") == 2
    assert s.metric("sidegate_sampling_rules", source="file") == 4
    assert rules_of(s) == {"/3": "fields", "/whole": "all of it"}


def within_one_second(s, ask):
    """Asks many times in one second of the log's; what was sampled in it. A machine that is too slow gets other seconds."""
    for _ in range(10):
        wait_until(lambda: time.time() % 1 < 0.1, "a second begins")
        before = s.metric("sidegate_sampling_decisions_total", decision="reservoir")
        seen = len(s.log.read_text().splitlines()) if s.log.exists() else 0
        count = ask()
        lines = s.lines(seen + count)[seen:]
        if len({line["time"][:19] for line in lines}) == 1:
            return s.metric("sidegate_sampling_decisions_total", decision="reservoir") - before
    raise AssertionError("never within one second")


@pytest.mark.parametrize("threads", ["1", "2", "4"])
def test_all_workers_together_spend_one_reservoir(sampled, threads):
    s = sampled(local({"fixed_target": 7, "rate": 0}), options=("--threads", threads))

    def ask():
        with ThreadPoolExecutor(8) as pool:
            return len(list(pool.map(lambda _: s.ask(), range(40))))

    assert within_one_second(s, ask) == 7
    wait_until(lambda: time.time() % 1 < 0.5 and ask_traced(s), "another second")
    assert s.stop() == 0
    assert all(line["xray"]["sampling_rule_name"] == "rule 1" for line in (one["aws"] for one in s.segments()))


def test_what_the_caller_decided_holds_and_costs_no_reservoir(sampled):
    heard = []
    s = sampled(local({"fixed_target": 100, "rate": 1}), more=", propagators: [xray], always: none", heard=heard)
    root = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"
    for decision in (";Parent=00f067aa0ba902b7;Sampled=0", ";Parent=00f067aa0ba902b7;Sampled=1", ";Sampled=?", ""):
        ask_traced(s, ("X-Amzn-Trace-Id", root + decision))
    assert [field(fields, "x-amzn-trace-id")[-1] for fields in heard] == ["0", "1", "1", "1"]
    assert s.metric("sidegate_sampling_decisions_total") == 2
    assert s.stop() == 0 and len(s.segments()) == 3


def test_without_a_file_it_is_one_a_second_and_five_percent(sampled):
    s = sampled(more=", propagators: [xray]")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    def ask():
        for low in ("00000000000000", "f3000000000000", "f3333333333334"):  # the last one is within 5 %
            for _ in range(2):
                ask_traced(s, ("X-Amzn-Trace-Id", f"Root=1-{trace[:8]}-{trace[8:18]}{low}"))
        return 6

    assert within_one_second(s, ask) == 1
    assert s.metric("sidegate_sampling_rules", source="built_in") == 1
    assert s.metric("sidegate_sampling_decisions_total", rule="Default", decision="rate") > 0


def test_a_reload_takes_new_rules_and_keeps_what_was_counted(sampled, tmp_path):
    s = sampled(local({"description": "all", "rate": 0}))
    ask_traced(s)
    (tmp_path / "rules.json").write_text(local({"description": "all", "rate": 1}))
    s.signal(signal.SIGHUP)
    wait_until(lambda: ask_traced(s) and s.metric("sidegate_sampling_decisions_total", rule="all", decision="rate"), "the rate is 1")
    assert s.metric("sidegate_sampling_decisions_total", rule="all", decision="not_sampled") >= 1


def test_faults_of_the_file_have_their_place(tmp_path):
    def faults(rules, traces="sampler: xray, "):
        (tmp_path / "rules.json").write_text(rules)
        (tmp_path / "a.yaml").write_text("version: 1\nlisteners: [{ address: 127.0.0.1:8080 }]\n"
                                         "upstreams: { app: { targets: ['http://127.0.0.1:3000'] } }\n"
                                         f"traces: {{ {traces}exporter: xray, xray: {{ sampling: {{ file: rules.json }} }} }}\n")
        code, out, err = run("check", "-c", str(tmp_path / "a.yaml"))
        return code, (out + err).replace(f"{tmp_path}/", "")

    assert faults(local()) == (0, faults(local())[1])
    code, text = faults('{"version": 2,\n "rulez": [], "default": {"fixed_target": 1, "rate": 2}}')
    assert code == 3 and "rules.json:2:2: 'rulez' is no member of this object (did you mean 'rules'?)" in text
    code, text = faults('{"version": 2, "default": {"fixed_target": 1,\n  "rate": 2}}')
    assert code == 3 and "rules.json:2:11: rate: expected a number from 0 to 1" in text
    code, text = faults('{"version": 2')
    assert code == 3 and "rules.json:1:" in text
    code, text = faults(local(), traces="")
    assert code == 3 and "traces.xray.sampling.file: nobody asks these rules (set traces.sampler to xray)" in text
    (tmp_path / "rules.json").unlink()
    code, out, err = run("check", "-c", str(tmp_path / "a.yaml"))
    assert code == 3 and "No such file" in out + err


# ---- the service

class Service(Backend):
    """GetSamplingRules and GetSamplingTargets as X-Ray's daemon hands them on."""

    def __init__(self, rules, targets=(), address=None):
        self.rules, self.targets, self.extra, self.asked, self.told = list(rules), list(targets), {}, [], []
        self.pages, self.is_away, self.garbage, self.goes_on = 1, False, None, threading.Event()
        self.goes_on.set()
        super().__init__(self.serve_all, address)

    def serve_all(self, wire):
        while True:
            line, fields, body = read_request(wire)
            if self.is_away:
                return
            assert field(fields, "content-type") == "application/json"
            answer = self.answer(line, json.loads(body))
            is_target = "SamplingTargetDocuments" in answer and self.garbage is not None
            text = self.garbage if is_target else json.dumps(answer).encode()
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text)

    def answer(self, line, body):
        if line == "POST /GetSamplingRules HTTP/1.1":
            self.asked.append(body)
            page = int(body.get("NextToken", "0"))
            each = -(-len(self.rules) // self.pages)
            token = str(page + 1) if page + 1 < self.pages else None
            return {"SamplingRuleRecords": self.rules[page * each:(page + 1) * each], "NextToken": token}
        assert line == "POST /SamplingTargets HTTP/1.1", line
        self.told += body["SamplingStatisticsDocuments"]
        self.goes_on.wait(20)
        return {"SamplingTargetDocuments": self.targets, "UnprocessedStatistics": [], "LastRuleModification": 0.0, **self.extra}


@pytest.fixture
def service():
    made = []

    def make(*args, **kwargs):
        made.append(Service(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


def holds(s, source, count=None):
    return wait_until(lambda: s.metric("sidegate_sampling_rules", source=source) == count if count else s.metric(
        "sidegate_sampling_rules", source=source), f"rules of {source} hold")


def test_a_service_is_asked_told_and_its_quota_is_spent(sampled, service):
    there = service([record("all", 1, ReservoirSize=50), record("Default", 10000)])
    s = sampled(sampling=f'endpoint: "{there.url}", report: 100ms')
    holds(s, "service", 2)
    assert there.asked[0] == {}
    assert within_one_second(s, lambda: [ask_traced(s) for _ in range(5)] and 5) == 0  # no quota yet: one a second is borrowed
    assert s.metric("sidegate_sampling_decisions_total", rule="all", decision="borrowed") >= 1
    there.targets = [{"RuleName": "all", "FixedRate": 0.0, "ReservoirQuota": 4, "ReservoirQuotaTTL": int(time.time()) + 3600, "Interval": 1}]
    answered = s.metric("sidegate_sampling_service_requests_total", call="targets", result="answered")
    wait_until(lambda: ask_traced(s) and s.metric("sidegate_sampling_service_requests_total", call="targets", result="answered") > answered + 1, "told")
    assert within_one_second(s, lambda: [ask_traced(s) for _ in range(9)] and 9) == 4
    asked = s.metric("sidegate_sampling_decisions_total", rule="all")
    wait_until(lambda: sum(one["RequestCount"] for one in there.told) == asked, "everything was told")
    assert {one["RuleName"] for one in there.told} == {"all"} and len({one["ClientID"] for one in there.told}) == 1
    assert len(there.told[0]["ClientID"]) == 24 and all(abs(one["Timestamp"] - time.time()) < 60 for one in there.told)
    kinds = {kind: s.metric("sidegate_sampling_decisions_total", rule="all", decision=kind) for kind in ("reservoir", "borrowed", "rate")}
    assert sum(one["SampledCount"] for one in there.told) == sum(kinds.values())
    assert sum(one["BorrowCount"] for one in there.told) == kinds["borrowed"]


def test_a_rule_that_goes_and_comes_back_between_two_reports_is_told_from_nothing(sampled, service):
    def asked(decision):
        return s.metric("sidegate_sampling_decisions_total", rule="all", decision=decision)

    there = service([record("all", 1, ReservoirSize=50)])
    there.goes_on.clear()
    s = sampled(sampling=f'endpoint: "{there.url}", report: 50ms, refresh: 50ms, timeout: 20s')
    holds(s, "service", 2)
    ask_traced(s)  # borrowed
    wait_until(lambda: there.told, "told, and not answered yet")
    assert there.told[0]["BorrowCount"] == 1
    there.rules = [record("another", 1)]
    wait_until(lambda: s.metric("sidegate_sampling_decisions_total", rule="another") is not None and ask_traced(s)
               and s.metric("sidegate_sampling_decisions_total", rule="another"), "it is gone")
    there.rules = [record("all", 1, FixedRate=1.0)]  # nothing to borrow
    wait_until(lambda: ask_traced(s) and asked("rate"), "it is back")
    while asked("rate") <= 5:
        ask_traced(s)
    there.goes_on.set()
    wait_until(lambda: sum(one["SampledCount"] for one in there.told[1:] if one["RuleName"] == "all") == asked("rate"), "everything was told")
    assert [one["BorrowCount"] for one in there.told if one["BorrowCount"] != 0] == [1]


def test_a_quota_that_is_over_is_borrowed_again_and_a_granted_rate_holds(sampled, service):
    there = service([record("all", 1, ReservoirSize=50)], [
        {"RuleName": "all", "FixedRate": 1.0, "ReservoirQuota": 40, "ReservoirQuotaTTL": int(time.time()) - 1}])
    s = sampled(sampling=f'endpoint: "{there.url}", report: 50ms')
    holds(s, "service", 2)
    wait_until(lambda: ask_traced(s) and s.metric("sidegate_sampling_decisions_total", rule="all", decision="rate"), "the rate was granted")
    assert s.metric("sidegate_sampling_decisions_total", rule="all", decision="reservoir") == 0


def test_rules_come_in_pages_and_anew_when_they_were_changed(sampled, service):
    there = service([record(f"rule{i}", i + 1, URLPath=f"/{i}") for i in range(6)])
    there.pages = 3
    s = sampled(sampling=f'endpoint: "{there.url}", report: 50ms')
    holds(s, "service", 7)
    assert [body.get("NextToken") for body in there.asked] == [None, "1", "2"]
    there.rules, there.pages = [record("only", 1, FixedRate=1.0)], 1
    there.extra = {"LastRuleModification": time.time() + 5}
    wait_until(lambda: ask_traced(s) and s.metric("sidegate_sampling_rules", source="service") == 2, "the changed rules")
    wait_until(lambda: ask_traced(s) and s.metric("sidegate_sampling_decisions_total", rule="only", decision="rate"), "they are asked")


def test_rules_of_more_than_twenty_pages_are_no_answer_and_nothing_of_them_holds(sampled, service):
    there = service([record(f"rule{i}", i + 1, URLPath=f"/{i}") for i in range(21)])
    there.pages = 21
    s = sampled(local({"description": "mine", "rate": 1}), f'endpoint: "{there.url}", report: 50ms')
    wait_until(lambda: s.metric("sidegate_sampling_service_requests_total", call="rules", result="failed"), "it failed")
    assert "rules: there are more than 20 pages of them" in s.errors()
    assert s.metric("sidegate_sampling_rules", source="file") == 2 and {body.get("NextToken") for body in there.asked} == {None, *map(str, range(1, 20))}
    there.rules, there.pages = there.rules[:20], 20
    holds(s, "service", 21)


def test_a_service_that_is_away_is_said_and_counted_and_local_rules_hold(sampled, service):
    port = free_port()
    s = sampled(local({"description": "mine", "rate": 1}), f'endpoint: "http://127.0.0.1:{port}", report: 50ms')
    assert s.metric("sidegate_sampling_rules", source="file") == 2
    ask_traced(s)
    wait_until(lambda: s.metric("sidegate_sampling_service_requests_total", call="rules", result="failed") >= 3, "it is tried again")
    assert s.errors().count("sampling rules: the service does not answer as it should, what is known holds: rules: ") == 1
    assert s.metric("sidegate_sampling_decisions_total", rule="mine", decision="rate") == 1
    there = service([record("theirs", 1, FixedRate=1.0)], address=port)
    holds(s, "service", 2)
    ask_traced(s)
    assert s.metric("sidegate_sampling_decisions_total", rule="theirs", decision="rate") == 1
    there.is_away = True
    wait_until(lambda: ask_traced(s) and s.metric("sidegate_sampling_service_requests_total", call="targets", result="failed"), "it is away again")
    assert s.metric("sidegate_sampling_rules", source="service") == 2  # for an hour


def test_rules_of_a_service_that_stays_away_are_good_for_twelve_times_the_refresh(sampled, service):
    there = service([record("theirs", 1, FixedRate=1.0)])
    s = sampled(local({"description": "mine", "rate": 1}), f'endpoint: "{there.url}", report: 50ms, refresh: 50ms')
    holds(s, "service", 2)
    there.is_away = True
    holds(s, "file", 2)
    ask_traced(s)
    assert s.metric("sidegate_sampling_decisions_total", rule="mine", decision="rate") == 1
    assert "sampling rules: the service's own are too old, local ones hold" in s.errors()
    there.is_away = False
    holds(s, "service", 2)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<no>",
    b'HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{"SamplingRuleRecords": "no"', b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"])
def test_an_answer_that_is_none_changes_nothing(sampled, backend, answer):
    def script(wire):
        while True:
            read_request(wire)
            wire.send(answer)

    s = sampled(local({"description": "mine", "rate": 1}), f'endpoint: "{backend(script).url}", report: 50ms')
    wait_until(lambda: s.metric("sidegate_sampling_service_requests_total", call="rules", result="failed") >= 2, "it failed")
    assert s.metric("sidegate_sampling_rules", source="file") == 2 and s.metric("sidegate_sampling_service_requests_total", result="answered") == 0
    ask_traced(s)


@pytest.mark.parametrize("body", [b"", b"<no>", b"{}", b'{"SamplingTargetDocuments": 3}'])
def test_targets_that_are_none_are_told_again(sampled, service, body):
    there = service([record("all", 1)])
    s = sampled(sampling=f'endpoint: "{there.url}", report: 50ms')
    holds(s, "service", 2)
    there.garbage = body
    ask_traced(s)
    wait_until(lambda: s.metric("sidegate_sampling_service_requests_total", call="targets", result="failed") >= 2, "it failed")
    there.garbage = None
    wait_until(lambda: s.metric("sidegate_sampling_service_requests_total", call="targets", result="answered"), "it is told")
    assert there.told[-1]["RequestCount"] == 1


def test_another_sampler_asks_nobody(sampled, sidegate, backend, service, tmp_path):
    there = service([record("all", 1)])
    s = sampled(sampling=f'endpoint: "{there.url}"')
    holds(s, "service", 2)
    s.write(f"traces: {{ exporter: xray, xray: {{ path: {tmp_path}/segments }} }}\n")
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.metric("sidegate_sampling_rules") is None, "the rules are gone")
    ask_traced(s)
    assert s.metric("sidegate_sampling_decisions_total") is None
