"""Where messages wait: for their subject to become known, or for a bug to be mended.

Who comes after one that waits, for the same order or return, waits behind it, so that their order is kept.
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
    """Whether a kept message is what others may wait for.  Its quotes cannot stand inside a text."""
    return any(opener in body for opener in _OPENERS)


class Parking:
    """What waits at each place, as the ledger and the batch so far leave it."""

    def __init__(self, ledger: Ledger, per_seller: int) -> None:
        self._ledger = ledger
        self._per_seller = per_seller
        self._blocked: dict[StreamId, State] = dict(ledger.waits())
        self._number = ledger.next_number()
        self._of_seller: dict[str, int] = {}
        self.freed: list[StreamId] = []
        """Where some wait for what has just become known: they are to be tried again, in this order."""
        self.released: set[StreamId] = set()
        """Where some wait no longer since this batch began, though the ledger still lists them."""

    def blocked_streams(self, state: State) -> Sequence[StreamId]:
        return [stream for stream, waits in self._blocked.items() if waits == state]

    def state_at(self, stream: StreamId) -> State | None:
        """The state of the first that waits there; none where nothing waits."""
        return self._blocked.get(stream)

    def free(self, stream: StreamId) -> None:
        """What was waited for there is known now."""
        if self.state_at(stream) == "parked":
            self.freed.append(stream)

    def unblock(self, stream: StreamId) -> None:
        self._blocked.pop(stream, None)

    def refusal(self, seller: str) -> dict[str, int] | None:
        """The limit, where no more messages of this seller may wait."""
        return {"limit": self._per_seller} if self._count(seller) >= self._per_seller else None

    def _count(self, seller: str) -> int:
        if seller not in self._of_seller:
            self._of_seller[seller] = self._ledger.waiting_count(seller)
        return self._of_seller[seller]

    def committed(self) -> None:
        """The ledger counts who waits; what was released or dropped meanwhile waits no more."""
        self._of_seller = {}
        self.released = set()

    def behind(self, batch: Batch, message: Inbound, stream: StreamId) -> None:
        """The message waits for its turn."""
        first = self._blocked[stream]
        self.park(batch, message, stream, state="parked", reason=f"behind what waits at {stream}")
        self._blocked[stream] = first

    def park(  # noqa: PLR0913  who waits, where and why
        self,
        batch: Batch,
        message: Inbound,
        stream: StreamId,
        *,
        state: State,
        reason: str,
        entry: Waiting | None = None,
    ) -> None:
        """The message waits at `stream`; `entry`: it has waited before and goes back to its turn."""
        self._blocked[stream] = state
        if entry is not None and entry.state == state:
            return
        rule = "failed" if state == "failed" else "too_early"
        was = entry.state if entry else None
        batch.outcomes.append(Outcome.of(message, state, was, rule, {"reason": reason}))
        if entry is not None:
            batch.unparked.append(entry.number)
            batch.parked.append(replace(entry, state=state, reason=reason))
            return
        seller = message.envelope.sellerid
        self._of_seller[seller] = self._count(seller) + 1
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
