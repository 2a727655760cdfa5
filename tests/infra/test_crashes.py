"""SIGKILL at every named point of a commit and at random moments leaves the result of an undisturbed run."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.audit.verify import verify
from infra.demo import market
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.read_models.store import ReadModels
from infra.settings import LEDGER, READ_MODELS
from infra.wire.stored_events import attributes

ROOT = Path(__file__).parent.parent.parent
POINTS = [f"{what}.{when}" for what in ("ledger", "read_models") for when in ("before", "within", "after")]
EACH = 5
MOMENTS = {"within": 50, "beside": 20}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small marketplace with duplicates, garbage, early messages and ticks."""
    path = tmp_path_factory.mktemp("input") / "market.ndjson"
    path.write_bytes(b"\n".join(market.messages(120, seed=7)))
    return path


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty ledger.  All runs begin with its secret, so that they create the same vault tokens."""
    home = tmp_path_factory.mktemp("begun")
    SqliteLedger(str(home / LEDGER)).close()
    return home


@pytest.fixture(scope="module")
def undisturbed(file: Path, begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(begun, home)
    assert run(home, file) == 0
    return story(home)


def start(
    home: Path, file: Path, point: str = "-", count: int = 1, *, seed: str = "0", projector: str = "within"
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    script = [sys.executable, str(Path(__file__).parent / "crashing.py")]
    return subprocess.Popen(
        [*script, str(home), str(file), point, str(count), projector],
        env=environment,
        stdout=subprocess.PIPE,
    )


def run(home: Path, file: Path, point: str = "-", count: int = 1, **how: str) -> int:
    with start(home, file, point, count, **how) as process:
        process.communicate()
        return process.returncode


def story(home: Path) -> dict[str, Any]:
    """The contents of ledger and read models by seller, without positions, times of recording and workers."""
    ledger, models = SqliteLedger(str(home / LEDGER)), ReadModels(str(home / READ_MODELS))
    try:
        verdict = verify(ledger, models)
        assert verdict.holds, verdict.problems
        stored = [(attributes(state), state) for (state,) in ledger.rows("SELECT state FROM stored_events")]
        outcomes = ledger.rows(
            "SELECT state, was, rule, count(*) FROM outcomes WHERE state NOT IN ('duplicate', 'set_aside')"
            " GROUP BY 1, 2, 3"
        )
        timers = ledger.rows("SELECT key, due FROM timers ORDER BY key")
        events = sorted((head["sellerid"], head["sequence"], state) for head, state in stored)
        return {"events": events, "outcomes": outcomes, "timers": timers, "rows": dict(_rows(models))}
    finally:
        ledger.close()
        models.close()


def _rows(models: ReadModels) -> Iterator[tuple[str, list[Any]]]:
    import sqlalchemy as sa  # noqa: PLC0415

    from infra.read_models.schema import SQL  # noqa: PLC0415

    with models.reading() as connection:
        for name, table in SQL.items():
            columns = [column for column in table.c if column.name not in {"position", "recorded_at"}]
            rows = connection.execute(sa.select(*columns).order_by(*columns))
            yield name, [tuple(row) for row in rows]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point_of_a_commit(
    point: str, file: Path, begun: Path, undisturbed: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(begun, home)
    hits = sum(run(home, file, point, count) == -signal.SIGKILL for count in range(2, 2 + EACH))
    assert run(home, file) == 0
    with capsys.disabled():
        print(f"\n  killed at {point}: {hits} of {EACH} times", end="")
    assert hits == EACH
    assert story(home) == undisturbed


@pytest.mark.parametrize("projector", MOMENTS)
def test_killed_at_random_moments(
    projector: str,
    file: Path,
    begun: Path,
    undisturbed: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "home"
    shutil.copytree(begun, home)
    chance = random.Random(50)
    hits = 0
    for _ in range(MOMENTS[projector]):
        with start(home, file, projector=projector) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.35))
            process.kill()
            process.communicate()
            hits += process.returncode == -signal.SIGKILL
    assert run(home, file, projector=projector) == 0
    with capsys.disabled():
        print(f"\n  killed at {hits} of {MOMENTS[projector]} random moments, projector {projector}", end="")
    assert hits > 0
    assert story(home) == undisturbed


def test_nothing_depends_on_the_hash_seed(file: Path, begun: Path, undisturbed: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(begun, home)
    assert run(home, file, seed="4711") == 0
    assert story(home) == undisturbed


def test_two_concurrent_processes_lose_and_double_nothing(
    file: Path, begun: Path, undisturbed: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(begun, home)
    both = [start(home, file), start(home, file)]
    for process in both:
        process.communicate()
    assert sorted(process.returncode for process in both)[0] == 0  # the other may be refused
    assert story(home) == undisturbed


@pytest.fixture(scope="module")
def whole(file: Path, begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("whole") / "home"
    shutil.copytree(begun, home)
    assert run(home, file) == 0
    return home


@pytest.mark.parametrize(
    ("database", "change", "finding"),
    [
        (READ_MODELS, "UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = 'SKU-007'", "stock_levels"),
        (LEDGER, "UPDATE stored_events SET state = CAST(state || ' ' AS BLOB) WHERE position = 30", "commit"),
        (
            LEDGER,
            "UPDATE stored_events SET topic = 'jumun.stock.counted.v1' WHERE position = 30",
            "position 30",
        ),
        (LEDGER, "UPDATE commits SET recorded_at = recorded_at + 1 WHERE number = 3", "commit 3"),
        (LEDGER, "UPDATE messages SET body = x'00' WHERE commit_number = 3", "commit 3"),
        (LEDGER, "UPDATE outcomes SET state = 'refused' WHERE number = 30", "commit"),
        (LEDGER, "DELETE FROM stored_events WHERE position = 40", "position 40"),
    ],
    ids=["a read model", "an event", "its type", "an instant", "a message", "an outcome", "a missing event"],
)
def test_a_row_changed_by_hand_is_found(
    database: str, change: str, finding: str, whole: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(whole, home)
    with sqlite3.connect(home / database) as connection:
        connection.execute(change)
    connection.close()
    ledger, models = SqliteLedger(str(home / LEDGER)), ReadModels(str(home / READ_MODELS))
    assert any(finding in text for text in verify(ledger, models).problems)
    ledger.close()
    models.close()
