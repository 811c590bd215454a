# SPDX-License-Identifier: Apache-2.0
"""Who gets exports: several receivers beside each other, their fields and certificates, and what is told of these."""
import json
import ssl

import pytest
from certificates import Authority
from harness import always_ok, field, free_port, run, wait_until
from otlp import Collector


@pytest.fixture
def collector():
    made = []

    def make(*args, **kwargs):
        made.append(Collector(*args, **kwargs))
        return made[-1]
    yield make
    for one in made:
        one.close()


def accounts(s):
    """The account of each channel, by receiver and signal; each adds up."""
    found = {}
    for one in json.loads(s.status("/api/v1/drops", s.admin_port)[1])["destinations"]:
        assert one["produced"] == one["sent"] + one["waiting"] + sum(one["dropped"].values()), one
        found[one["destination"], one["signal"]] = one
    return found


def reload(s, config):
    s.write(config)
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200


def roots(collector):
    return [span for span in list(collector.spans) if span.kind == "server"]


def test_each_receiver_gets_every_trace_and_one_that_is_away_keeps_nobody_waiting(sidegate, backend, collector, tmp_path):
    near, port = collector(), free_port()
    s = sidegate(backend().url, config=(
        f"process: {{ threads: 1, state_dir: {tmp_path}/state }}\n"
        f'otlp: [{{ name: near, endpoint: "{near.url}", spool: {{ path: off }} }},\n'
        f'       {{ name: far, endpoint: "http://127.0.0.1:{port}" }}]\n'))
    for _ in range(5):
        s.ask()
    wait_until(lambda: len(roots(near)) == 5, "the near one has all")
    wait_until(lambda: (accounts(s)["far", "traces"]["spool"] or {}).get("records") == 5, "what is for the far one is on disk")
    assert accounts(s)["far", "traces"]["spool"]["path"] == f"{tmp_path}/state/spool-far"
    assert accounts(s)["near", "traces"]["spool"] is None
    far = collector(address=port)
    wait_until(lambda: accounts(s)["far", "traces"]["waiting"] == 0, "all have left", 40)
    assert {span.trace_id for span in roots(far)} == {span.trace_id for span in roots(near)}
    assert s.metric("sidegate_export_sent_total", destination="far", signal="traces") == accounts(s)["far", "traces"]["sent"]


def test_a_receiver_takes_the_signals_and_the_address_that_it_names(sidegate, backend, collector):
    first, second = collector(), collector()
    s = sidegate(backend().url, config=(
        f'otlp: [{{ name: a, endpoint: "{first.url}", signals: [metrics] }},\n'
        f'       {{ name: b, url: "{second.url}/v1/traces", signals: traces }}]\n'))
    s.ask()
    wait_until(lambda: roots(second), "the span")
    assert first.batches == 0
    assert ("a", "traces") not in accounts(s)


def test_fields_go_with_each_request_and_their_values_are_told_nowhere(sidegate, backend, collector, tmp_path):
    def answer(batch):  # a receiver that repeats what it was sent
        body = b"\x08\x10\x12\x15Bearer b1-s3cret-here"
        return b"HTTP/1.1 401 No\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    there = collector(lambda batch: Collector.OK if batch == 1 else answer(batch))
    (tmp_path / "fields").write_text("# of the collector\nAuthorization: Bearer b1-s3cret-here\n")
    (tmp_path / "fields").chmod(0o600)
    s = sidegate(backend().url, config=(
        f'otlp: {{ endpoint: "{there.url}", headers: {{ x-tenant: "t3nant-s3cret" }}, headers_file: {tmp_path}/fields }}\n'))
    s.ask()
    wait_until(lambda: roots(there), "the span")
    assert field(there.heads[0], "authorization") == "Bearer b1-s3cret-here"
    assert field(there.heads[0], "x-tenant") == "t3nant-s3cret"
    s.ask()
    wait_until(lambda: accounts(s)["otlp", "traces"]["dropped"]["rejected"] > 0, "it is refused")
    assert "refuses spans with status: 401" in s.errors()
    status, printed, _ = run("config", "print", "-c", str(s.config))
    assert status == 0 and 'headers: {x-tenant: "********"}' in printed
    places = {"print": printed, "errors": s.errors(), "access": s.log.read_text(), "metrics": s.status("/metrics")[1]}
    places |= {page: s.status(f"/api/v1/{page}", s.admin_port)[1] for page in ("status", "config", "drops")}
    assert [(name, text) for name, text in places.items() if "s3cret" in text] == []


def test_a_reload_takes_what_a_file_of_fields_says_now(sidegate, backend, collector, tmp_path):
    there = collector()
    config = f'otlp: {{ endpoint: "{there.url}", headers_file: {tmp_path}/fields }}\n'
    (tmp_path / "fields").write_text("X-Key: one\n")
    (tmp_path / "fields").chmod(0o600)
    s = sidegate(backend().url, config=config)
    s.ask()
    wait_until(lambda: len(roots(there)) == 1, "the span")
    (tmp_path / "fields").write_text("X-Key: two\n")
    reload(s, config)
    s.ask()
    wait_until(lambda: len(roots(there)) == 2, "the next span")
    assert [field(head, "x-key") for head in there.heads] == ["one", "two"]


