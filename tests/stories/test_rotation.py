# SPDX-License-Identifier: Apache-2.0
"""Log files that make room: by size and age, kept, compressed; whoever else renames them; a disk without room."""
import gzip
import json
import resource
import signal
import subprocess

import pytest
from harness import get, run, wait_until

AGENT = "User-Agent: rotation\r\n"


def ask_many(s, numbers, at_once=50):
    client = s.client()
    numbers = list(numbers)
    for at in range(0, len(numbers), at_once):
        part = numbers[at:at + at_once]
        client.send("".join(get(f"/n/{n}", AGENT) for n in part))
        for _ in part:
            assert client.answer().status == 200
    client.close()


def files_of(log):
    """The log's files, the oldest first."""
    rotated = {}
    for file in log.parent.glob(log.name + ".*"):
        if not file.name.endswith(".part"):
            rotated.setdefault(int(file.name.removeprefix(log.name + ".").removesuffix(".gz")), []).append(file)
    assert all(len(found) == 1 for found in rotated.values()), rotated
    return [rotated[number][0] for number in sorted(rotated, reverse=True)] + ([log] if log.exists() else [])


def numbers_in(file):
    """Every line is whole, or this fails."""
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    assert data == b"" or data.endswith(b"\n"), file
    return [int(json.loads(line)["path"].rsplit("/", 1)[1]) for line in data.splitlines()]


def is_written(s, count, destination="access_log"):
    wait_until(lambda: s.metric("sidegate_export_sent_total", destination=destination) == count, f"{count} lines are written", 60)
    assert s.metric("sidegate_export_dropped_total", destination=destination) in (None, 0)


def test_rotation_under_load_loses_and_tears_no_line(sidegate, backend, tmp_path):
    s = sidegate(backend().url, f"access_log: {{ path: {tmp_path}/access.log, rotate: {{ max_size: 32KiB, keep: 1000 }} }}\n")
    ask_many(s, range(6000))
    is_written(s, 6000)
    files = files_of(s.log)
    assert len(files) > 60 and all(file.stat().st_size <= 32 << 10 for file in files)
    assert [number for file in files for number in numbers_in(file)] == list(range(6000))


def test_compressed_files_hold_every_line_too(sidegate, backend, tmp_path):
    s = sidegate(backend().url, f"access_log: {{ path: {tmp_path}/access.log, rotate: {{ max_size: 32KiB, keep: 1000, compress: on }} }}\n")
    ask_many(s, range(6000))
    is_written(s, 6000)
    wait_until(lambda: not list(tmp_path.glob("*.part")) and not (tmp_path / "access.log.1").exists(), "the last one is compressed")
    files = files_of(s.log)
    assert len(files) > 5 and all(file.suffix == ".gz" for file in files[:-1])
    assert [number for file in files for number in numbers_in(file)] == list(range(6000))


def test_only_so_many_are_kept(sidegate, backend, tmp_path):
    s = sidegate(backend().url, f"access_log: {{ path: {tmp_path}/access.log, rotate: {{ max_size: 8KiB, keep: 3 }} }}\n")
    ask_many(s, range(1000))
    is_written(s, 1000)
    assert [file.name for file in files_of(s.log)] == ["access.log.3", "access.log.2", "access.log.1", "access.log"]
    left = [number for file in files_of(s.log) for number in numbers_in(file)]
    assert left == list(range(1000 - len(left), 1000))


def test_fewer_are_kept_after_a_reload(sidegate, backend, tmp_path):
    s = sidegate(backend().url, f"access_log: {{ path: {tmp_path}/access.log, rotate: {{ max_size: 8KiB, keep: 9 }} }}\n")
    ask_many(s, range(1000))
    is_written(s, 1000)
    assert len(files_of(s.log)) == 10
    s.write(f"access_log: {{ path: {tmp_path}/access.log, rotate: {{ max_size: 8KiB, keep: 2 }} }}\n")
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.metric("sidegate_config_snapshot") == 2, "the reload")
    ask_many(s, range(1000, 1100))
    is_written(s, 1100)
    assert len(files_of(s.log)) == 3


