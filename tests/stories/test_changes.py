# SPDX-License-Identifier: Apache-2.0
"""The log of changes that people make: who, when, what, before and after, chained by hashes; and `sidegate changes verify`."""
import fcntl
import hashlib
import json
import os
import pwd
import signal
import threading
import time
import urllib.error
import urllib.request

import pytest
from api_keys import write_keys
from harness import always_ok, run, wait_until
from test_alarm_actions import QUIET
from test_keys import QUOTA
from test_keys import config as keys_config
from test_rotation import small_disk  # noqa: F401 (a fixture)

ME = pwd.getpwuid(os.getuid()).pw_name
SETS = "ip_sets: { abusers: { addresses: [192.0.2.0/28] } }\n"


def changing(sidegate, backend, tmp_path, config=SETS):
    s = sidegate(backend(always_ok).url, f"change_log: {{ path: {tmp_path}/changes.ndjson }}\n{config}")
    s.changes = tmp_path / "changes.ndjson"
    return s


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def verify(path, *more):
    code, said, wrong = run("changes", "verify", *more, str(path))
    return code, said + wrong


def order(s, *words):
    return run(*words, "--admin", f"127.0.0.1:{s.admin_port}")


def rewrite(s, old, new):
    s.config.write_text(s.config.read_text().replace(old, new))


def make(path, count):
    """A log of so many changes, made by a command."""
    keys = path.parent / "keys.yaml"
    for i in range(count):
        assert run("keys", "add", "--file", str(keys), "--name", f"shop {i}", "--id", f"k{i}", "--change-log", str(path))[0] == 0
    return path.read_bytes().splitlines(keepends=True)


def test_a_reload_says_that_secrets_are_others_and_not_which(sidegate, backend, tmp_path):
    s = changing(sidegate, backend, tmp_path, "otlp: { endpoint: \"http://127.0.0.1:9\", headers: { x-key: PLANTED1 } }\n")
    rewrite(s, "PLANTED1", "PLANTED2")
    assert order(s, "reload")[0] == 0
    one, = records(s.changes)
    assert one["before"] == {} and one["after"] == {"(secrets)": "others"} and "PLANTED" not in s.changes.read_text()


def test_a_reload_says_who_asked_and_every_setting_that_changed(sidegate, backend, tmp_path):
    s = changing(sidegate, backend, tmp_path)
    assert s.changes.read_text() == ""
    rewrite(s, "drain_delay: 0", "drain_delay: 0, request: 20s")
    rewrite(s, "192.0.2.0/28", "192.0.2.0/24")
    assert order(s, "reload")[0] == 0
    one, = records(s.changes)
    assert one["event"] == "ReloadConfiguration" and one["sequence"] == 1 and one["previous"] == "0" * 64
    assert one["who"] == {"by": "admin", "address": "127.0.0.1", "token": False, "says": ME}
    assert one["before"] == {"ip_sets.*.addresses": "[192.0.2.0/28]", "timeouts.request": "1m"}
    assert one["after"] == {"ip_sets.*.addresses": "[192.0.2.0/24]", "timeouts.request": "20s"}
    assert abs(one_time(one) - os.stat(s.changes).st_mtime) < 5
    rewrite(s, "request: 20s", "request: 30s")
    s.signal(signal.SIGHUP)
    two = wait_until(lambda: len(records(s.changes)) == 2 and records(s.changes)[1], "the second record")
    assert two["who"]["by"] == "signal" and two["who"]["user"] == ME and two["previous"] == one["hash"]
    assert (two["before"], two["after"]) == ({"timeouts.request": "20s"}, {"timeouts.request": "30s"})


def one_time(record):
    import datetime
    return datetime.datetime.fromisoformat(record["time"].replace("Z", "+00:00")).timestamp()


def test_a_configuration_that_is_refused_is_written_down_with_the_reason(sidegate, backend, tmp_path):
    s = changing(sidegate, backend, tmp_path)
    rewrite(s, "drain_delay: 0", "drain_delay: zero")
    assert order(s, "reload")[0] != 0
    one, = records(s.changes)
    assert one["error"] == "refused" and "drain_delay" in one["message"] and (one["before"], one["after"]) == (None, None)
    rewrite(s, "drain_delay: zero", "drain_delay: 0")
    assert order(s, "reload")[0] == 0
    assert "error" not in records(s.changes)[1] and records(s.changes)[1]["after"] == {}


