# SPDX-License-Identifier: Apache-2.0
"""Metrics on disk: they outlive restarts and kills, and what cannot be written or read is said."""
import sqlite3
import time

import pytest
from harness import hurried_time, run, wait_until
from test_metrics import Metrics, by_path


def config(folder):
    return f"service: {{ name: shop }}\nprocess: {{ threads: 1, state_dir: {folder} }}\n"


@pytest.fixture
def start(sidegate, backend, tmp_path):
    """start(...) -> the program with a folder for its state, always the same one."""
    url = backend(by_path).url
    (tmp_path / "state").mkdir()

    def make(hurried=False):
        return Metrics(sidegate(url, config(tmp_path / "state"), hurried=hurried), hurried_time if hurried else time.time)

    return make


def counted(metrics, requests):
    for _ in range(requests):
        assert metrics.s.ask().status == 200
    metrics.comes("Count", "Sum", requests, ApiName="shop")


def test_what_was_counted_before_a_restart_is_answered_after_it(start):
    metrics = start()
    counted(metrics, 5)
    assert metrics.s.stop() == 0
    metrics = start()
    assert metrics.total("Count", "Sum", ApiName="shop") == 5
    assert metrics.s.ask().status == 200
    metrics.comes("Count", "Sum", 6, ApiName="shop")
    assert metrics.total("Latency", "p99", ApiName="shop") > 0
    code, out, _ = metrics.command("get", "Count", "--statistic", "Sum", "--period", "1s", "--dimension", "ApiName=shop")
    assert code == 0 and sum(float(line.split()[1]) for line in out.splitlines()[1:]) == 6, out


def test_a_kill_loses_nothing_that_was_written_and_the_next_child_goes_on(start):
    metrics = start(hurried=True)
    counted(metrics, 4)
    wait_until(lambda: (metrics.s.metric("sidegate_metric_history_writes_total", result="written") or 0) > 0, "a write", 25)
    for requests in (5, 6):
        metrics.s.kill_child()
        assert metrics.total("Count", "Sum", ApiName="shop") >= 4
        assert metrics.s.ask().status == 200
        wait_until(lambda: metrics.total("Count", "Sum", ApiName="shop") >= 5, f"request {requests} to count")


def test_a_broken_database_is_put_aside_with_a_message(start, tmp_path):
    database = tmp_path / "state" / "metrics.db"
    database.write_bytes(b"no database at all" * 1000)
    metrics = start()
    counted(metrics, 2)
    wait_until(lambda: "metrics.db is broken" in metrics.s.errors(), "the message")
    assert (tmp_path / "state" / "metrics.db.broken").read_bytes().startswith(b"no database")
    assert metrics.s.metric("sidegate_metric_series_lost_total", reason="broken") == 1
    assert metrics.s.stop() == 0
    assert start().total("Count", "Sum", ApiName="shop") == 2


def test_a_folder_that_cannot_be_written_to_is_said_and_memory_goes_on(start, tmp_path):
    (tmp_path / "state" / "metrics.db").mkdir()
    metrics = start()
    counted(metrics, 2)
    wait_until(lambda: "metrics are not written to" in metrics.s.errors(), "the message")
    wait_until(lambda: (metrics.s.metric("sidegate_metric_history_writes_total", result="failed") or 0) > 0, "a failure to count")
    assert metrics.total("Count", "Sum", ApiName="shop") == 2


def test_the_database_is_the_owners_alone_and_holds_no_secret_of_a_request(start, tmp_path):
    metrics = start()
    assert metrics.s.ask(target="/x?token=hunter2", fields=[("Authorization", "Bearer hunter2")]).status == 200
    metrics.comes("Count", "Sum", 1, ApiName="shop")
    assert metrics.s.stop() == 0
    database = tmp_path / "state" / "metrics.db"
    assert database.stat().st_mode & 0o077 == 0
    assert all(b"hunter2" not in f.read_bytes() for f in (tmp_path / "state").glob("metrics.db*"))
    assert sqlite3.connect(database).execute("SELECT count(*) FROM metrics").fetchone()[0] > 0


@pytest.mark.parametrize("history, said", [
    ("max_size: 1MiB", "max_size: found '1MiB', expected a size with a unit, from 4MiB to 1024GiB"),
    ("max_ag: 1d", "did you mean 'max_age'?"),
])
def test_settings_that_are_wrong_are_refused_with_their_place(tmp_path, history, said):
    file = tmp_path / "c.yaml"
    file.write_text(f"version: 1\nmetrics:\n  history: {{ {history} }}\n")
    code, out, err = run("check", "-c", str(file))
    assert code == 3 and said in out + err and "c.yaml:3:" in out + err
