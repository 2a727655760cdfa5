"""The inbox recognises messages of earlier batches and of the same batch."""

from consumers.envelope import Inbound, read
from consumers.inbox import Inbox
from consumers.ports import Batch, Outcome
from infra.event_store.memory import MemoryLedger
from tests.messages import placed, receipt


def inbound(raw: bytes) -> Inbound:
    message = read(raw, MemoryLedger().secret)
    assert isinstance(message, Inbound)
    return message


FIVE, SIX, ORDER = inbound(receipt(1, pieces=5)), inbound(receipt(1, pieces=6)), inbound(placed("1"))


def remembered(inbox: Inbox, message: Inbound) -> Batch:
    batch = Batch(0, 1)
    inbox.remember(message, batch)
    return batch


def test_a_new_message_is_no_repeat() -> None:
    inbox = Inbox(MemoryLedger())
    assert inbox.look_up([FIVE, ORDER]) == [FIVE, ORDER]
    assert inbox.repeat(FIVE) is None


def test_a_message_of_an_earlier_batch_is_a_duplicate_or_a_conflict() -> None:
    ledger = MemoryLedger()
    ledger.commit(remembered(Inbox(ledger), FIVE))
    inbox = Inbox(ledger)
    assert inbox.look_up([FIVE, SIX, ORDER]) == [ORDER]
    assert inbox.repeat(FIVE) == Outcome.of(FIVE, "duplicate")
    assert inbox.repeat(SIX) == Outcome.of(SIX, "conflict")
    assert inbox.repeat(ORDER) is None


def test_a_message_earlier_in_the_same_batch_is_recognised_too() -> None:
    inbox = Inbox(MemoryLedger())
    inbox.look_up([ORDER])
    batch = remembered(inbox, ORDER)
    assert inbox.repeat(ORDER) == Outcome.of(ORDER, "duplicate")
    assert batch.inbox == [(ORDER.key, ORDER.digest)]
    assert batch.bodies == [ORDER.body]


def test_a_receipt_that_an_earlier_build_stored_by_its_message_id_is_recognised() -> None:
    ledger = MemoryLedger()
    batch = Batch(0, 1)
    assert FIVE.sent is not None
    batch.inbox.append(FIVE.sent)
    ledger.commit(batch)
    inbox = Inbox(ledger)
    assert inbox.look_up([FIVE, SIX]) == []
    assert inbox.repeat(FIVE) == Outcome.of(FIVE, "duplicate")
    assert inbox.repeat(SIX) == Outcome.of(SIX, "conflict")