def test_what_is_put_into_a_list_and_taken_out_says_what_was_there(sidegate, backend, tmp_path):
    s = changing(sidegate, backend, tmp_path)
    assert order(s, "ip-sets", "add", "abusers", "203.0.113.9", "--reason", "scans \"all\"")[0] == 0
    assert order(s, "ip-sets", "add", "abusers", "203.0.113.9", "--ttl", "10m")[0] == 0
    assert order(s, "ip-sets", "remove", "abusers", "203.0.113.9")[0] == 0
    assert order(s, "ip-sets", "remove", "abusers", "203.0.113.9")[0] != 0  # nothing was changed
    added, kept, removed = records(s.changes)
    assert [r["event"] for r in (added, kept, removed)] == ["PutIPSetEntry", "PutIPSetEntry", "DeleteIPSetEntry"]
    assert {r["what"] for r in (added, kept, removed)} == {"ip_set abusers"}
    assert added["before"] is None and added["after"]["reason"] == 'scans "all"'
    assert kept["before"]["reason"] == 'scans "all"' and kept["after"]["ttl_s"] == 600
    assert removed["before"]["address"] == "203.0.113.9" and removed["after"] is None


def test_a_quota_that_is_granted_is_written_down(sidegate, backend, tmp_path):
    write_keys(tmp_path / "keys.yaml")
    s = changing(sidegate, backend, tmp_path, keys_config(tmp_path, QUOTA))
    patch = json.dumps({"patchOperations": [{"op": "replace", "path": "/remaining", "value": "100"}]}).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{s.admin_port}/api/v1/usage?plan=basic&key=k1", data=patch, method="PATCH")
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == 200
    one, = records(s.changes)
    assert (one["event"], one["what"], one["after"]) == ("UpdateUsage", "usage_plan basic key k1", {"remaining": 100})
    assert "says" not in one["who"]


def test_what_is_done_to_an_alarm_is_one_line_however_it_was_written(sidegate, backend, tmp_path):
    s = changing(sidegate, backend, tmp_path, f"alarms:\n{QUIET}}}\n")
    for path, body in (("state", b'{\n  "state": "ALARM",\r\n\t"reason": "two\\nlines"\n}\n'), ("mute", b'{"duration":\n"1h"}'), ("unmute", b"")):
        asked = urllib.request.Request(f"http://127.0.0.1:{s.admin_port}/api/v1/alarms/quiet/{path}", data=body, method="POST")
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 200
    state, mute, unmute = records(s.changes)
    assert (state["event"], state["what"], state["before"]) == ("SetAlarmState", "alarm quiet", {"state": "INSUFFICIENT_DATA"})
    assert state["after"] == {"state": "ALARM", "reason": "two\nlines"}
    assert mute["after"] == {"duration": "1h"} and unmute["before"]["muted_until"] and unmute["after"] is None
    assert verify(s.changes)[0] == 0


def test_keys_that_are_made_revoked_and_imported_are_written_down_without_their_values(tmp_path):
    path, log = tmp_path / "keys.yaml", tmp_path / "changes.ndjson"
    said = run("keys", "add", "--file", str(path), "--name", "shop", "--id", "k1", "--plan", "basic", "--change-log", str(log))[1]
    value = said.split()[-1]
    assert run("keys", "revoke", "--file", str(path), "k1", "--change-log", str(log))[0] == 0
    (tmp_path / "k.csv").write_text("Name,key\nother,a-value-of-forty-letters-and-some-digits-1\n")
    os.chmod(tmp_path / "k.csv", 0o600)
    assert run("keys", "import", "--file", str(path), str(tmp_path / "k.csv"), "--change-log", str(log))[0] == 0
    made, revoked, imported = records(log)
    assert made["who"] == {"by": "command", "uid": os.getuid(), "user": ME}
    assert (made["event"], made["before"], made["after"]) == ("CreateApiKey", None, {"id": "k1", "name": "shop", "enabled": True, "plans": ["basic"]})
    assert (revoked["event"], revoked["before"]["enabled"], revoked["after"]["enabled"]) == ("RevokeApiKey", True, False)
    assert (imported["event"], imported["after"]) == ("ImportApiKeys", {"new": 1, "written_over": 0})
    assert value not in log.read_text() and "forty" not in log.read_text()
    assert verify(log)[0] == 0


