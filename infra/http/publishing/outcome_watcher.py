"""Waits for the outcomes of published messages, with one query for all waiting requests."""

import threading
from hashlib import sha256
from typing import Final

import structlog
from eventsourcing.persistence import PersistenceError

from infra.clock import Clock
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.reading.outcomes import outcomes_of_messages
from infra.http.intake import IntakeBatch
from infra.http.messages import OutcomeEntry, outcome_entry
from infra.wire.stored_outcomes import StoredOutcome

POLL_S: Final = 0.25
PAUSE_S: Final = 0.02
GIVE_UP_AFTER_S: Final = 60.0
"""How long the watcher looks for an outcome: longer than any request waits."""
CLOSING_S: Final = 5.0
Name = tuple[str | None, str | None, str | None, str | None]
"""(seller, source, id, sha256 of the bytes)"""

log = structlog.get_logger()


def _name(outcome: StoredOutcome) -> Name:
    return outcome.seller_id, outcome.source, outcome.message_id, outcome.sent_hash


class OutcomeWatcher:
    """Polls the ledger on one thread and one connection, and completes the batches that wait."""

    def __init__(self, ledger: PostgresLedger, clock: Clock) -> None:
        """`ledger`: this object must be the only user of its connection."""
        self._ledger = ledger
        self._clock = clock
        self._followed: list[tuple[float, IntakeBatch]] = []
        self._delivered: set[int] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        self._thread.start()

    def follow(self, batch: IntakeBatch) -> None:
        with self._changed:
            self._followed.append((self._clock.monotonic() + GIVE_UP_AFTER_S, batch))
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(CLOSING_S)
        self._ledger.close()

    def _run(self) -> None:
        while followed := self._next():
            try:
                self._poll(followed)
                self._ledger.wait(POLL_S)
            except PersistenceError as error:
                log.warning("outcomes_unseen", errors=type(error).__name__)
            self._clock.sleep(PAUSE_S)  # commits may follow each other faster than one query takes

    def _next(self) -> list[IntakeBatch]:
        """The batches that still wait; blocks while there are none.  Empty once the watcher is closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._followed or self._closed)
                if self._closed:
                    return []
                now = self._clock.monotonic()
                self._followed = [
                    (until, batch) for until, batch in self._followed if not batch.done.done() and until > now
                ]
                if self._followed:
                    return [batch for _, batch in self._followed]
                self._delivered.clear()

    def _poll(self, followed: list[IntakeBatch]) -> None:
        wanted: dict[Name, list[tuple[IntakeBatch, int]]] = {}
        for batch in followed:
            for at, message in enumerate(batch.messages):
                if not message.is_tick and batch.outcomes[at] is None:
                    digest = sha256(message.raw).hexdigest()
                    name = (message.seller, message.source, message.id, digest)
                    wanted.setdefault(name, []).append((batch, at))
        if wanted:
            ids = sorted({name[2] for name in wanted if name[2] is not None})
            after = min(batch.after or 0 for batch in followed)
            for recorded in outcomes_of_messages(self._ledger, ids, after):
                self._deliver(outcome_entry(recorded), wanted.get(_name(recorded.outcome), []))
        for batch in followed:
            pairs = zip(batch.messages, batch.outcomes, strict=True)
            if not batch.done.done() and all(message.is_tick or outcome for message, outcome in pairs):
                batch.done.set_result(None)

    def _deliver(self, outcome: OutcomeEntry, wanted: list[tuple[IntakeBatch, int]]) -> None:
        """Gives the outcome to the first batch that waits for this message.

        The same message may have been sent twice: then each copy gets an outcome of its own.
        """
        for batch, at in wanted:
            free = batch.outcomes[at] is None and outcome.number not in self._delivered
            if free and outcome.number > (batch.after or 0):
                batch.outcomes[at] = outcome
                self._delivered.add(outcome.number)
                return