def test_a_file_that_is_old_makes_room_at_its_next_line(sidegate, backend, tmp_path):
    s = sidegate(backend().url, f"access_log: {{ path: {tmp_path}/access.log, rotate: {{ max_age: 1s, keep: 100 }} }}\n")

    def has_turned():
        ask_many(s, [has_turned.count])
        has_turned.count += 1
        return (tmp_path / "access.log.1").exists()

    has_turned.count = 0
    wait_until(has_turned, "a second is over")
    is_written(s, has_turned.count)
    assert [number for file in files_of(s.log) for number in numbers_in(file)] == list(range(has_turned.count))


def test_somebody_else_renames_it_and_says_so(sidegate, backend, tmp_path):
    s = sidegate(backend().url, f"access_log: {{ path: {tmp_path}/access.log, rotate: {{ max_size: 1MiB }} }}\n")
    ask_many(s, range(10))
    is_written(s, 10)
    moved = s.log.rename(tmp_path / "taken-away")
    s.signal(signal.SIGUSR1)
    wait_until(s.log.exists, "it is there anew")
    ask_many(s, range(10, 20))
    is_written(s, 20)
    assert (numbers_in(moved), numbers_in(s.log)) == (list(range(10)), list(range(10, 20)))


def test_somebody_else_renames_it_and_says_nothing(sidegate, backend, tmp_path):
    """What the path does not name any more is filled, and left alone then."""
    s = sidegate(backend().url, f"access_log: {{ path: {tmp_path}/access.log, rotate: {{ max_size: 32KiB }} }}\n")
    ask_many(s, range(10))
    is_written(s, 10)
    moved = s.log.rename(tmp_path / "taken-away")
    ask_many(s, range(10, 80))
    is_written(s, 80)
    assert numbers_in(moved) + numbers_in(s.log) == list(range(80)) and moved.stat().st_size <= 32 << 10
    assert not (tmp_path / "access.log.1").exists()


def test_what_cannot_be_renamed_goes_on(sidegate, backend, tmp_path):
    (tmp_path / "access.log.1").mkdir()
    s = sidegate(backend().url, f"access_log: {{ path: {tmp_path}/access.log, rotate: {{ max_size: 8KiB, keep: 1 }} }}\n")
    ask_many(s, range(100))
    is_written(s, 100)
    assert numbers_in(s.log) == list(range(100))
    wait_until(lambda: "log is not rotated, the old file goes on" in s.errors(), "it is said")