def test_no_key_is_made_revoked_or_imported_that_cannot_be_written_down(tmp_path):
    path, log = tmp_path / "keys.yaml", tmp_path / "changes.ndjson"
    assert run("keys", "add", "--file", str(path), "--name", "shop", "--id", "k1", "--change-log", str(log))[0] == 0
    (tmp_path / "k.csv").write_text("Name,key\nother,a-value-of-forty-letters-and-some-digits-1\n")
    os.chmod(tmp_path / "k.csv", 0o600)
    before, refused = path.read_bytes(), "nothing is changed, for it could not be written down"
    orders = [("add", "--name", "shop", "--id", "k2"), ("revoke", "k1"), ("import", str(tmp_path / "k.csv"))]
    for order_, *rest in orders:
        code, out, said = run("keys", order_, "--file", str(path), *rest, "--change-log", str(tmp_path / "nowhere/changes.ndjson"))
        assert (code, out) == (1, "") and refused in said and "No such file or directory" in said
    with open(log, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, out, said = run("keys", "revoke", "--file", str(path), "k1", "--change-log", str(log))
        assert (code, out) == (1, "") and refused in said and "somebody else has held it for too long" in said
    assert path.read_bytes() == before and len(records(log)) == 1 and not (tmp_path / "keys.yaml.new").exists()
    assert run("keys", "revoke", "--file", str(path), "k1", "--change-log", str(log))[0] == 0
    assert [record["event"] for record in records(log)] == ["CreateApiKey", "RevokeApiKey"] and verify(log)[0] == 0


def test_no_key_is_made_on_a_disk_that_has_no_room_for_its_record(small_disk, tmp_path):
    path, log = tmp_path / "keys.yaml", small_disk / "changes.ndjson"
    with open(small_disk / "ballast", "ab", buffering=0) as ballast, pytest.raises(OSError):
        while True:
            ballast.write(b"x" * 4096)
    code, out, said = run("keys", "add", "--file", str(path), "--name", "shop", "--change-log", str(log))
    assert (code, out) == (1, "") and "No space left on device" in said and not path.exists()


def test_the_chain_is_sha_256_over_the_bytes_before_the_hash(tmp_path):
    previous = "0" * 64
    for i, line in enumerate(make(tmp_path / "c.ndjson", 3)):
        record = json.loads(line)
        assert (record["sequence"], record["previous"]) == (i + 1, previous)
        previous = hashlib.sha256(line[:line.rindex(b',"hash":"')]).hexdigest()
        assert record["hash"] == previous
    code, said = verify(tmp_path / "c.ndjson", "--last", previous)
    assert code == 0 and said == f"3 records, each of them what was written\nlast: {previous}\n"


def test_whatever_byte_is_changed_the_first_broken_line_is_named(tmp_path):
    path = tmp_path / "c.ndjson"
    lines = make(path, 3)
    whole = b"".join(lines)
    for at in range(0, len(whole) - 1, 37):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(changed)
        code, said = verify(path)
        line = whole[:at].count(b"\n") + 1
        assert code == 1 and said.startswith(f"{path}:{line}: "), (at, said)


@pytest.mark.parametrize("edit,line,why", [
    (lambda a, b, c, d: [b, c, d], 1, "is missing"), (lambda a, b, c, d: [a, c, d], 2, "is missing"),
    (lambda a, b, c, d: [a, c, b, d], 2, "is missing"), (lambda a, b, c, d: [a, b, b, c, d], 3, "is missing"),
    (lambda a, b, c, d: [a, b"{}\n", b, c, d], 2, "no record"), (lambda a, b, c, d: [a, b[:40] + b"\n", c, d], 2, "no record"),
    (lambda a, b, c, d: [a, b, c, b"more\n"], 4, "no record")])
def test_lines_that_are_gone_moved_doubled_or_put_in_are_found(tmp_path, edit, line, why):
    path = tmp_path / "c.ndjson"
    path.write_bytes(b"".join(edit(*make(path, 4))))
    code, said = verify(path)
    assert code == 1 and said.startswith(f"{path}:{line}: ") and why in said


def test_records_that_are_cut_off_at_the_end_are_missed_by_a_hash_that_was_kept(tmp_path):
    path = tmp_path / "c.ndjson"
    lines = make(path, 3)
    last = json.loads(lines[-1])["hash"]
    path.write_bytes(b"".join(lines[:2]))
    assert verify(path)[0] == 0
    code, said = verify(path, "--last", last)
    assert code == 1 and "no record has the hash" in said


@pytest.mark.parametrize("kept", [1, 20, 200, -3, -2])
def test_a_last_line_that_is_torn_is_said_by_the_next_record(tmp_path, kept):
    path = tmp_path / "c.ndjson"
    lines = make(path, 2)
    path.write_bytes(lines[0] + lines[1][:kept])
    code, said = verify(path)
    assert code == 0 and f"{path}:2: cut off in the middle of a write; the next record will say so" in said
    assert run("keys", "revoke", "--file", str(tmp_path / "keys.yaml"), "k0", "--change-log", str(path))[0] == 0
    third = json.loads(path.read_bytes().splitlines()[2])
    assert third["sequence"] == 2 and third["torn"] == hashlib.sha256(lines[1][:kept]).hexdigest()
    code, said = verify(path)
    assert code == 0 and f"{path}:2: cut off in the middle of a write, which the next one says" in said


def test_a_record_that_lacks_its_line_feed_alone_is_a_record(tmp_path):
    path = tmp_path / "c.ndjson"
    lines = make(path, 2)
    path.write_bytes(lines[0] + lines[1][:-1])
    assert verify(path)[1].startswith("2 records, each")
    assert run("keys", "revoke", "--file", str(tmp_path / "keys.yaml"), "k0", "--change-log", str(path))[0] == 0
    assert [record["sequence"] for record in records(path)] == [1, 2, 3] and "torn" not in records(path)[2]
    assert verify(path)[0] == 0


def test_the_chain_goes_on_after_a_restart_and_beside_a_command(sidegate, backend, tmp_path):
    for turn in range(2):
        s = changing(sidegate, backend, tmp_path)
        assert order(s, "reload")[0] == 0
        make_key = ("keys", "add", "--file", str(tmp_path / "keys.yaml"), "--name", "shop", "--id", f"k{turn}", "--change-log", str(s.changes))
        assert run(*make_key)[0] == 0
        s.stop()
    assert [r["sequence"] for r in records(s.changes)] == [1, 2, 3, 4]
    assert verify(s.changes)[0] == 0


def listed(s):
    return order(s, "ip-sets", "list", "abusers")[1]


def test_while_somebody_holds_the_log_no_order_is_carried_out_and_nothing_else_is_held_up(sidegate, backend, tmp_path):
    s = changing(sidegate, backend, tmp_path)
    assert s.changes.stat().st_mode & 0o777 == 0o600
    assert s.metric("sidegate_change_log_refusals_total") == 0
    with open(s.changes) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ordered = threading.Thread(target=lambda: said.append(order(s, "ip-sets", "add", "abusers", "203.0.113.9")))
        said, longest = [], 0
        ordered.start()
        while ordered.is_alive():  # the loop that would wait for the lock answers others at once
            before = time.monotonic()
            assert s.status("/livez")[0] == 200
            longest = max(longest, time.monotonic() - before)
        code, _, wrong = said[0]
        assert code == 1 and "somebody else has held it for too long" in wrong
        assert longest < 0.3  # the lock is tried for half a second
        assert "203.0.113.9" not in listed(s)
        assert "an order is not carried out, for it could not be written down: " in s.errors()
        assert s.metric("sidegate_change_log_refusals_total") == 1 and s.metric("sidegate_change_log_failures_total") == 0
    assert order(s, "ip-sets", "add", "abusers", "203.0.113.9")[0] == 0
    assert [record["event"] for record in records(s.changes)] == ["PutIPSetEntry"] and verify(s.changes)[0] == 0


def test_an_order_behind_a_reload_is_written_where_the_reload_says(sidegate, backend, tmp_path):
    s = changing(sidegate, backend, tmp_path)
    other, answers = tmp_path / "other.ndjson", []
    rewrite(s, "changes.ndjson", "other.ndjson")

    def put():
        request = urllib.request.Request(f"http://127.0.0.1:{s.admin_port}/api/v1/ip_sets/abusers/entries", method="PUT",
                                         data=b'{"address": "203.0.113.9"}')
        with urllib.request.urlopen(request, timeout=30) as answer:
            answers.append(answer.status)

    def is_open():
        folder = f"/proc/{s.child()}/fd"
        return str(s.changes) in [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder) if os.path.lexists(f"{folder}/{fd}")]

    with open(s.changes, "ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        s.signal(signal.SIGHUP)
        wait_until(is_open, "the reload waits for the log")
        putting = threading.Thread(target=put)
        putting.start()
        for _ in range(3):
            s.status("/api/v1/status", port=s.admin_port)  # by then the order waits, too
    putting.join()
    assert answers == [201] and "lacks" not in s.errors()
    assert [one["event"] for one in records(other)] == ["ReloadConfiguration", "PutIPSetEntry"]


def test_on_a_full_disk_orders_and_reloads_are_refused_with_507_and_the_log_can_be_moved(small_disk, sidegate, backend, tmp_path):
    s = changing(sidegate, backend, small_disk)
    assert order(s, "ip-sets", "add", "abusers", "203.0.113.9")[0] == 0
    with open(small_disk / "ballast", "ab", buffering=0) as ballast:
        assert ballast.write(b"x" * 200000) == 200000  # the room that was kept for a record is free again
        with pytest.raises(OSError):
            while True:
                ballast.write(b"x" * 4096)
    asked = urllib.request.Request(f"http://127.0.0.1:{s.admin_port}/api/v1/ip_sets/abusers/entries/203.0.113.9", method="DELETE")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked)
    assert refused.value.code == 507 and "No space left on device" in refused.value.read().decode()
    assert "203.0.113.9" in listed(s)
    rewrite(s, "drain_delay: 0", "drain_delay: 0, request: 20s")
    code, _, said = order(s, "reload")
    assert code == 1 and "No space left on device" in said
    assert s.metric("sidegate_change_log_refusals_total") == 2 and len(records(s.changes)) == 1
    rewrite(s, f"{small_disk}/changes.ndjson", f"{tmp_path}/elsewhere.ndjson")
    assert order(s, "reload")[0] == 0
    one, = records(tmp_path / "elsewhere.ndjson")
    assert one["after"]["change_log.path"] == f"{tmp_path}/elsewhere.ndjson" and one["after"]["timeouts.request"] == "20s"
    assert "the log of changes lacks ReloadConfiguration configuration: " in s.errors()
    assert verify(s.changes)[0] == 0 and verify(tmp_path / "elsewhere.ndjson")[0] == 0


