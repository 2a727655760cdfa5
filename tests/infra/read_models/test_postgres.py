"""Read models on a real server: concurrent projectors, killed sessions, limits and secrets."""

import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from infra.event_store.postgres.url import NoUrl
from infra.read_models.checkpoint import CheckpointMismatch
from infra.read_models.schema import METADATA
from infra.read_models.sizes import Sizes
from infra.read_models.store import ReadModels, opened
from projections.fold import Recorded
from projections.verify import in_batches, recount
from tests.infra.read_models.conftest import Database
from tests.projections.story import Story, at, together
from tests.projections.test_folds import EVERYTHING, paid, placed, received, sent

LAST = EVERYTHING[-1].position
PARTITIONS = 4


def query(database: Database, statement: str) -> list[tuple[object, ...]]:
    engine, _ = opened(database.path_or_url, database.schema)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql(statement)]
    engine.dispose()
    return rows


def of_sellers(count: int) -> tuple[list[Recorded], list[list[Recorded]]]:
    """The events of a ledger, and the same events by partition: one seller per partition."""
    stories = [Story(seller=f"seller-{number}") for number in range(count)]
    for story in stories:
        story.handle(received(), at())
        for name in ("1", "2", "3"):
            story.handle(placed(name), at()).handle(paid(name), at(hours=1)).handle(sent(name), at(1))
    ledger = together(stories)
    return ledger, [[event for event in ledger if event.seller_id == story.seller] for story in stories]


def test_the_database_has_comments_on_each_table_and_column(on_postgres: Database) -> None:
    columns = query(
        on_postgres,
        "SELECT c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid)"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        f" WHERE c.relnamespace = '{on_postgres.schema}'::regnamespace AND c.relkind = 'r' AND a.attnum > 0",
    )
    comments = {(table, column): (comment, of) for table, column, comment, of in columns}
    for table in METADATA.sorted_tables:
        for column in table.columns:
            assert comments[table.name, column.name] == (column.comment, table.comment)


def test_concurrent_starts_create_the_tables_once(on_postgres: Database) -> None:
    on_postgres.by_hand(f"DROP SCHEMA {on_postgres.schema} CASCADE")
    with ThreadPoolExecutor(6) as pool:
        for begun in [pool.submit(on_postgres.models) for _ in range(6)]:
            begun.result().close()
    assert len(query(on_postgres, "SELECT made_of FROM shape")) == 1


def test_projectors_of_different_partitions_do_not_block_each_other(on_postgres: Database) -> None:
    """One stops in its transaction, after writing its rows, while the other begins and ends."""
    ledger, (one, other) = of_sellers(2)
    written, go_on = threading.Event(), threading.Event()

    def stop(point: str) -> None:
        if point == "read_models.within":
            written.set()
            assert go_on.wait(20)

    first, second = on_postgres.models(faults=stop), on_postgres.models()
    with ThreadPoolExecutor(1) as pool:
        folding = pool.submit(first.apply, one, partition=1, after=0)
        assert written.wait(20)
        second.apply(other, partition=2, after=0)
        assert not folding.done()
        go_on.set()
        folding.result()
    assert second.digest() == recount(ledger).digests
    first.close()
    second.close()


def test_partitions_folded_concurrently_give_the_rows_of_a_recount(on_postgres: Database) -> None:
    ledger, partitions = of_sellers(PARTITIONS)

    def work(partition: int) -> None:
        models, position = on_postgres.models(), 0
        for batch in in_batches(partitions[partition], 5):
            models.apply(batch, partition=partition, after=position)
            position = batch[-1].position
        models.close()

    with ThreadPoolExecutor(PARTITIONS) as pool:
        list(pool.map(work, range(PARTITIONS)))
    models = on_postgres.models()
    assert models.verify(ledger) == []
    models.close()


def test_of_two_projectors_that_begin_a_partition_at_once_one_is_refused(on_postgres: Database) -> None:
    both = [on_postgres.models() for _ in range(2)]

    def begin(models: ReadModels) -> bool:
        try:
            models.apply(EVERYTHING, after=0)
        except CheckpointMismatch:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(begin, both)) == [False, True]
    assert both[0].verify(EVERYTHING) == []
    for models in both:
        models.close()


