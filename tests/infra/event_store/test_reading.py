"""The query functions of the ledger give the expected rows, with SQLite and with PostgreSQL."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from consumers.ports import Batch, Carried, Decided, Outcome, RecordRef, Waiting
from domain.deadlines import Timer
from domain.stock.state import StockReceived
from domain.streams import StreamId
from infra.event_store.chain import GENESIS, Commit, commit_hash, content_hash, message_bytes
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.reading import commits, events, identity, outcomes, sellers, waiting
from infra.event_store.rows import Origin
from infra.event_store.sql_ledger import SqlLedger
from infra.event_store.sqlite.ledger import SqliteLedger
from projections.instants import micros_of
from tests.clocks import SetClock
from tests.conftest import empty_schema
from tests.given import NOON

CHAIR, LAMP, SELF = StreamId("stock/acme/CHAIR"), StreamId("stock/acme/LAMP"), StreamId("seller/acme/self")
ABROAD = StreamId("stock/other/CHAIR")
SECOND, HOUR = NOON + timedelta(seconds=1), NOON + timedelta(hours=1)
DUE, LATER = NOON + timedelta(days=1), NOON + timedelta(days=2)
FIRST_WAITS = Waiting(1, LAMP, "acme", b"1" * 16, b"d" * 16, '{"n":1}', "parked", "early", NOON)
SECOND_WAITS = Waiting(2, CHAIR, "acme", b"2" * 16, b"d" * 16, '{"n":2}', "failed", "trace", SECOND)
ABROAD_WAITS = Waiting(1, ABROAD, "other", b"3" * 16, b"d" * 16, '{"n":3}', "parked", "early", SECOND)
SOON = Timer("soon", DUE, LAMP, "ship-by", "")
LATE = Timer("late", LATER, ABROAD, "ship-by", "")


def received(stream: StreamId, version: int, sequence: int) -> Decided:
    event = StockReceived(at=NOON, receipt_id="r", location="main", pieces=version, reason="purchase")
    return Decided(stream.seller, sequence, stream, version, event, Carried("shop in"), None)


def outcome(state: str, message_id: str | None, first: int = 0, end: int = 0, **more: object) -> Outcome:
    sender = {"seller_id": "acme", "source": "shop", "type": "in"} if message_id else {}
    facts = {"seller_id": None, "source": None, "type": None, **sender, "was": None, **more}
    return Outcome(state=state, message_id=message_id, events=(first, end), **facts)  # type: ignore[arg-type]


COMMITS = [
    # partition, batch, recorded at: positions 1 to 3 and outcomes 1 to 3
    (
        0,
        Batch(
            0,
            3,
            [received(CHAIR, 1, 1), received(CHAIR, 2, 2), received(LAMP, 1, 3)],
            [
                outcome("accepted", "m1", 0, 2, record_ref=RecordRef(0, "a")),
                outcome("accepted", "m2", 2, 3, record_ref=RecordRef(1, "b")),
                outcome("set_aside", None, rule="not_json", data={"byte": 1}, record_ref=RecordRef(2, "c")),
            ],
            bodies=["{1}", "{2}"],
            dead_letters=[b"garbage"],
            timers=[SOON],
            clocks={"": NOON},
            sequences={"acme": 3},
        ),
        NOON,
    ),
    # position 4 and outcome 4
    (
        1,
        Batch(
            0,
            1,
            [received(ABROAD, 1, 1)],
            [outcome("accepted", "m1", 0, 1, seller_id="other", record_ref=RecordRef(0, "a"))],
            parked=[ABROAD_WAITS],
            timers=[LATE],
            clocks={"": SECOND, "other": LATER},
            sequences={"other": 1},
        ),
        SECOND,
    ),
    # no event, outcomes 5 and 6
    (
        0,
        Batch(
            3,
            5,
            [],
            [
                outcome("duplicate", "m1", record_ref=RecordRef(3, "a")),
                outcome("parked", "m3", record_ref=RecordRef(4, "d")),
            ],
            parked=[FIRST_WAITS, SECOND_WAITS],
            failed_timers=[SOON],
        ),
        HOUR,
    ),
    # positions 5 to 7 and outcome 7
    (
        0,
        Batch(
            5,
            6,
            [received(LAMP, 2, 4), received(CHAIR, 3, 5), received(SELF, 1, 6)],
            [outcome("accepted", "m3", 0, 3, was="parked")],
            unparked=[1],
            failed_timers=[LATE],
            sequences={"acme": 6},
        ),
        HOUR,
    ),
]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlLedger]:
    clock = SetClock(NOON)
    origin = Origin("worker", "build", "topic", clock)
    with ExitStack() as closing:
        opened: SqlLedger
        if request.param == "sqlite":
            opened = SqliteLedger(str(tmp_path_factory.mktemp("read") / "ledger.sqlite"), origin)
        else:
            url: str = request.getfixturevalue("postgres_url")
            schema = closing.enter_context(empty_schema(url))
            opened = PostgresLedger(url, origin, schema=schema)
        closing.callback(opened.close)
        for partition, batch, at in COMMITS:
            clock.time = at
            opened.of(partition).commit(batch)
        yield opened


def test_commits_are_read_in_their_order_and_chained(ledger: SqlLedger) -> None:
    rows = commits.all_commits(ledger)
    assert [(row.number, row.partition, row.from_offset, row.next_offset) for row in rows] == [
        (1, 0, 0, 3), (2, 1, 0, 1), (3, 0, 3, 5), (4, 0, 5, 6),
    ]  # fmt: skip
    assert [(row.first_position, row.last_position, row.event_count) for row in rows] == [
        (1, 3, 3), (4, 4, 1), (5, 4, 0), (5, 7, 3),
    ]  # fmt: skip
    assert [(row.first_outcome, row.last_outcome, row.outcome_count) for row in rows] == [
        (1, 3, 3), (4, 4, 1), (5, 6, 2), (7, 7, 1),
    ]  # fmt: skip
    assert [row.recorded_at for row in rows] == [micros_of(at) for _, _, at in COMMITS]
    assert {(row.worker, row.build, row.topic_id) for row in rows} == {("worker", "build", "topic")}
    previous = {0: GENESIS, 1: GENESIS}
    for row in rows:
        assert row.hash == commit_hash(previous[row.partition], row, content(ledger, row))
        previous[row.partition] = row.hash


def content(ledger: SqlLedger, commit: Commit) -> bytes:
    rows = outcomes.outcomes_between(ledger, commit.first_outcome, commit.last_outcome)
    states = [e.state for e in events.events_between(ledger, commit.first_position, commit.last_position)]
    kept = message_bytes(commits.message_bodies(ledger, commit.number))
    return content_hash(kept, [one.content(commit.first_position) for one in rows], states)


def test_the_messages_of_a_commit_are_stored_as_lines(ledger: SqlLedger) -> None:
    assert message_bytes(commits.message_bodies(ledger, 1)) == b"{1}\n{2}"
    assert commits.message_bodies(ledger, 2) == []


def test_commits_after_one_come_in_slices(ledger: SqlLedger) -> None:
    assert [row.number for row in commits.commits_after(ledger, 1, 2)] == [2, 3]
    assert commits.commits_after(ledger, 4, 2) == []


def test_the_last_commit_up_to_a_position_and_an_outcome(ledger: SqlLedger) -> None:
    numbers = {
        end: commit.number if (commit := commits.last_commit_up_to(ledger, *end)) else None
        for end in [(0, 0), (3, 3), (4, 4), (4, 6), (4, 5), (6, 9), (7, 7)]
    }
    assert numbers == {(0, 0): None, (3, 3): 1, (4, 4): 2, (4, 6): 3, (4, 5): 2, (6, 9): 3, (7, 7): 4}
    by_position = commits.last_commit_up_to(ledger, 4)
    assert by_position is not None
    assert by_position.last_outcome == 6


def test_the_ends_of_ledger_and_partitions(ledger: SqlLedger) -> None:
    assert commits.ledger_end(ledger) == (7, micros_of(HOUR))
    assert events.last_position(ledger) == 7
    assert commits.last_positions(ledger) == {0: 7, 1: 4}
    assert commits.last_positions(ledger, 4) == {0: 3, 1: 4}
    assert commits.last_positions_before(ledger, micros_of(HOUR), 10) == {0: 3, 1: 4}
    assert commits.last_positions_before(ledger, micros_of(HOUR), 1) == {1: 4}
    assert [commits.last_position_begun_by(ledger, 0, at) for at in (0, 1, 4, 5)] == [None, 3, 3, 7]
    assert commits.last_position_begun_by(ledger, 2, 7) is None


def test_a_partition_is_read_in_pieces_of_commits_with_events(ledger: SqlLedger) -> None:
    assert commits.next_commit_range(ledger, 0, 0, 7, 1) == (1, 3)
    assert commits.next_commit_range(ledger, 0, 1, 7, 9) == (4, 7)
    assert commits.next_commit_range(ledger, 0, 0, 4, 9) == (1, 3)


def test_the_outcomes_of_a_span_of_time_are_a_range(ledger: SqlLedger) -> None:
    noon, second, hour = micros_of(NOON), micros_of(SECOND), micros_of(HOUR)
    assert commits.outcomes_recorded_between(ledger, noon, second) == (1, 3)
    assert commits.outcomes_recorded_between(ledger, second, hour + 1) == (4, 7)
    assert commits.outcomes_recorded_between(ledger, hour + 1, hour + 2) is None


def test_events_are_read_by_position_and_by_partition(ledger: SqlLedger) -> None:
    rows = events.events_between(ledger, 2, 4)
    assert [(row.position, row.stream, row.version) for row in rows] == [
        (2, CHAIR, 2), (3, LAMP, 1), (4, ABROAD, 1),
    ]  # fmt: skip
    assert {row.topic for row in rows} == {"jumun.stock.received.v1"}
    assert rows[0] == events.event_at(ledger, 2)
    assert events.event_at(ledger, 8) is None
    every = events.events_after(ledger, 2, 3)
    assert [(row.position, row.recorded_at) for row in every] == [
        (3, micros_of(NOON)), (4, micros_of(SECOND)), (5, micros_of(HOUR)),
    ]  # fmt: skip
    own = events.partition_events(ledger, 0, 1, 6, 9)
    assert [row.position for row in own] == [2, 3, 5, 6]
    assert [row.position for row in events.partition_events(ledger, 0, 1, 6, 2)] == [2, 3]
    assert own[1] == every[0]


def test_the_story_of_a_stream_has_follow_ups_on_other_streams_but_not_on_the_seller(
    ledger: SqlLedger,
) -> None:
    assert [row.position for row in events.story(ledger, LAMP, 9)] == [3, 5, 6]
    assert [row.position for row in events.story(ledger, LAMP, 2)] == [3, 5]
    assert [row.position for row in events.story(ledger, CHAIR, 9)] == [1, 2, 5, 6]


def test_an_outcome_is_read_with_all_columns(ledger: SqlLedger) -> None:
    (row,) = outcomes.outcomes_between(ledger, 3, 3)
    assert row == (
        3, 1, "set_aside", None, None, None, None, None, "not_json", '{"byte": 1}', 0, 2, "c",
        None, None, None, None,
    )  # fmt: skip
    (freed,) = outcomes.outcomes_between(ledger, 7, 7)
    assert (freed.was, freed.first_event, freed.last_event) == ("parked", "acme:4", "acme:6")
    assert (freed.first_position, freed.last_position) == (5, 7)
    assert outcomes.last_outcome_number(ledger) == 7


def test_the_history_of_a_message_has_no_outcomes_of_its_duplicates(ledger: SqlLedger) -> None:
    assert numbers(outcomes.message_history(ledger, "acme", "shop", "m1", 9)) == [1]
    assert outcomes.message_states(ledger, "acme", "shop", "m1") == {"accepted": 1, "duplicate": 1}
    third = outcomes.message_history(ledger, "acme", "shop", "m3", 9)
    assert [(one.outcome.state, one.recorded_at) for one in third] == [
        ("parked", micros_of(HOUR)), ("accepted", micros_of(HOUR)),
    ]  # fmt: skip
    assert outcomes.message_history(ledger, "acme", "elsewhere", "m1", 9) == []


def numbers(rows: list[outcomes.RecordedOutcome]) -> list[int]:
    return [row.outcome.number for row in rows]


def test_outcomes_are_read_by_seller_and_by_message_id(ledger: SqlLedger) -> None:
    assert numbers(outcomes.seller_outcomes(ledger, "acme", 1, 6, 9)) == [2, 5, 6]
    assert numbers(outcomes.seller_outcomes(ledger, "acme", 1, 6, 1)) == [2]
    assert numbers(outcomes.outcomes_of_new_messages(ledger, 3)) == [4, 5, 6]
    if isinstance(ledger, PostgresLedger):
        assert numbers(outcomes.outcomes_of_messages(ledger, ["m1", "m2"], 1)) == [2, 4, 5]


def test_each_message_is_in_exactly_one_state(ledger: SqlLedger) -> None:
    everybody = {"accepted": 4, "duplicate": 1, "set_aside": 1, "parked": 0}
    assert outcomes.message_counts(ledger, None) == everybody
    assert outcomes.message_counts(ledger, ["other"]) == {"accepted": 1}
    assert outcomes.message_counts(ledger, ["acme", "other"]) == {"accepted": 4, "duplicate": 1, "parked": 0}


def test_outcomes_that_were_not_accepted_come_newest_first(ledger: SqlLedger) -> None:
    assert [row.number for row in outcomes.last_not_accepted(ledger, None, 9)] == [6, 3]
    assert [row.number for row in outcomes.last_not_accepted(ledger, "acme", 9)] == [6]
    assert [row.number for row in outcomes.last_not_accepted(ledger, None, 1)] == [6]


def test_parked_messages_are_listed_by_partition_and_number(ledger: SqlLedger) -> None:
    failed = waiting.ParkedMessage(0, 2, "failed", "acme", CHAIR, "trace", SECOND)
    abroad = waiting.ParkedMessage(1, 1, "parked", "other", ABROAD, "early", SECOND)
    assert waiting.parked_messages(ledger) == [failed, abroad]
    assert waiting.parked_messages(ledger, ["other"]) == [abroad]
    assert waiting.parked_messages(ledger, after=(0, 2)) == [abroad]
    assert waiting.parked_messages(ledger, limit=1) == [failed]
    assert waiting.parked_message(ledger, 0, 2) == SECOND_WAITS
    assert waiting.parked_message(ledger, 0, 1) is None
    assert waiting.parked_counts(ledger) == {"failed": 1, "parked": 1}
    assert sorted(waiting.parked_ages(ledger)) == [("failed", 1, SECOND), ("parked", 1, SECOND)]


def test_failed_deadlines_are_listed_the_earliest_first(ledger: SqlLedger) -> None:
    soon = waiting.FailedDeadline(0, "acme", LAMP, "ship-by", DUE)
    late = waiting.FailedDeadline(1, "other", ABROAD, "ship-by", LATER)
    assert waiting.failed_deadlines(ledger, None) == [soon, late]
    assert waiting.failed_deadlines(ledger, "other") == [late]
    assert waiting.failed_timers(ledger, 0, None) == [SOON]
    assert waiting.failed_timers(ledger, 1, "acme") == []
    assert waiting.failed_deadline_count(ledger) == 2


def test_the_last_tick_is_of_the_live_sellers_of_any_partition(ledger: SqlLedger) -> None:
    assert waiting.last_tick_decided(ledger) == SECOND


def test_the_ledger_and_its_sellers(ledger: SqlLedger) -> None:
    assert identity.ledger_id_of(ledger) == ledger.ledger_id
    assert sellers.seller_partitions(ledger) == {"acme": 0, "other": 1}


def test_several_queries_may_see_one_state_of_the_ledger(ledger: SqlLedger) -> None:
    with ledger.reading() as reader:
        assert events.last_position(reader) == commits.ledger_end(reader).position == 7