def test_a_log_that_is_rotated_is_one_chain_over_all_its_files(sidegate, backend, tmp_path):
    s = sidegate(backend(always_ok).url, f"change_log: {{ path: {tmp_path}/changes.ndjson, rotate: {{ max_size: 4KiB }} }}\n{SETS}")
    log = tmp_path / "changes.ndjson"
    for i in range(40):
        assert order(s, "ip-sets", "add", "abusers", f"203.0.113.{i}")[0] == 0
    files = [log.with_name(f"{log.name}.{n}") for n in range(len(list(tmp_path.glob("changes.ndjson*"))) - 1, 0, -1)] + [log]
    assert len(files) > 3
    last = records(files[-1])[-1]["hash"]
    for older, newer in zip(files, files[1:]):
        assert records(newer)[0]["previous"] == records(older)[-1]["hash"]
    assert verify(log, "--last", last) == (0, f"40 records, each of them what was written\nlast: {last}\n")
    assert run("changes", "verify", *map(str, files))[0] == 0
    whole, first = files[0].read_bytes(), len(records(files[0])) + 1
    files[0].write_bytes(whole.replace(b"203.0.113.1", b"203.0.113.2", 1))
    assert verify(log)[1].startswith(f"{files[0]}:2: it was changed")
    files[0].unlink()
    assert verify(log)[1] == f"{files[1]}:1: the record before it is missing, or is another one\n"
    assert verify(log, "--from", str(first))[0] == 0 and verify(log, "--from", str(first + 1))[0] == 1


