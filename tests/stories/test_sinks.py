# SPDX-License-Identifier: Apache-2.0
"""Where logs go beside files: syslog, PutLogEvents, Firehose's HTTP endpoint delivery; receivers that are away, refuse, or lie."""
import hashlib
import hmac
import json
import os
import re
import socket
import ssl

import pytest
from certificates import Authority
from harness import field, get, read_request, run, wait_until
from log_receivers import CloudwatchLogs, Firehose, Syslog

AGENT = "User-Agent: sinks\r\n"


@pytest.fixture
def receiver():
    """receiver(Kind, ...) -> a receiver that ends with its story, and says what it could not read."""
    made = []

    def make(kind, *args, **kwargs):
        made.append(kind(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ask_many(s, numbers, at_once=50):
    """GET /n/NUMBER of each, over one connection; all are answered when it returns."""
    client = s.client()
    numbers = list(numbers)
    for at in range(0, len(numbers), at_once):
        part = numbers[at:at + at_once]
        client.send("".join(get(f"/n/{n}", AGENT) for n in part))
        for _ in part:
            assert client.answer().status == 200
    client.close()


def numbers_of(lines):
    return [int(json.loads(line)["path"].rsplit("/", 1)[1]) for line in lines]


def account(s, destination):
    """The account of a destination: (produced, sent, {reason: dropped}, waiting, resent)."""
    for row in json.loads(s.status("/api/v1/drops", s.admin_port)[1])["destinations"]:
        if row["destination"] == destination:
            dropped = {k: v for k, v in row["dropped"].items() if v}
            assert row["produced"] == row["sent"] + sum(dropped.values()) + row["waiting"], row
            return row["produced"], row["sent"], dropped, row["waiting"], row["resent"]
    return None


def spool(s, destination):
    """What lies on disk for a destination; None: it has no spool."""
    rows = json.loads(s.status("/api/v1/drops", s.admin_port)[1])["destinations"]
    return next(row["spool"] for row in rows if row["destination"] == destination)


def all_is_sent(s, destination, count):
    wait_until(lambda: (account(s, destination) or (0, 0))[1] == count, f"{destination} has sent {count}", 60)
    produced, sent, dropped, waiting, resent = account(s, destination)
    assert (produced, sent, dropped, waiting) == (count, count, {}, 0)
    return resent


# ---- acceptance: away, and back ----

def test_receivers_that_are_away_get_every_line(sidegate, backend, receiver):
    syslog, firehose, cloud = receiver(Syslog, "tcp"), receiver(Firehose), receiver(CloudwatchLogs, "g", ["s"])
    s = sidegate(backend().url, "access_log:\n  path: off\n"
                 f'  syslog: {{ address: "{syslog.address}" }}\n  firehose: {{ url: "{firehose.url}" }}\n'
                 f'  cloudwatch_logs: {{ endpoint: "{cloud.url}", log_group_name: g, log_stream_name: s }}\n')
    ask_many(s, range(2000))
    for one in (syslog, firehose, cloud):
        one.go_away()
    ask_many(s, range(2000, 6000))
    assert account(s, "access_log.firehose")[3] >= 3500 and account(s, "access_log.syslog")[3] >= 3500
    for one in (syslog, firehose, cloud):
        one.open()
    ask_many(s, range(6000, 7000))
    for name in ("syslog", "firehose", "cloudwatch_logs"):
        all_is_sent(s, f"access_log.{name}", 7000)
    wait_until(lambda: len(set(numbers_of(syslog.texts()))) == 7000, "the last ones are read")
    assert set(numbers_of(syslog.texts())) == set(numbers_of(firehose.lines)) == set(numbers_of(cloud.streams["s"])) == set(range(7000))
    assert len(syslog.messages) - 7000 <= account(s, "access_log.syslog")[4]
    assert len(firehose.lines) - 7000 <= account(s, "access_log.firehose")[4]
    assert s.metric("sidegate_export_sent_total", destination="access_log.firehose", signal="logs") == 7000


def test_a_receiver_that_is_killed_with_lines_unread_gets_them_again(sidegate, backend, receiver):
    """A connection that is reset has cost what was acknowledged and not read: that goes out again."""
    syslog = receiver(Syslog, "tcp")
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    syslog.go_away()
    deaf.bind(("127.0.0.1", syslog.port))
    deaf.listen()
    s = sidegate(backend().url, f'access_log: {{ path: off, syslog: {{ address: "{syslog.address}" }} }}\n')
    ask_many(s, range(100))
    taken, _ = deaf.accept()
    all_is_sent(s, "access_log.syslog", 100)  # as far as anybody can tell
    deaf.close()
    taken.close()  # with all of it unread: a reset
    syslog.open()
    ask_many(s, range(100, 110))
    wait_until(lambda: len(set(numbers_of(syslog.texts()))) == 110, "every line")
    assert account(s, "access_log.syslog")[4] >= 100


def test_what_there_is_no_room_for_is_the_oldest_and_counted(sidegate, backend, receiver):
    firehose = receiver(Firehose)
    firehose.go_away()
    line = '{"id": "$context.requestId", "path": "$context.path", "pad": "' + "x" * 2900 + '"}'
    s = sidegate(backend().url, f"access_log:\n  path: off\n  buffer: 8MiB\n  format: '{line}'\n  firehose: {{ url: \"{firehose.url}\" }}\n")
    ask_many(s, range(3600))
    wait_until(lambda: account(s, "access_log.firehose")[0] == 3600, "all have come that far")
    dropped, waiting = account(s, "access_log.firehose")[2:4]
    assert dropped["queue_full"] > 200 and waiting > 2000
    firehose.open()
    wait_until(lambda: account(s, "access_log.firehose")[3] == 0, "the rest is sent", 60)
    numbers = numbers_of(firehose.lines)
    missing = sorted(set(range(3600)) - set(numbers))  # behind the batch that was in hand all the time
    assert len(numbers) == waiting and numbers == sorted(numbers) and numbers[-1] == 3599
    assert missing[-1] - missing[0] < len(missing) + dropped.get("ring_full", 0)


def test_at_the_end_what_cannot_be_delivered_is_given_up_and_said(sidegate, backend, receiver):
    syslog = receiver(Syslog, "tcp")
    syslog.go_away()
    s = sidegate(backend().url, f'access_log: {{ path: off, syslog: {{ address: "{syslog.address}" }} }}\ntimeouts: {{ drain_delay: 0, drain: 1s }}\n')
    ask_many(s, range(20))
    assert s.stop() == 0
    assert "access_log.syslog: 20 lines given up at the end" in s.errors()


def test_at_the_end_everything_is_delivered(sidegate, backend, receiver):
    firehose, syslog = receiver(Firehose), receiver(Syslog, "tcp")
    s = sidegate(backend().url, f'access_log: {{ path: off, firehose: {{ url: "{firehose.url}" }}, syslog: {{ address: "{syslog.address}" }} }}\n')
    ask_many(s, range(777))
    assert s.stop() == 0
    assert numbers_of(firehose.lines) == list(range(777))
    wait_until(lambda: numbers_of(syslog.texts()) == list(range(777)), "they are read")


# ---- kills ----

def test_what_a_kill_costs_a_receiver_without_a_spool_is_counted(sidegate, backend, receiver):
    firehose = receiver(Firehose)
    firehose.go_away()
    s = sidegate(backend().url, f'access_log: {{ path: off, firehose: {{ url: "{firehose.url}" }} }}\n')
    ask_many(s, range(70))
    wait_until(lambda: account(s, "access_log.firehose")[3] == 70, "they wait")
    wait_until(lambda: s.metric("sidegate_export_queue_records", destination="access_log.firehose", signal="logs") == 70, "and rounds go by")
    ask_many(s, range(70, 71))
    wait_until(lambda: account(s, "access_log.firehose")[3] == 71, "the last round has seen them")
    s.kill_child()
    firehose.open()
    ask_many(s, range(80, 90))
    wait_until(lambda: account(s, "access_log.firehose")[1] == 10, "what is new is sent")
    produced, sent, dropped, waiting, _ = account(s, "access_log.firehose")
    assert (produced, sent, waiting) == (81, 10, 0) and dropped == {"crash": 71}


def after_a_kill(s, firehose):
    """Without a spool: 30 lines were sent, 20 waited for a receiver that had gone when the child was killed."""
    ask_many(s, range(30))
    wait_until(lambda: account(s, "access_log.firehose")[1] == 30, "they are sent")
    firehose.go_away()
    ask_many(s, range(30, 50))
    wait_until(lambda: account(s, "access_log.firehose")[3] == 20, "they wait")
    s.kill_child()
    assert account(s, "access_log.firehose")[:4] == (50, 30, {"crash": 20}, 0)


def test_the_account_of_a_receiver_without_a_spool_goes_on_over_kills(sidegate, backend, receiver):
    """What was sent before stays in it, what waited is lost and counted; a kill while nothing waits changes nothing."""
    firehose = receiver(Firehose)
    s = sidegate(backend().url, f'access_log: {{ path: off, firehose: {{ url: "{firehose.url}" }} }}\n')
    after_a_kill(s, firehose)
    firehose.open()
    ask_many(s, range(50, 60))
    wait_until(lambda: account(s, "access_log.firehose")[1] == 40, "what is new is sent")
    s.kill_child()
    assert account(s, "access_log.firehose")[:4] == (60, 40, {"crash": 20}, 0)
    assert numbers_of(firehose.lines) == [*range(30), *range(50, 60)]


def test_the_account_of_a_receiver_goes_into_the_spool_that_a_reload_adds(sidegate, backend, receiver, tmp_path):
    """What an earlier process had sent, and what its kill cost, stands in the spool's account, and goes on with it over kills."""
    firehose = receiver(Firehose)
    log = f'access_log: {{{{ path: off{{}}, firehose: {{{{ url: "{firehose.url}" }}}} }}}}\n'
    s = sidegate(backend().url, log.format(""))
    after_a_kill(s, firehose)
    s.write(log.format(f", spool: {{ path: {tmp_path}/lines }}"))
    s.signal(1)
    wait_until(lambda: spool(s, "access_log.firehose"), "the reload")
    ask_many(s, range(50, 60))
    wait_until(lambda: spool(s, "access_log.firehose")["waiting"] == 10, "they are on the disk")
    assert account(s, "access_log.firehose")[:4] == (60, 30, {"crash": 20}, 10)

    def goes_on():
        produced, sent, dropped, waiting, _ = account(s, "access_log.firehose")
        return waiting >= 10 and (produced - waiting, sent, dropped) == (50, 30, {"crash": 20})  # the ring may have had some of the ten too
    for _ in range(2):
        s.kill_child()
        wait_until(goes_on, "the account goes on")
    firehose.open()
    wait_until(lambda: account(s, "access_log.firehose")[3] == 0, "all is sent")
    produced, sent, dropped, _, _ = account(s, "access_log.firehose")
    assert sent == produced - 20 >= 40 and dropped == {"crash": 20}
    assert set(numbers_of(firehose.lines)) == {*range(30), *range(50, 60)}


def test_lines_in_a_spool_outlive_the_process_and_receivers_that_go_by_reload(sidegate, backend, receiver, tmp_path):
    """The receiver is taken out of the settings and put in again; then Sidegate ends while it is away."""
    firehose = receiver(Firehose)
    firehose.go_away()
    log = f'access_log: {{ path: off, spool: {{ path: {tmp_path}/lines }}, firehose: {{ url: "{firehose.url}" }} }}\n'
    s = sidegate(backend().url, log)
    ask_many(s, range(100))
    spooled = f"{tmp_path}/lines.firehose"
    wait_until(lambda: spool(s, "access_log.firehose")["waiting"] == 100, "they are on the disk")
    assert spool(s, "access_log.firehose")["path"] == spooled and os.stat(spooled).st_mode & 0o777 == 0o700
    s.write("")
    s.signal(1)
    wait_until(lambda: s.metric("sidegate_config_snapshot") == 2, "the first reload")
    assert account(s, "access_log.firehose")[3] == 0 and spool(s, "access_log.firehose") is None
    s.write(log)
    s.signal(1)
    wait_until(lambda: account(s, "access_log.firehose")[3] == 100, "they wait again")
    assert s.stop() == 0
    assert "access_log.firehose: 100 lines wait in the spool for the next start" in s.errors()
    firehose.open()
    s = sidegate(backend().url, log)
    wait_until(lambda: account(s, "access_log.firehose")[1] == 100, "all are sent")
    assert sorted(numbers_of(firehose.lines)) == list(range(100))


def test_an_entry_that_a_spool_cannot_hold_is_refused_and_counted(sidegate, backend, receiver, tmp_path):
    """An audited transaction with bodies of bytes that take six each in JSON."""
    firehose = receiver(Firehose)
    (tmp_path / "own.conf").write_text("SecRuleEngine On\nSecRequestBodyAccess On\nSecAuditLogParts ABCHZ\nSecAction \"id:1,phase:2,pass,nolog\"\n")
    s = sidegate(backend().url, f"rules: {{ files: [{tmp_path}/own.conf], request_body: {{ inspect: 1MiB }} }}\naudit_log:\n  when: always\n  path: off\n"
                 f'  spool: {{ path: {tmp_path}/audit }}\n  firehose: {{ url: "{firehose.url}" }}\n')
    assert s.ask("POST", "/", [("Content-Type", "text/plain")], b"\x01" * (128 << 10)).status == 200
    assert s.ask("POST", "/", [("Content-Type", "application/x-www-form-urlencoded")], b"a=b").status == 200
    wait_until(lambda: (account(s, "audit_log.firehose") or [0])[0] == 2 and account(s, "audit_log.firehose")[3] == 0, "both are settled")
    assert account(s, "audit_log.firehose")[:3] == (2, 1, {"rejected": 1}) and len(firehose.lines) == 1


# ---- syslog ----

@pytest.mark.parametrize("way", ["udp", "tcp", "unix", "unix-stream"])
def test_syslog_messages_are_as_rfc_5424_has_them(sidegate, backend, receiver, tmp_path, way):
    syslog = receiver(Syslog, way, tmp_path)
    s = sidegate(backend().url, f'access_log: {{ path: {tmp_path}/access.log, syslog: {{ address: "{syslog.address}", facility: local3, app_name: shop }} }}\n'
                 "traces: { always: none }\n")
    ask_many(s, range(30))
    wait_until(lambda: len(syslog.messages) == 30, "30 messages")
    lines = s.lines(30)
    for message, line in zip(syslog.messages, lines):
        assert json.loads(message.text) == line
        assert (message.facility, message.severity, message.app, message.kind) == (19, 6, "shop", "access_log")
        assert message.host == socket.gethostname() and message.process == str(s.child())
        assert message.parameters == {"request_id": line["request_id"], "trace_id": line["trace_id"], "span_id": line["span_id"]}
        assert message.data.startswith("[sidegate@32473 ")
        assert message.time >= line["time"]
    all_is_sent(s, "access_log.syslog", 30)


def test_severities_follow_the_outcome(sidegate, receiver, tmp_path):
    access, rules = receiver(Syslog, "tcp"), receiver(Syslog, "tcp")
    (tmp_path / "own.conf").write_text('SecRule ARGS "@contains attack" "id:1,phase:1,deny,log"\n')
    s = sidegate("http://127.0.0.1:9", f'access_log: {{ path: off, syslog: {{ address: "{access.address}" }} }}\n'
                 f'rules: {{ files: [{tmp_path}/own.conf], log: {{ syslog: {{ address: "{rules.address}", severity: alert, facility: auth }} }} }}\n')
    assert s.ask(target="/?q=attack").status == 403
    assert s.ask(target="/").status in (502, 503)
    wait_until(lambda: len(access.messages) == 2 and len(rules.messages) == 1, "all messages")
    assert [m.severity for m in access.messages] == [4, 3]
    assert (rules.messages[0].facility, rules.messages[0].severity, rules.messages[0].kind) == (4, 1, "rule_log")
    assert '[id "1"]' in rules.messages[0].text


def test_a_udp_port_that_is_closed_is_tried_again(sidegate, backend, receiver):
    syslog = receiver(Syslog, "udp")
    syslog.go_away()
    s = sidegate(backend().url, f'access_log: {{ path: off, syslog: {{ address: "{syslog.address}" }} }}\n')
    ask_many(s, range(20))
    wait_until(lambda: "access_log.syslog: 127.0.0.1: Connection refused; trying again" in s.errors(), "it is said")
    syslog.open()
    wait_until(lambda: set(numbers_of(syslog.texts())) == set(range(20)), "every line")


def context_of(folder, certificate, key, ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if ca:
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_syslog_over_tls_is_verified_both_ways(sidegate, backend, receiver, tmp_path):
    authority = Authority(tmp_path)
    server = authority.issue("server", ["IP:127.0.0.1"])
    own, key = authority.issue("own", usage="clientAuth")
    syslog = receiver(Syslog, "tls", context=context_of(tmp_path, *server, authority.file))
    s = sidegate(backend().url, "access_log:\n  path: off\n"
                 f'  syslog: {{ address: "{syslog.address}", ca_file: {authority.file}, cert_file: {own}, key_file: {key} }}\n')
    ask_many(s, range(500))
    all_is_sent(s, "access_log.syslog", 500)
    wait_until(lambda: numbers_of(syslog.texts()) == list(range(500)), "500 messages")


def test_a_syslog_server_with_another_certificate_gets_nothing(sidegate, backend, receiver, tmp_path):
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    syslog = receiver(Syslog, "tls", context=context_of(tmp_path, *other.issue("server", ["IP:127.0.0.1"])))
    s = sidegate(backend().url, f'access_log: {{ path: off, syslog: {{ address: "{syslog.address}", ca_file: {authority.file} }} }}\n')
    ask_many(s, range(5))
    wait_until(lambda: "access_log.syslog: SSL certificate problem" in s.errors(), "it is said")
    assert account(s, "access_log.syslog")[3] == 5
    wait_until(lambda: syslog.errors, "the server has seen the handshake fail")
    assert not syslog.messages
    syslog.errors.clear()


# ---- HTTP endpoints ----

def test_firehose_carries_the_key_and_no_log_does(sidegate, backend, receiver, tmp_path):
    firehose = receiver(Firehose, "k3y-of-firehose")
    key = tmp_path / "key"
    key.write_text("k3y-of-firehose\n")
    key.chmod(0o600)
    s = sidegate(backend().url, "access_log:\n"
                 f'  path: {tmp_path}/access.log\n  firehose: {{ url: "{firehose.url}/deliver?x=1", access_key_file: {key}, compression: gzip }}\n')
    ask_many(s, range(1200))
    all_is_sent(s, "access_log.firehose", 1200)
    assert numbers_of(firehose.lines) == list(range(1200)) and len(set(firehose.ids)) == len(firehose.ids)
    printed = run("config", "print", "-c", str(s.config))[1]
    everything = printed + s.errors() + s.status("/metrics")[1] + s.status("/api/v1/config", s.admin_port)[1] + s.log.read_text()
    assert str(key) in printed and "k3y-of-firehose" not in everything


def test_firehose_gives_up_on_answers_that_are_not_its_own(sidegate, backend, receiver):
    firehose = receiver(Firehose, answer=lambda fields, body: (200, {"requestId": "another", "timestamp": body["timestamp"]}))
    s = sidegate(backend().url, f'access_log: {{ path: off, firehose: {{ url: "{firehose.url}" }} }}\n')
    ask_many(s, range(3))
    wait_until(lambda: account(s, "access_log.firehose")[2] == {"rejected": 3}, "the batch is given up")
    assert account(s, "access_log.firehose") == (3, 0, {"rejected": 3}, 0, 12)  # sent five times
    firehose.answer_by = None
    ask_many(s, range(3, 6))
    wait_until(lambda: account(s, "access_log.firehose")[1] == 3, "the next one is taken")
    assert numbers_of(firehose.lines) == [3, 4, 5]


def test_https_receivers_are_verified(sidegate, backend, receiver, tmp_path):
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    good, bad = receiver(Firehose), receiver(Firehose)
    fronts = []
    for name, signer, behind in (("good", authority, good), ("bad", other, bad)):
        context = context_of(tmp_path, *signer.issue(name, ["IP:127.0.0.1"]))
        fronts.append(Syslog("tls", context=context))  # its port alone: what comes is handed on
        fronts[-1].stream = lambda wire, behind=behind: behind.backend.serve(wire)
    s = sidegate(backend().url, "access_log:\n  path: off\n"
                 f"  firehose: {{ url: \"https://127.0.0.1:{fronts[0].port}\", ca_file: {authority.file} }}\n"
                 f"audit_log:\n  when: always\n  firehose: {{ url: \"https://127.0.0.1:{fronts[1].port}\", ca_file: {authority.file} }}\n")
    ask_many(s, range(20))
    all_is_sent(s, "access_log.firehose", 20)
    wait_until(lambda: "audit_log.firehose: SSL certificate problem" in s.errors(), "it is said")
    assert numbers_of(good.lines) == list(range(20)) and not bad.lines
    assert account(s, "audit_log.firehose")[3] == 20
    fronts[1].errors.clear()
    for front in fronts:
        front.close()


def test_requests_to_cloudwatch_are_signed(sidegate, backend, receiver, tmp_path):
    """Signature Version 4 as it is written down: computed anew from what came."""
    heard = []

    def answer(fields, body):
        heard.append(fields)
        return 200, {}

    cloud = receiver(CloudwatchLogs, "g", answer=answer)
    bodies = []
    cloud.backend.script = lambda wire: signed_requests(wire, heard, bodies)
    key = tmp_path / "secret"
    key.write_text("s3cret-of-aws\n")
    key.chmod(0o600)
    s = sidegate(backend().url, "access_log:\n  path: off\n"
                 f"  cloudwatch_logs: {{ endpoint: \"{cloud.url}\", log_group_name: g, region: eu-central-1, access_key_id: AKIDEXAMPLE, secret_access_key_file: {key} }}\n")
    ask_many(s, range(3))
    all_is_sent(s, "access_log.cloudwatch_logs", 3)
    fields, body = heard[0], bodies[0]
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/(\d{8})/eu-central-1/logs/aws4_request, ?"
                         r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})", field(fields, "authorization"))
    assert match, field(fields, "authorization")
    day, names, signature = match.groups()
    time = field(fields, "x-amz-date")
    assert time.startswith(day) and {"host", "x-amz-date"} <= set(names.split(";"))
    canonical = "\n".join(["POST", "/", "", *[f"{name}:{field(fields, name)}" for name in names.split(";")], "", names, hashlib.sha256(body).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", time, f"{day}/eu-central-1/logs/aws4_request", hashlib.sha256(canonical.encode()).hexdigest()])
    secret = b"AWS4s3cret-of-aws"
    for part in (day, "eu-central-1", "logs", "aws4_request", text):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    assert secret.hex() == signature, (canonical, fields)
    assert "s3cret-of-aws" not in s.errors() + s.status("/metrics")[1] + s.status("/api/v1/config", s.admin_port)[1]


def signed_requests(wire, heard, bodies):
    while True:
        _, fields, body = read_request(wire)
        heard.append(fields)
        bodies.append(body)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def test_a_wrong_key_is_said_and_lines_wait_for_the_right_one(sidegate, backend, receiver, tmp_path):
    firehose = receiver(Firehose, "right")
    key = tmp_path / "key"
    key.write_text("wrong")
    key.chmod(0o600)
    s = sidegate(backend().url, f'access_log: {{ path: off, firehose: {{ url: "{firehose.url}", access_key_file: {key} }} }}\n')
    ask_many(s, range(10))
    wait_until(lambda: "access_log.firehose: the receiver answers 401; trying again" in s.errors(), "it is said")
    key.write_text("right")
    s.signal(1)
    all_is_sent(s, "access_log.firehose", 10)
    assert numbers_of(firehose.lines) == list(range(10))
    wait_until(lambda: "access_log.firehose: goes on" in s.errors(), "that is said too")


def test_only_the_answer_to_the_request_counts(sidegate, backend, receiver):
    tries = []

    def answer(fields, body):
        tries.append(body["requestId"])
        if len(tries) == 1:
            return 200, {"requestId": "00000000-0000-4000-8000-000000000000", "timestamp": 1}
        if len(tries) == 2:
            return 500, {"requestId": body["requestId"], "timestamp": 1, "errorMessage": "not now"}
        if len(tries) == 3 and len(body["records"]) > 1:
            return 413, {}
        firehose.take(body)
        return 200, {"requestId": body["requestId"], "timestamp": 1}

    firehose = receiver(Firehose, answer=answer)
    s = sidegate(backend().url, f'access_log: {{ path: off, firehose: {{ url: "{firehose.url}" }} }}\n')
    ask_many(s, range(40))
    all_is_sent(s, "access_log.firehose", 40)
    assert sorted(numbers_of(firehose.lines)) == list(range(40))
    assert len(set(tries[:3])) == 1, "what is tried again keeps its id"


def test_what_a_receiver_refuses_is_counted(sidegate, backend, receiver):
    firehose = receiver(Firehose, answer=lambda fields, body: (400, {"requestId": body["requestId"], "timestamp": 1, "errorMessage": "no"}))
    s = sidegate(backend().url, f'access_log: {{ path: off, firehose: {{ url: "{firehose.url}" }} }}\n')
    ask_many(s, range(7))
    wait_until(lambda: account(s, "access_log.firehose")[2] == {"rejected": 7}, "they are refused")
    wait_until(lambda: "refused: the receiver answers 400" in s.errors(), "it is said")


def test_a_stream_that_does_not_exist_is_made(sidegate, backend, receiver):
    cloud = receiver(CloudwatchLogs, "/sidegate/access")
    s = sidegate(backend().url, f'access_log: {{ path: off, cloudwatch_logs: {{ endpoint: "{cloud.url}", log_group_name: /sidegate/access }} }}\n')
    ask_many(s, range(300))
    all_is_sent(s, "access_log.cloudwatch_logs", 300)
    assert numbers_of(cloud.streams[socket.gethostname()]) == list(range(300))


def test_events_that_are_too_old_or_too_new_are_refused(sidegate, backend, receiver):
    seen = []

    def answer(fields, body):
        seen.append(len(body["logEvents"]))
        return 200, {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": len(body["logEvents"]) - 1}}

    cloud = receiver(CloudwatchLogs, "g", answer=answer)
    s = sidegate(backend().url, f'access_log: {{ path: off, cloudwatch_logs: {{ endpoint: "{cloud.url}", log_group_name: g }} }}\n')
    ask_many(s, range(50))
    wait_until(lambda: sum(seen) == 50 and account(s, "access_log.cloudwatch_logs")[3] == 0, "all are settled")
    assert account(s, "access_log.cloudwatch_logs")[2] == {"rejected": 3 * len(seen)}


def test_an_audit_record_goes_to_every_receiver(sidegate, backend, receiver, tmp_path):
    firehose, cloud, syslog = receiver(Firehose), receiver(CloudwatchLogs, "audit", ["s"]), receiver(Syslog, "tcp")
    s = sidegate(backend().url, "audit_log:\n  when: always\n  path: off\n"
                 f'  firehose: {{ url: "{firehose.url}" }}\n  syslog: {{ address: "{syslog.address}" }}\n'
                 f'  cloudwatch_logs: {{ endpoint: "{cloud.url}", log_group_name: audit, log_stream_name: s }}\n')
    assert s.ask("POST", "/in", [("Content-Type", "application/x-www-form-urlencoded")], b"a=" + b"b" * 3000).status == 200
    for name in ("syslog", "firehose", "cloudwatch_logs"):
        all_is_sent(s, f"audit_log.{name}", 1)
    wait_until(lambda: syslog.messages, "it is read")
    assert firehose.lines == cloud.streams["s"] == syslog.texts()
    assert json.loads(firehose.lines[0])["transaction"]["request"]["method"] == "POST"


def test_a_receiver_comes_moves_and_goes_by_reload(sidegate, backend, receiver):
    first, second = receiver(Firehose), receiver(Firehose)
    s = sidegate(backend().url)
    assert account(s, "access_log.firehose") is None
    s.write(f'access_log: {{ path: {s.log}, firehose: {{ url: "{first.url}" }} }}')
    s.signal(1)
    wait_until(lambda: account(s, "access_log.firehose"), "it is there")
    ask_many(s, range(50))
    all_is_sent(s, "access_log.firehose", 50)
    s.write(f'access_log: {{ path: {s.log}, firehose: {{ url: "{second.url}" }} }}')
    s.signal(1)
    wait_until(lambda: s.metric("sidegate_config_snapshot") == 3, "the second reload")
    ask_many(s, range(50, 100))
    all_is_sent(s, "access_log.firehose", 100)
    assert numbers_of(first.lines) == list(range(50)) and numbers_of(second.lines) == list(range(50, 100))


# ---- settings ----

def test_printed_settings_are_read_again(tmp_path):
    (tmp_path / "a.yaml").write_text(
        'version: 1\nlisteners: [{ address: "127.0.0.1:0" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n'
        "access_log: { path: off, buffer: 9MiB, syslog: { address: 'tls://[::1]:6514', facility: daemon, severity: notice } }\n")
    printed = run("config", "print", "-c", str(tmp_path / "a.yaml"))[1]
    assert 'address: "tls://[::1]:6514"' in printed and "facility: daemon" in printed and "buffer: 9MiB" in printed
    (tmp_path / "b.yaml").write_text(printed)
    assert run("config", "print", "-c", str(tmp_path / "b.yaml"))[1] == printed


@pytest.mark.parametrize("text, fault", [
    ("access_log: { syslog: { adress: udp://a:1 } }", "unknown key 'adress' in access_log.syslog (did you mean 'address'?)"),
    ("access_log: { syslog: { address: udp:/a } }", "expected udp://host:514, tcp://host:601, tls://host:6514 or unix:/path"),
    ("access_log: { syslog: { address: 'tcp://host:70000' } }", "expected udp://host:514"),
    ("access_log: { syslog: { facility: local8 } }", "local0"),
    ("access_log: { syslog: { address: udp://a, severity: warn } }", "warning"),
    ("access_log: { syslog: { severity: info } }", "access_log.syslog: there is no receiver"),
    ("access_log: { syslog: { address: 'tcp://a:1', ca_file: ca.crt } }", "access_log.syslog.address: certificates are for TLS alone"),
    ("access_log: { syslog: { address: 'tls://a:1', cert_file: a.crt } }", "cert_file and key_file go together"),
    ("access_log: { firehose: { compression: gzip } }", "access_log.firehose: there is no receiver"),
    ("access_log: { firehose: { url: 'ftp://a/' } }", "http://host/path or https://host/path"),
    ("access_log: { firehose: { url: 'http://a/', access_key_file: /nowhere/at/all } }", "/nowhere/at/all"),
    ("access_log: { firehose: { acces_key_file: abc } }", "did you mean 'access_key_file'?"),
    ("access_log: { cloudwatch_logs: { log_group_name: g } }", "access_log.cloudwatch_logs: there is no receiver"),
    ("access_log: { cloudwatch_logs: { endpoint: 'http://a/' } }", "access_log.cloudwatch_logs: there is no group"),
    ("access_log: { cloudwatch_logs: { endpoint: 'http://a/', log_group_name: 'a b' } }", "at most 512 letters, digits and _ - / . #"),
    ("access_log: { cloudwatch_logs: { endpoint: 'http://a/', log_group_name: g, region: eu-central-1, access_key_id: AKID } }",
     "access_key_id, secret_access_key_file and region go together"),
    ("access_log: { spool: { path: /tmp/lines } }", "access_log.spool.path: there is no receiver"),
    ("rules: { log: { buffer: 1MiB } }", "expected a size with a unit, from 8MiB to 4GiB"),
])
def test_broken_settings_are_refused_where_they_stand(tmp_path, text, fault):
    file = tmp_path / "a.yaml"
    file.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:0" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n' + text + "\n")
    code, out, err = run("check", "-c", str(file))
    assert code == 3 and fault in out + err and f"{file}:4:" in out + err, out + err
