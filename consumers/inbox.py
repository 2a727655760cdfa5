"""The inbox knows each message for ever: sent again it is a duplicate, with other content a conflict."""

from collections.abc import Sequence

from consumers.envelope import Inbound
from consumers.ports import Batch, Ledger, Outcome


class Inbox:
    """The messages of a batch that are known, from before or from earlier in the batch."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._digests: dict[bytes, bytes] = {}

    def look_up(self, messages: Sequence[Inbound]) -> list[Inbound]:
        """Asks the ledger for all messages of a batch at once; those that are new."""
        self._digests = dict(self._ledger.seen_digests([message.key for message in messages]))
        return [message for message in messages if message.key not in self._digests]

    def repeat(self, message: Inbound) -> Outcome | None:
        """What becomes of a message that is known; None for a new one."""
        digest = self._digests.get(message.key)
        if digest is None:
            return None
        return Outcome.of(message, "duplicate" if digest == message.digest else "conflict")

    def remember(self, message: Inbound, batch: Batch) -> None:
        """From this batch on, the message is known."""
        self._digests[message.key] = message.digest
        batch.inbox.append((message.key, message.digest))
        batch.bodies.append(message.body)
        batch.vaulted += message.vaulted
