"""`jumun rebuild` folds the same rows from the ledger alone, and the projector continues from there."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from benchmarks.production import Production, production
from consumers.engine import Engine
from infra.audit import rebuild as rebuilding
from infra.audit.rebuild import rebuild
from infra.audit.verify import verify
from infra.cli.rebuild import rebuild as command
from infra.database_upgrade import upgrade
from infra.demo import market
from infra.embedded.projector import catch_up
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.postgres.restored import restored
from infra.event_store.postgres.url import Target
from infra.event_store.reading.events import last_position
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.read_models.schema_setup import OtherLedger
from infra.read_models.store import ReadModels
from infra.settings import LEDGER, READ_MODELS, Settings
from infra.wire.ticks import is_tick
from infra.wiring.embedded import writing
from tests.messages import life_cycle, receipt

PARTITIONS = 3


def run(*words: str) -> Result:
    app = Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(words))


def a_market(orders: int = 40) -> list[bytes]:
    return [line for line in market.messages(orders, 3) if not is_tick(line)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with writing(Settings(home=tmp_path)) as embedded:
        embedded.ingest(a_market())
    return tmp_path


@pytest.fixture
def system(postgres_url: str, kafka: str) -> Iterator[Production]:
    """A system with decided messages in each partition, and nothing folded."""
    with production(postgres_url, kafka, partitions=PARTITIONS) as running:
        with running.ledger() as ledger:
            for partition in range(PARTITIONS):
                own = [line for line in a_market() if running.partition(line) == partition]
                engine = Engine(ledger.of(partition))
                for begins in range(0, len(own), 50):
                    engine.handle(own[begins : begins + 50])
        yield running


def test_an_embedded_rebuild_gives_the_same_rows(home: Path) -> None:
    with closing(ReadModels(str(home / READ_MODELS))) as models:
        before, position = models.digest(), models.position()
        models.rebuild({})
        assert models.digest() != before
    result = run("--home", str(home), "--json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert (row["partitions"], row["events"]) == (1, position)
    with closing(ReadModels(str(home / READ_MODELS))) as models:
        assert (models.digest(), models.position()) == (before, position)
    with writing(Settings(home=home)) as embedded:  # and the projector continues
        embedded.ingest([receipt(1), *life_cycle("more")])
        assert verify(embedded.ledger, embedded.read_models).problems == []


def test_an_embedded_rebuild_is_refused_while_a_projector_runs(home: Path) -> None:
    with (home / "projector.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = run("--home", str(home))
    assert result.exit_code == 3
    assert "nothing was changed" in result.output


def test_production_is_folded_partition_by_partition(
    system: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in system.setting_texts.items():
        monkeypatch.setenv(f"JUMUN_{name.upper()}", value)
    result = run("--json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    with system.ledger() as ledger, system.read_models() as models:
        assert row["ledger_id"] == ledger.ledger_id
        assert row["events"] == last_position(ledger)
        assert verify(ledger, models).problems == []
        models.claim_for(ledger.ledger_id)
        with pytest.raises(OtherLedger):
            models.claim_for("another")
        ends = dict(ledger.rows("SELECT partition, max(last_position) FROM commits GROUP BY partition"))
        assert models.positions() == ends


def test_a_partition_is_read_in_slices_of_a_few_commits(system: Production) -> None:
    with system.ledger() as ledger, system.read_models() as models:
        rebuilt = rebuild(ledger, ledger.ledger_id, models, commits=2)
        assert rebuilt.events == last_position(ledger)
        assert verify(ledger, models).problems == []


def test_read_models_of_a_former_ledger_id_are_refused_until_a_rebuild(system: Production) -> None:
    where = Target(
        system.setting_texts["database_url"], system.setting_texts["ledger_schema"],
        system.setting_texts["database_url"], system.setting_texts["read_models_schema"],
    )  # fmt: skip
    with system.ledger() as ledger, system.read_models() as models:
        rebuilding.rebuild(ledger, ledger.ledger_id, models)
    done = restored(where, force=True)
    with system.ledger() as ledger, system.read_models() as models:
        assert ledger.ledger_id == done.ledger_id
        with pytest.raises(OtherLedger, match="jumun rebuild"):
            models.claim_for(ledger.ledger_id)
        rebuilding.rebuild(ledger, ledger.ledger_id, models)
        models.claim_for(ledger.ledger_id)


def test_the_projector_goes_on_after_a_rebuild(system: Production) -> None:
    with system.ledger() as ledger, system.read_models() as models:
        rebuilding.rebuild(ledger, ledger.ledger_id, models)
        for number in range(PARTITIONS):
            line = receipt(900 + number, seller=f"seller-{number}")
            Engine(ledger.of(system.partition(line))).handle([line])
    system.start("relay")
    system.start("projector")
    system.wait_folded()
    with system.ledger() as ledger, system.read_models() as models:
        assert verify(ledger, models).problems == []


def test_replacing_the_embedded_ledger_is_detected(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with writing(Settings(home=other)) as embedded:
        embedded.ingest([receipt(1)])
    for name in (LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm"):
        (home / name).unlink(missing_ok=True)
    (other / LEDGER).rename(home / LEDGER)
    with (
        closing(SqliteLedger(str(home / LEDGER))) as ledger,
        closing(ReadModels(str(home / READ_MODELS))) as models,
    ):
        with pytest.raises(OtherLedger, match="jumun rebuild"):
            catch_up(ledger, models)
        assert run("--home", str(home)).exit_code == 0
        catch_up(ledger, models)
        assert models.position() == 2


def test_an_empty_ledger_gives_empty_read_models(postgres_schema: tuple[str, str], tmp_path: Path) -> None:
    url, schema = postgres_schema
    with (
        closing(PostgresLedger(url, schema=schema)) as ledger,
        closing(ReadModels(str(tmp_path / "read.db"))) as models,
    ):
        done: Any = rebuilding.rebuild(ledger, ledger.ledger_id, models)
        assert (done.events, done.partitions, models.positions()) == (0, 0, {})


def test_an_upgrade_keeps_the_ledger_id_of_the_read_models(system: Production) -> None:
    where = Target(
        system.setting_texts["database_url"], system.setting_texts["ledger_schema"],
        system.setting_texts["database_url"], system.setting_texts["read_models_schema"],
    )  # fmt: skip
    with system.ledger() as ledger, system.read_models() as models:
        rebuilding.rebuild(ledger, ledger.ledger_id, models)
        assert not upgrade(where).read_models_made
        models.claim_for(ledger.ledger_id)
