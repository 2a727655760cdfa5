"""Readers never write: they do not change a byte of a file, and also read on a full disk."""

import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from eventsourcing.persistence import PersistenceError
from typer.testing import CliRunner

from infra.cli.main import app
from infra.event_store.reading.events import last_position
from infra.event_store.sqlite.read_only import ReadOnlySqliteLedger
from infra.settings import LEDGER, READ_MODELS, Settings
from infra.wiring.embedded import writing
from tests.messages import life_cycle, life_cycles, paid, receipt

ROOT = Path(__file__).parents[3]
QUESTIONS = [
    ["verify"], ["outcomes"], ["parked", "list"], ["parked", "show", "1"], ["deadlines", "list"],
    ["order", "1"], ["stock"], ["orders"], ["doctor"],
]  # fmt: skip
LINES = [*life_cycles(["1", "2"]), paid("early"), b"garbage \xff"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A closed ledger with its read models."""
    folder = tmp_path / "home"
    with writing(Settings(home=folder)) as embedded:
        embedded.ingest(LINES)
    return folder


def contents(home: Path) -> Mapping[str, bytes]:
    """The contents of all files, without the shared-memory index and an empty log of SQLite."""
    files = {path.name: path.read_bytes() for path in sorted(home.iterdir())}
    return {name: held for name, held in files.items() if held and not name.endswith("-shm")}


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_question_changes_no_file(home: Path, question: list[str]) -> None:
    before = contents(home)
    result = CliRunner().invoke(app, [*question, "--home", str(home)])
    assert result.exit_code == 0, result.output
    assert contents(home) == before


def on_a_full_disk(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process that cannot make any file longer."""

    def forbid() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    return subprocess.run(
        [sys.executable, "-m", "infra.cli.main", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        preexec_fn=forbid,
    )


@pytest.mark.parametrize("question", [["verify", "--json"], ["outcomes", "--json"], ["stock", "--json"]])
def test_questions_are_answered_on_a_full_disk(home: Path, question: list[str]) -> None:
    before = contents(home)
    done = on_a_full_disk(home, *question)
    assert done.returncode == 0, done.stderr
    assert done.stdout == CliRunner().invoke(app, [*question, "--home", str(home)]).stdout
    assert contents(home) == before


def test_on_a_full_disk_nothing_can_be_ingested(home: Path, tmp_path: Path) -> None:
    """Checks the test above: nothing can be written on this disk."""
    file = tmp_path / "more.ndjson"
    file.write_bytes(b"\n".join(life_cycle("3")))
    assert on_a_full_disk(home, "ingest", str(file)).returncode != 0


@pytest.fixture
def killed(home: Path, tmp_path: Path) -> Path:
    """The files of a killed writer: the write-ahead log has commits that are not in the database file yet."""
    left = tmp_path / "left"
    with writing(Settings(home=home)) as embedded:
        embedded.ingest(life_cycle("3"))
        shutil.copytree(home, left)
    assert (left / f"{LEDGER}-wal").stat().st_size > 0
    return left


def test_the_log_of_a_killed_writer_is_read(home: Path, killed: Path) -> None:
    before = contents(killed)
    with closing(ReadOnlySqliteLedger(str(killed / LEDGER))) as ledger:
        left = last_position(ledger)
    with closing(ReadOnlySqliteLedger(str(home / LEDGER))) as ledger:
        assert left == last_position(ledger)
    assert contents(killed) == before


def test_a_log_that_cannot_be_read_is_not_ignored(killed: Path) -> None:
    """Without the log the last commits would be missing, so the command fails."""
    (killed / f"{LEDGER}-shm").unlink()
    done = on_a_full_disk(killed, "outcomes", "--json")
    assert done.returncode != 0
    assert not done.stdout


def test_a_reader_sees_what_is_committed_while_it_reads(home: Path) -> None:
    with closing(ReadOnlySqliteLedger(str(home / LEDGER))) as ledger:
        before = last_position(ledger)
        with writing(Settings(home=home)) as embedded:
            embedded.ingest([receipt(9)])
        assert last_position(ledger) == before + 1


def test_nothing_can_be_written_through_a_reader(home: Path) -> None:
    with closing(ReadOnlySqliteLedger(str(home / LEDGER))) as ledger, pytest.raises(PersistenceError):
        ledger.rows("DELETE FROM set_aside")


def test_a_missing_ledger_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(PersistenceError):
        ReadOnlySqliteLedger(str(tmp_path / LEDGER))
    assert list(tmp_path.iterdir()) == []


def test_read_models_that_are_missing_are_folded_first(home: Path) -> None:
    """The only case in which a question writes: it needs the read models."""
    (home / READ_MODELS).unlink()
    result = CliRunner().invoke(app, ["verify", "--home", str(home)])
    assert result.exit_code == 0, result.output
    assert (home / READ_MODELS).exists()
