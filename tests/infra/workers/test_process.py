"""A worker as a process: watchdog, metrics, log, settings, and the supervisor of all workers."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from benchmarks.production import ROOT, Production
from infra.cli.main import app
from infra.clock import SYSTEM
from infra.settings import Settings
from infra.workers.process import STUCK, Watchdog
from tests.infra.kafka.trying import until
from tests.messages import paid, placed, receipt

HANGING = """
import time
from infra.clock import SYSTEM
from infra.settings import Settings
from infra.workers import process
class Hangs:
    def step(self, timeout_s): time.sleep(60)   # a poll() that never returns
    def close(self): pass
process.run(Hangs, Settings(), SYSTEM, stuck_s=0.5)
"""


def a_free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


def fetched(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        body: bytes = answer.read()
        return body.decode()


def test_the_watchdog_ends_a_process_that_hangs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING], cwd=ROOT, timeout=30, check=False, capture_output=True, text=True
    )
    assert done.returncode == STUCK
    assert "worker_stuck" in done.stdout + done.stderr
    assert "in step" in done.stderr  # the traceback shows where it hangs


def test_the_watchdog_does_not_end_a_process_that_makes_steps() -> None:
    ended: list[int] = []
    dog = Watchdog(SYSTEM, 1.5, ended.append)
    for _ in range(20):
        time.sleep(0.1)
        dog.alive()
    assert ended == []
    until(lambda: ended == [STUCK])
    dog.close()


def test_metrics_and_health_are_served_on_loopback(system: Production) -> None:
    port = a_free_port()
    system.start("engine", JUMUN_METRICS_PORT=str(port))
    system.publish([receipt(1), b"garbage"])
    system.wait_decided(2)
    figures = fetched(port, "/metrics")
    assert 'jumun_messages_total{state="accepted"} 1.0' in figures
    assert 'jumun_refused_total{rule="not_json"} 1.0' in figures
    assert "jumun_commit_seconds_bucket" in figures
    assert "last step begun" in fetched(port, "/healthz")


def test_the_relay_counts_parked_messages_and_failed_deadlines(system: Production) -> None:
    system.start("engine")
    system.publish([receipt(1), placed("1"), paid("1"), paid("early")])
    system.wait_decided(4)
    with psycopg.connect(system.setting_texts["database_url"]) as connection:
        timers = sql.Identifier(system.setting_texts["ledger_schema"], "timers")
        connection.execute(sql.SQL("UPDATE {} SET failed = 1").format(timers))
    port = a_free_port()
    system.start("relay", JUMUN_METRICS_PORT=str(port))
    system.wait_until(lambda: system.published_positions() != [])
    figures = fetched(port, "/metrics")
    assert 'jumun_waiting_messages{state="parked"} 1.0' in figures
    assert "jumun_failed_deadlines 1.0" in figures


def test_log_records_have_the_partition_and_no_password(system: Production) -> None:
    system.start("engine")
    system.publish([receipt(1)])
    system.wait_decided(1)
    entries = [entry for entry in system.log("engine") if entry["event"] == "partition_taken_up"]
    assert {"partition", "offset", "level", "timestamp"} <= entries[0].keys()
    whole = json.dumps(system.log("engine"))
    password = system.setting_texts["database_url"].split(":")[2].split("@")[0]
    assert password not in whole


def test_all_workers_run_under_one_supervisor_and_are_restarted(system: Production) -> None:
    whole = system.start("all --engines 2")
    system.publish([receipt(1)])
    system.wait_decided(1)
    system.wait_folded()
    children = [int(pid) for pid in Path(f"/proc/{whole.pid}/task/{whole.pid}/children").read_text().split()]
    assert len(children) == 5
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    sent = system.publish([receipt(n) for n in range(2, 50)])
    system.wait_decided(1 + sent)
    system.wait_folded()
    assert system.end("all --engines 2") == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_settings_come_from_a_file_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "jumun.toml"
    file.write_text('kafka = "127.0.0.1:9092"\nbatch = 100\n')
    monkeypatch.setenv("JUMUN_SETTINGS", str(file))
    monkeypatch.setenv("JUMUN_BATCH", "200")
    assert (Settings().kafka, Settings().batch) == ("127.0.0.1:9092", 200)


def test_settings_are_printed_without_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUMUN_DATABASE_URL", "postgresql://jumun:hunter2@127.0.0.1/jumun")
    monkeypatch.setenv("JUMUN_KAFKA_PASSWORD", "hunter3")
    for command in (["settings"], ["settings", "--json"]):
        output = CliRunner().invoke(app, command).stdout
        assert "hunter" not in output
        assert "hidden" in output


def test_a_worker_without_its_settings_names_the_missing_one() -> None:
    done = CliRunner().invoke(app, ["run", "engine"])
    assert done.exit_code == 5
    assert "JUMUN_KAFKA" in done.output
