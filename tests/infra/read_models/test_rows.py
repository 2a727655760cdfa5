"""The port for rows: memory, SQLite and PostgreSQL give the same answer to the same request."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.read_models.database import writing
from infra.read_models.schema import CHECKPOINTS, SQL
from infra.read_models.sql_rows import SqlRows
from infra.read_models.store import opened
from projections.orders.rows import PARCELS, Parcel
from projections.questions.memory import MemoryRows, folded
from projections.questions.rows import (
    AtLeast,
    Below,
    Condition,
    Equal,
    IsNone,
    IsNotNone,
    Measure,
    OneOf,
    RowReader,
    StartsWith,
    between,
    count,
    distinct,
    equal,
    greatest,
    smallest,
    total,
)
from projections.read_models import TABLES
from tests.infra.read_models.conftest import Database
from tests.projections.story import at
from tests.projections.test_folds import EVERYTHING

POSITION = 7
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Read = Callable[[Sequence[Parcel]], RowReader]


def parcel(shipment: str, seller: str = "acme", **columns: Any) -> Parcel:
    return Parcel(seller, "naver", "main", "N-1", shipment, **columns)


ONE = parcel("1", contents={"a": 2}, dispatched_at=10, status_at=15, carrier="Post", status="delivered")
TWO = parcel("2", dispatched_at=20, status_at=20, dispatch_inferred=True, carrier="post")
THREE = parcel("3", status_at=30, carrier="Päckchen")
OTHER = parcel("1", seller="Zeta", dispatched_at=40, status_at=35)
ROWS = (TWO, OTHER, THREE, ONE)


class Stored:
    """Keeps one set of rows in a database, and replaces it for the next test."""

    def __init__(self, database: Database) -> None:
        database.models().close()
        self._engine, self._tables = opened(database.path_or_url, database.schema)

    @contextmanager
    def reading(self, rows: Sequence[Parcel]) -> Generator[RowReader]:
        with writing(self._engine) as connection:
            connection.execute(sa.delete(SQL[PARCELS.name]))
            connection.execute(sa.delete(CHECKPOINTS))
            connection.execute(sa.insert(CHECKPOINTS).values(partition=0, position=POSITION))
            if rows:
                self._tables.fill(connection, {PARCELS.name: [PARCELS.stored(row) for row in rows]})
        with self._engine.connect() as connection:
            yield SqlRows(connection)

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture
def stored(database: Database) -> Iterator[Stored]:
    tables = Stored(database)
    yield tables
    tables.close()


def in_memory(rows: Sequence[Parcel]) -> RowReader:
    return MemoryRows({PARCELS.name: rows}, POSITION)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def reader(request: pytest.FixtureRequest) -> Iterator[RowReader]:
    """A reader of `ROWS`, once in memory and once per database."""
    if request.param == "memory":
        yield in_memory(ROWS)
        return
    tables = Stored(request.getfixturevalue({"sqlite": "on_sqlite"}.get(request.param, "on_postgres")))
    with tables.reading(ROWS) as rows:
        yield rows
    tables.close()


def names(rows: RowReader, *where: Condition, **page: Any) -> list[str]:
    return [f"{row.seller_id} {row.shipment_id}" for row in rows.select(PARCELS, where, **page)]


def test_the_position_is_that_of_the_last_event(reader: RowReader) -> None:
    assert reader.position() == POSITION


def test_a_row_is_read_by_its_key(reader: RowReader) -> None:
    assert reader.get(PARCELS, ("acme", "naver", "main", "N-1", "1")) == ONE
    assert reader.get(PARCELS, ("acme", "naver", "main", "N-1", "4")) is None


def test_rows_are_sorted_by_key_as_code_points_sort(reader: RowReader) -> None:
    assert names(reader) == ["Zeta 1", "acme 1", "acme 2", "acme 3"]


@pytest.mark.parametrize(
    ("condition", "shipments"),
    [
        (Equal("seller_id", "acme"), ["1", "2", "3"]),
        (Equal("dispatch_inferred", False), ["1", "1", "3"]),
        (AtLeast("dispatched_at", 20), ["1", "2"]),
        (Below("dispatched_at", 20), ["1"]),
        (StartsWith("carrier", "P"), ["1", "3"]),
        (StartsWith("carrier", ""), ["1", "2", "3"]),
        (StartsWith("carrier", "Pä"), ["3"]),
        (StartsWith("carrier", "%"), []),
        (OneOf("shipment_id", ("1", "3")), ["1", "1", "3"]),
        (OneOf("shipment_id", ()), []),
        (IsNone("dispatched_at"), ["3"]),
        (IsNotNone("carrier"), ["1", "2", "3"]),
    ],
)
def test_each_condition_selects_the_rows_for_which_it_holds(
    reader: RowReader, condition: Condition, shipments: list[str]
) -> None:
    assert [row.shipment_id for row in reader.select(PARCELS, [condition])] == shipments


def test_none_is_the_least_of_all_values(reader: RowReader) -> None:
    up, down = ("dispatched_at", "shipment_id"), ("-dispatched_at", "shipment_id")
    assert names(reader, order=up) == ["acme 3", "acme 1", "acme 2", "Zeta 1"]
    assert names(reader, order=down) == ["Zeta 1", "acme 2", "acme 1", "acme 3"]
    assert names(reader, order=up, after=(None, "3")) == ["acme 1", "acme 2", "Zeta 1"]
    assert names(reader, order=down, after=(20, "2"), limit=1) == ["acme 1"]


def test_columns_have_the_values_of_the_rows(reader: RowReader) -> None:
    columns = ("carrier", "dispatch_inferred", "contents")
    assert sorted(reader.columns(PARCELS, columns, equal(seller_id="acme"))) == [
        ("Post", False, {"a": 2}),
        ("Päckchen", False, {}),
        ("post", True, {}),
    ]


def test_measures_are_computed_per_group(reader: RowReader) -> None:
    measures = (
        count(),
        count(IsNone("dispatched_at")),
        total("dispatched_at"),
        total("status_at", Equal("dispatch_inferred", False)),
        smallest("carrier"),
        greatest("status_at"),
        distinct("dispatched_at"),
    )
    assert reader.aggregate(PARCELS, measures, by=("seller_id",)) == [
        ("Zeta", 1, 0, 40, 35, None, 35, 1),
        ("acme", 3, 1, 30, 45, "Post", 30, 2),
    ]
    assert reader.aggregate(PARCELS, measures) == [(4, 1, 70, 80, "Post", 35, 3)]


def test_without_grouping_no_rows_are_one_group(reader: RowReader) -> None:
    nothing = [Equal("seller_id", "nobody")]
    measures = (count(), total("status_at"), greatest("status_at"))
    assert reader.aggregate(PARCELS, measures, nothing) == [(0, 0, None)]
    assert reader.aggregate(PARCELS, measures, nothing, by=("seller_id",)) == []


def test_groups_without_measures_are_the_distinct_values(reader: RowReader) -> None:
    assert reader.aggregate(PARCELS, (), by=("carrier",)) == [(None,), ("Post",), ("Päckchen",), ("post",)]


def test_a_filter_that_is_not_set_is_no_condition() -> None:
    assert equal(seller_id="acme", channel=None) == [Equal("seller_id", "acme")]
    assert between("day", None, None) == []
    assert between("status_at", at(), None) == [AtLeast("status_at", 1_772_593_200_000_000)]
    assert between("day", "2026-03-04", "2026-03-05") == [
        AtLeast("day", "2026-03-04"),
        Below("day", "2026-03-05"),
    ]


def test_rows_folded_in_memory_equal_the_stored_rows(database: Database) -> None:
    models, memory = database.models(), folded(EVERYTHING)
    models.apply(EVERYTHING, after=0)
    with models.snapshot() as rows:
        assert memory.position() == rows.position() == EVERYTHING[-1].position
        for table in TABLES:
            assert list(memory.select(table)) == list(rows.select(table)), table.name
    models.close()


texts = st.text(st.sampled_from("aZé가_%🙂"), max_size=2)
numbers = st.none() | st.integers(-2, 3) | st.sampled_from([-(1 << 53), 1 << 53])
parcels = st.lists(
    st.builds(
        Parcel,
        seller_id=st.sampled_from(["a", "B", "é"]),
        channel=st.just("naver"),
        account=st.just("main"),
        order_id=texts,
        shipment_id=texts,
        contents=st.dictionaries(texts, st.integers(1, 3), max_size=2),
        dispatched_at=numbers,
        dispatch_inferred=st.booleans(),
        carrier=st.none() | texts,
        status=st.sampled_from(["unknown", "delivered"]),
        status_at=numbers,
    ),
    max_size=8,
    unique_by=lambda row: (row.seller_id, row.order_id, row.shipment_id),
)
text_columns = st.sampled_from(["seller_id", "order_id", "shipment_id", "carrier", "status"])
number_columns = st.sampled_from(["dispatched_at", "status_at"])
conditions: st.SearchStrategy[tuple[Condition, ...]] = st.lists(
    st.one_of(
        st.builds(Equal, text_columns, texts),
        st.builds(Equal, st.just("dispatch_inferred"), st.booleans()),
        st.builds(AtLeast, number_columns, numbers.filter(lambda number: number is not None)),
        st.builds(Below, text_columns, texts),
        st.builds(StartsWith, text_columns, texts),
        st.builds(OneOf, text_columns, st.lists(texts, max_size=2).map(tuple)),
        st.builds(IsNone, st.sampled_from(["carrier", "dispatched_at"])),
        st.builds(IsNotNone, number_columns),
    ),
    max_size=2,
).map(tuple)
groups = st.lists(
    st.sampled_from(["seller_id", "carrier", "dispatched_at", "dispatch_inferred"]), max_size=2, unique=True
)
KEY = ("seller_id", "channel", "account", "order_id", "shipment_id")
orders = st.lists(
    st.sampled_from(["carrier", "-carrier", "dispatched_at", "-dispatched_at", "-order_id"]),
    max_size=2,
    unique_by=lambda name: name.removeprefix("-"),
).map(lambda first: (*first, *(name for name in KEY if f"-{name}" not in first)))


@SLOW
@given(rows=parcels, where=conditions, order=orders, limit=st.none() | st.integers(0, 4), data=st.data())
def test_any_page_is_the_same_everywhere(
    stored: Stored,
    rows: list[Parcel],
    where: tuple[Condition, ...],
    order: tuple[str, ...],
    limit: int | None,
    data: st.DataObject,
) -> None:
    memory = in_memory(rows)
    columns = [name.removeprefix("-") for name in order]
    pages = [None, *memory.columns(PARCELS, columns)]
    page: dict[str, Any] = {"order": order, "limit": limit, "after": data.draw(st.sampled_from(pages))}
    with stored.reading(rows) as reader:
        assert list(reader.select(PARCELS, where, **page)) == list(memory.select(PARCELS, where, **page))
        assert sorted(map(repr, reader.columns(PARCELS, columns, where))) == sorted(
            map(repr, memory.columns(PARCELS, columns, where))
        )


measures: st.SearchStrategy[list[Measure]] = st.lists(
    st.one_of(
        conditions.map(lambda where: count(*where)),
        st.builds(Measure, st.just("sum"), number_columns, conditions),
        st.builds(distinct, st.sampled_from(["carrier", "status_at"])),
        st.builds(smallest, st.sampled_from(["carrier", "status_at"])),
        st.builds(greatest, st.sampled_from(["carrier", "status_at"])),
    ),
    max_size=3,
)


@SLOW
@given(rows=parcels, where=conditions, figures=measures, by=groups)
def test_any_aggregate_is_the_same_everywhere(
    stored: Stored, rows: list[Parcel], where: tuple[Condition, ...], figures: list[Measure], by: list[str]
) -> None:
    if not figures and not by:
        return
    with stored.reading(rows) as reader:
        expected = in_memory(rows).aggregate(PARCELS, figures, where, by)
        assert reader.aggregate(PARCELS, figures, where, by) == expected