def test_every_log_is_rotated(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS "@contains attack" "id:1,phase:1,deny,log"\n')
    rotate = "rotate: { max_size: 4KiB, keep: 100 }"
    s = sidegate(backend().url, f"rules: {{ files: [{tmp_path}/own.conf], log: {{ path: {tmp_path}/rules.log, {rotate} }} }}\n"
                 f"audit_log: {{ path: {tmp_path}/audit.log, format: native, {rotate} }}\n")
    for _ in range(40):
        assert s.ask(target="/?q=attack").status == 403
    is_written(s, 40, "rule_log")
    is_written(s, 40, "audit_log")
    for name, end in (("rules.log", b"\n"), ("audit.log", b"-Z--\n\n")):
        files = files_of(tmp_path / name)
        assert len(files) > 3 and all(file.read_bytes().endswith(end) for file in files)
        assert sum(file.read_bytes().count(b'[id "1"]') for file in files) >= 40


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def whole_lines(files):
    """The numbers of lines that are whole; a torn one is ended before the next."""
    numbers, torn = [], 0
    for line in b"".join(file.read_bytes() for file in files).splitlines():
        try:
            numbers.append(int(json.loads(line)["path"].rsplit("/", 1)[1]))
        except ValueError:
            torn += 1
    return numbers, torn


def test_a_disk_that_is_full_costs_what_is_counted(small_disk, sidegate, backend, tmp_path):
    log = small_disk / "access.log"
    s = sidegate(backend().url, f"access_log: {{ path: {log}, rotate: {{ max_size: 64KiB, keep: 100 }} }}\n")

    def figures():
        return [s.metric("sidegate_export_sent_total", destination="access_log") or 0,
                s.metric("sidegate_export_dropped_total", destination="access_log", reason="write_error") or 0]

    ask_many(s, range(1000))
    wait_until(lambda: sum(figures()) == 1000, "all lines are settled", 60)
    sent, dropped = figures()
    numbers, torn = whole_lines(files_of(log))
    assert dropped > 0 and len(numbers) == sent and numbers == sorted(numbers) and torn <= 1
    wait_until(lambda: f"{log}: write: No space left on device" in s.errors(), "it is said")
    for file in files_of(log)[:-1]:
        file.unlink()
    ask_many(s, range(1000, 1100))
    wait_until(lambda: sum(figures()) == 1100, "it goes on", 60)
    assert figures() == [sent + 100, dropped]
    assert whole_lines(files_of(log))[0][-100:] == list(range(1000, 1100))


def test_a_file_that_may_not_grow_costs_what_is_counted(sidegate, backend, tmp_path):
    """RLIMIT_FSIZE, as `ulimit -f` sets it."""
    log = tmp_path / "access.log"
    s = sidegate(backend().url, f"access_log: {{ path: {log} }}\n")
    child = s.child()
    resource.prlimit(child, resource.RLIMIT_FSIZE, (64 << 10, 64 << 10))
    ask_many(s, range(200))

    def figures():
        return [s.metric("sidegate_export_sent_total", destination="access_log") or 0,
                s.metric("sidegate_export_dropped_total", destination="access_log", reason="write_error") or 0]

    wait_until(lambda: sum(figures()) == 200, "all lines are settled", 60)
    assert figures()[1] > 0 and s.child() == child
    wait_until(lambda: f"{log}: write: File too large" in s.errors(), "it is said")


@pytest.mark.parametrize("text, fault", [
    ("rotate: { max_size: 1KiB }", "expected off, or a size with a unit from 4KiB up"),
    ("rotate: { maxsize: 1MiB }", "did you mean 'max_size'?"),
    ("rotate: { keep: 3 }", "access_log.rotate: it is never full (add rotate.max_size or rotate.max_age)"),
    ("rotate: { max_size: 1MiB, keep: 0 }", "expected a number from 1 to 1000000"),
    ("} \nchange_log: { path: /tmp/x, rotate: { keep: 3 }", "change_log.rotate: it is never full (add rotate.max_size)"),
    ("} \nchange_log: { rotate: { max_size: 1MiB }", "change_log.rotate: path names no file"),
    ("path: /dev/stdout, rotate: { max_size: 1MiB }", "access_log.rotate: path names no file"),
    ("path: off, rotate: { max_age: 1d }", "access_log.rotate: path names no file"),
    ("path: same.log, rotate: { max_size: 1MiB } }\nwaf_log: { path: same.log", "waf_log.path: access_log has this file, too: one that is rotated is one log's"),
    ("path: same.log }\nexecution_log: { path: same.log, rotate: { max_age: 1h }", "execution_log.path: access_log has this file, too"),
])
def test_broken_settings_are_refused_where_they_stand(tmp_path, text, fault):
    file, path = tmp_path / "a.yaml", "" if "path" in text else "path: a.log, "
    file.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:0" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n'
                    f"access_log: {{ {path}{text} }}\n")
    code, out, err = run("check", "-c", str(file))
    assert code == 3 and fault in out + err and f"{file}:{4 + text.count(chr(10))}:" in out + err, out + err
