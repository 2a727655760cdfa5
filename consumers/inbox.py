"""Deduplicates messages: the inbox keeps the key and digest of every message for ever.

A message sent again is a duplicate; the same id with other content is a conflict.  A fact with a business
key, such as a receipt, is the same whatever its source and message id are.
"""

from collections.abc import Sequence

from consumers.envelope import Inbound
from consumers.ports import Batch, Ledger, Outcome


class Inbox:
    """Finds repeated messages: those already in the ledger, or earlier in the same batch."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._digests: dict[bytes, bytes] = {}

    def look_up(self, messages: Sequence[Inbound]) -> list[Inbound]:
        """Looks up all messages of a batch in one query and returns the new ones."""
        keys = [message.key for message in messages]
        keys += [message.sent[0] for message in messages if message.sent is not None]
        self._digests = dict(self._ledger.seen_digests(keys))
        return [message for message in messages if self.repeat(message) is None]

    def repeat(self, message: Inbound) -> Outcome | None:
        """The outcome of a message that was seen before; None for a new one."""
        for key, digest in ((message.key, message.digest), message.sent or (b"", b"")):
            if (before := self._digests.get(key)) is not None:
                return Outcome.of(message, "duplicate" if before == digest else "conflict")
        return None

    def remember(self, message: Inbound, batch: Batch) -> None:
        """Adds the message to the batch, so that it counts as seen from now on."""
        self._digests[message.key] = message.digest
        batch.inbox.append((message.key, message.digest))
        batch.bodies.append(message.body)
        batch.vaulted += message.vaulted
