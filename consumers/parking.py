"""Parks messages that cannot be decided yet: their subject is not known, or a bug made them fail.

A later message for the same order or return waits behind the parked one, so their order is kept.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from consumers.envelope import Inbound
from consumers.ports import Batch, Ledger, Outcome, State, Waiting
from domain.catalogue import COMMANDS
from domain.streams import StreamId

PARKED_PER_SELLER: Final = 10_000
_OPENERS: Final = tuple(f'"type":"{name}"' for name, command in COMMANDS.items() if command.opens)


def opens(body: str) -> bool:
    """Whether a stored message opens its stream.

    Quotes inside a JSON text are escaped, so no text can match.
    """
    return any(opener in body for opener in _OPENERS)


class Parking:
    """The messages that wait at each stream: as committed, plus the changes of the batch so far."""

    def __init__(self, ledger: Ledger, per_seller: int) -> None:
        self._ledger = ledger
        self._per_seller = per_seller
        self._blocked: dict[StreamId, State] = dict(ledger.waits())
        self._number = ledger.next_number()
        self._waiting_counts: dict[str, int] = {}
        self.freed: list[StreamId] = []
        """Streams that have just become known: their waiting messages are decided again, in this order."""
        self.released: set[StreamId] = set()
        """Streams whose messages this batch has released, though the ledger still lists them as waiting."""

    def blocked_streams(self, state: State) -> Sequence[StreamId]:
        return [stream for stream, first_state in self._blocked.items() if first_state == state]

    def state_at(self, stream: StreamId) -> State | None:
        """The state of the first message that waits at this stream; None if nothing waits."""
        return self._blocked.get(stream)

    def free(self, stream: StreamId) -> None:
        """Marks the stream's parked messages to be decided again, because their subject is known now."""
        if self.state_at(stream) == "parked":
            self.freed.append(stream)

    def unblock(self, stream: StreamId) -> None:
        self._blocked.pop(stream, None)

    def refusal(self, seller: str) -> dict[str, int] | None:
        """The limit, if no more messages of this seller may wait; else None."""
        return {"limit": self._per_seller} if self._count(seller) >= self._per_seller else None

    def _count(self, seller: str) -> int:
        if seller not in self._waiting_counts:
            self._waiting_counts[seller] = self._ledger.waiting_count(seller)
        return self._waiting_counts[seller]

    def committed(self) -> None:
        """Drops the counts and releases of the batch: the ledger has them now."""
        self._waiting_counts = {}
        self.released = set()

    def park_behind(self, batch: Batch, message: Inbound, stream: StreamId) -> None:
        """Parks a message behind those that already wait at its stream."""
        first = self._blocked[stream]
        self.park(batch, message, stream, state="parked", reason=f"behind what waits at {stream}")
        self._blocked[stream] = first

    def park(  # noqa: PLR0913  the message, its stream, state and reason
        self,
        batch: Batch,
        message: Inbound,
        stream: StreamId,
        *,
        state: State,
        reason: str,
        entry: Waiting | None = None,
    ) -> None:
        """Parks a message in the queue of `stream`.

        `entry`: its former entry, if it was parked before; it keeps its number in the queue.
        """
        self._blocked[stream] = state
        was = entry.state if entry else None
        if was != state:
            rule = "failed" if state == "failed" else "too_early"
            batch.outcomes.append(Outcome.of(message, state, was, rule, {"reason": reason}))
        if entry is not None:
            if was != state or entry.waits_at != stream:
                batch.unparked.append(entry.number)
                batch.parked.append(replace(entry, waits_at=stream, state=state, reason=reason))
            return
        seller = message.envelope.sellerid
        self._waiting_counts[seller] = self._count(seller) + 1
        batch.parked.append(
            Waiting(
                number=self._number,
                waits_at=stream,
                seller_id=seller,
                key=message.key,
                digest=message.digest,
                body=message.body,
                state=state,
                reason=reason,
                since=message.envelope.time,
            )
        )
        self._number += 1