@pytest.mark.parametrize("begun", [0, 30])
def test_during_a_rebuild_readers_see_the_old_rows_and_projectors_wait(
    on_postgres: Database, begun: int
) -> None:
    reader, folder = on_postgres.models(), on_postgres.models()
    folder.apply(EVERYTHING[:begun], after=0)
    seen: list[object] = []
    waiting: list[object] = []
    pool = ThreadPoolExecutor(1)

    def look(point: str) -> None:
        if point == "read_models.within" and not seen:
            seen.extend([reader.position(), reader.digest()])
            waiting.append(pool.submit(folder.apply, EVERYTHING[begun:], after=begun))

    models = on_postgres.models(faults=look, sizes=Sizes(rebuild_batch=20))
    models.rebuild({0: EVERYTHING[:40]})
    pool.shutdown()
    (refused,) = waiting
    assert isinstance(refused.exception(), CheckpointMismatch)  # type: ignore[attr-defined]
    assert seen == [begun, recount(EVERYTHING[:begun]).digests]
    assert (reader.position(), reader.verify(EVERYTHING[:40])) == (40, [])
    for one in (models, reader, folder):
        one.close()


def end_other_sessions(database: Database) -> None:
    """Ends all other sessions that write, as an administrator does."""
    with psycopg.connect(database.path_or_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
            " WHERE c.relname = 'places' AND c.relnamespace = %s::regnamespace AND l.pid <> pg_backend_pid()",
            [database.schema],
        )


@pytest.mark.parametrize("work", ["apply", "rebuild"])
def test_a_session_that_the_server_ends_changes_nothing_and_the_next_one_continues(
    on_postgres: Database, work: str
) -> None:
    armed = [False]

    def fault(point: str) -> None:
        if armed[0] and point == "read_models.within":
            armed[0] = False
            end_other_sessions(on_postgres)

    models = on_postgres.models(faults=fault)
    models.apply(EVERYTHING[:30], after=0)
    armed[0] = True
    with pytest.raises(DBAPIError):
        models.rebuild({0: EVERYTHING}) if work == "rebuild" else models.apply(EVERYTHING[30:], after=30)
    assert (models.position(), models.verify(EVERYTHING[:30])) == (30, [])
    models.apply(EVERYTHING[30:], after=30)
    assert models.verify(EVERYTHING) == []
    models.close()


def test_questions_are_asked_in_a_transaction_that_cannot_write(on_postgres: Database) -> None:
    models = on_postgres.models()
    with pytest.raises(DBAPIError, match="read-only"), models.reading() as connection:
        connection.exec_driver_sql("DELETE FROM places")
    models.close()


def test_a_session_has_timeouts_for_everything_that_could_block_others(on_postgres: Database) -> None:
    for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        assert query(on_postgres, f"SHOW {name}") != [("0",)]
    assert query(on_postgres, "SHOW search_path") == [(on_postgres.schema,)]


def test_no_error_and_no_object_shows_the_password(on_postgres: Database) -> None:
    server = urlsplit(on_postgres.path_or_url).netloc.rpartition("@")[2]
    engine, _ = opened(f"postgresql://jumun:Dragon7@{server}/postgres", "nowhere")
    with pytest.raises(DBAPIError) as refused, engine.connect():
        pass
    whole = [refused.value, refused.value.orig, engine, engine.url]
    assert not any("Dragon7" in text for one in whole for text in (str(one), repr(one)))
    with pytest.raises(NoUrl) as unreadable:
        opened(f"postgresql://jumun:Dr@gon7@{server}/postgres", "nowhere")
    assert "gon7" not in str(unreadable.value)
    assert unreadable.value.__suppress_context__ or unreadable.value.__context__ is None


def test_an_error_does_not_show_parameter_values(on_postgres: Database) -> None:
    models = on_postgres.models()
    with pytest.raises(DBAPIError) as refused, models.reading() as connection:
        connection.execute(sa.text("SELECT * FROM nowhere WHERE name = :name"), {"name": "Hong Gildong"})
    assert "Gildong" not in str(refused.value)
    models.close()
