"""An outcome as a row: its decided, stored and hashed forms agree."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.ports import Carried, Decided, Outcome, RecordRef
from domain.stock.state import StockReceived
from domain.streams import StreamId
from infra.wire.stored_outcomes import OutcomeContent, StoredOutcome
from tests.given import NOON

CHAIR = StreamId("stock/acme/CHAIR")


def received(sequence: int) -> Decided:
    event = StockReceived(at=NOON, receipt_id="r", location="main", pieces=1, reason="purchase")
    return Decided("acme", sequence, CHAIR, sequence, event, Carried("shop in-1"), None)


EVENTS = [received(sequence) for sequence in (11, 12, 13)]


def test_the_events_that_a_message_caused_are_named_by_id_and_position() -> None:
    outcome = Outcome(
        "accepted", None, "acme", "shop", "1", "in", events=(1, 3), record_ref=RecordRef(4, "ab")
    )
    stored = OutcomeContent.of(outcome, EVENTS).stored(number=8, commit_number=5, first_position=101)
    assert stored == StoredOutcome(
        number=8,
        commit_number=5,
        state="accepted",
        was=None,
        seller_id="acme",
        source="shop",
        message_id="1",
        type="in",
        rule=None,
        data=None,
        retryable=0,
        sent_offset=4,
        sent_hash="ab",
        first_event="acme:12",
        last_event="acme:13",
        first_position=102,
        last_position=103,
    )


def test_a_message_that_caused_nothing_names_no_event() -> None:
    refused = Outcome(
        "refused", "parked", "acme", "shop", "1", "in", "more_than_open", {"open": 1}, retryable=True
    )
    stored = OutcomeContent.of(refused, EVENTS).stored(8, 5, 101)
    assert (stored.was, stored.rule, stored.data, stored.retryable) == (
        "parked", "more_than_open", '{"open": 1}', 1,
    )  # fmt: skip
    assert stored[11:] == (None,) * 6


texts = st.none() | st.text(max_size=5)


@given(
    first=st.integers(0, 2),
    length=st.integers(0, 3),
    rule=texts,
    data=st.dictionaries(st.text(max_size=3), st.integers() | texts, max_size=3),
    position=st.integers(1, 10**12),
)
def test_what_is_read_back_is_hashed_as_what_was_written(
    first: int, length: int, rule: str | None, data: dict[str, int | str | None], position: int
) -> None:
    events = (first, min(first + length, 3))
    outcome = Outcome("accepted", None, "acme", "shop", "1", "in", rule, data, events=events)
    content = OutcomeContent.of(outcome, EVENTS)
    assert content.stored(1, 1, position).content(position) == content