@pytest.mark.parametrize("text,mode,said", [
    ("Authorization Bearer s3cret\n", 0o600, "expected lines like"),
    ("Content-Type: s3cret\n", 0o600, "the exporter says this field itself"),
    ("# nothing\n", 0o600, "there is no field in it"),
    ("X-Key: s3cret\n", 0o644, "may read it"),
])
def test_a_file_of_fields_that_is_none_is_refused_without_being_quoted(tmp_path, text, mode, said):
    (tmp_path / "fields").write_text(text)
    (tmp_path / "fields").chmod(mode)
    (tmp_path / "a.yaml").write_text('version: 1\nlisteners: [{ address: 127.0.0.1:8080 }]\n'
                                     'upstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n'
                                     'otlp: { endpoint: "http://127.0.0.1:9", headers_file: fields }\n')
    status, out, err = run("check", "-c", str(tmp_path / "a.yaml"))
    assert status == 3 and "a.yaml:4:55: otlp.headers_file: " in out + err and said in out + err, out + err
    assert "s3cret" not in out + err


def secure(collector, authority, clients=False):
    """A collector over TLS, and the certificates that it saw."""
    context, seen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(authority.folder / "there.crt", authority.folder / "there.key")
    if clients:
        context.load_verify_locations(str(authority.file))
        context.verify_mode = ssl.CERT_REQUIRED
    made = collector()
    plain = made.collect

    def collect(wire):
        wire.sock = context.wrap_socket(wire.sock, server_side=True)
        seen.append(wire.sock.getpeercert())
        plain(wire)
    made.script = collect
    return made, made.url.replace("http://", "https://"), seen


def test_a_receiver_over_tls_is_verified_and_shown_our_certificate(sidegate, backend, collector, tmp_path):
    authority = Authority(tmp_path)
    authority.issue("there", ["IP:127.0.0.1"])
    authority.issue("us", usage="clientAuth")
    there, url, seen = secure(collector, authority, clients=True)
    s = sidegate(backend(always_ok).url, config=f'otlp: {{ endpoint: "{url}", ca_file: ca.crt, cert_file: us.crt, key_file: us.key }}\n')
    s.ask()
    wait_until(lambda: roots(there), "the span")
    assert ((("commonName", "us"),),) == seen[0]["subject"]


def test_a_receiver_that_nobody_vouches_for_gets_nothing(sidegate, backend, collector, tmp_path):
    authority = Authority(tmp_path)
    authority.issue("there", ["IP:127.0.0.1"])
    there, url, _ = secure(collector, authority)
    s = sidegate(backend(always_ok).url, config=f'otlp: {{ endpoint: "{url}" }}\n')
    s.ask()
    wait_until(lambda: "cannot be reached" in s.errors(), "that it is said")
    assert there.spans == [] and accounts(s)["otlp", "traces"]["waiting"] > 0


def test_the_environment_alone_says_where_spans_go_and_who_makes_them(sidegate, backend, collector):
    there = collector()
    s = sidegate(backend().url, environment={
        "OTEL_EXPORTER_OTLP_ENDPOINT": there.url + "/", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b", "OTEL_SERVICE_NAME": "orders",
        "OTEL_RESOURCE_ATTRIBUTES": "team=shop,host.name=by%20hand", "KUBERNETES_SERVICE_HOST": "10.0.0.1", "POD_NAME": "orders-1"})
    s.ask()
    resource = wait_until(lambda: roots(there), "the span")[0].resource
    assert field(there.heads[0], "x-key") == "a b"
    assert (resource["service.name"], resource["team"], resource["host.name"]) == ("orders", "shop", "by hand")
    assert (resource["k8s.pod.name"], resource["os.type"]) == ("orders-1", "linux")
    assert resource["process.executable.name"] == "sidegate"


def test_the_environment_says_how_much_of_a_request_goes_out_at_once_and_how_little_each_span_may_say(sidegate, backend, collector):
    there, app = collector(), backend()
    s = sidegate(app.url, environment={
        "OTEL_EXPORTER_OTLP_ENDPOINT": there.url, "OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4", "OTEL_BSP_EXPORT_TIMEOUT": "1",
        "OTEL_TRACE_SAMPLER": "always_off"})
    assert "OTEL_BSP_EXPORT_TIMEOUT: warning: has no effect here: spans are tried until they are taken" in s.errors()
    assert "OTEL_TRACE_SAMPLER: warning: there is no variable of this name (did you mean 'OTEL_TRACES_SAMPLER'?)" in s.errors()
    for i in range(3):
        s.ask(target=f"/long/path/{i}")
    wait_until(lambda: len(roots(there)) == 3, "each request's spans, at once")  # one fills a batch: no minute is waited
    assert there.batches == 3
    for root in roots(there):
        assert len(root.tags) == 3 and all(len(value) <= 4 for value in root.tags.values() if isinstance(value, str))