def test_a_log_that_cannot_be_written_refuses_the_start_and_a_reload(sidegate, backend, tmp_path):
    s = sidegate(backend(always_ok).url, SETS)
    s.config.write_text(s.config.read_text() + f"change_log: {{ path: {tmp_path}/nowhere/changes }}\n")
    code, _, said = order(s, "reload")
    assert code != 0 and "nowhere/changes: No such file or directory" in said
    os.mkfifo(tmp_path / "pipe")
    rewrite(s, f"{tmp_path}/nowhere/changes", f"{tmp_path}/pipe")
    code, _, said = order(s, "reload")
    assert code != 0 and "pipe: this is no file" in said
    rewrite(s, f"{tmp_path}/pipe", f"{tmp_path}/nowhere/changes")
    code, _, said = run("run", "-c", str(s.config), "--set", f"status.address=off", "--set", "admin.address=off", "--no-supervise")
    assert code == 1 and "nowhere/changes" in said


def test_what_is_wrong_with_the_command_line_is_said(tmp_path):
    assert run("changes")[0] == 2 and run("changes", "verify")[0] == 2 and run("changes", "verif")[0] == 2
    assert run("changes", "verify", "--last", "12", str(tmp_path / "x"))[0] == 2
    assert run("changes", "verify", "--from", "0", str(tmp_path / "x"))[0] == 2
    assert verify(tmp_path / "x")[0] == 1
