"""Sees the outcomes that somebody waits for, by one query for all of them."""

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

LOOK_S: Final = 0.25
PAUSE_S: Final = 0.02
PATIENCE_S: Final = 60.0
"""How long an outcome is looked out for: longer than anybody waits."""
CLOSING_S: Final = 5.0
Name = tuple[str | None, str | None, str | None, str | None]
"""(seller, source, id, sha256 of the bytes)"""

log = structlog.get_logger()


def _name(outcome: StoredOutcome) -> Name:
    return outcome.seller_id, outcome.source, outcome.message_id, outcome.sent_hash


class OutcomeWatcher:
    """One thread, one connection."""

    def __init__(self, ledger: PostgresLedger, clock: Clock) -> None:
        """`ledger`: its one connection is used here alone."""
        self._ledger = ledger
        self._clock = clock
        self._followed: list[tuple[float, IntakeBatch]] = []
        self._given: set[int] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        self._thread.start()

    def follow(self, taken: IntakeBatch) -> None:
        with self._changed:
            self._followed.append((self._clock.monotonic() + PATIENCE_S, taken))
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
                self._look(followed)
                self._ledger.wait(LOOK_S)
            except PersistenceError as error:
                log.warning("outcomes_unseen", errors=type(error).__name__)
            self._clock.sleep(PAUSE_S)  # commits may follow each other faster than anybody can read

    def _next(self) -> list[IntakeBatch]:
        """Those who still wait; none once it is closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._followed or self._closed)
                if self._closed:
                    return []
                now = self._clock.monotonic()
                self._followed = [
                    (until, taken) for until, taken in self._followed if not taken.done.done() and until > now
                ]
                if self._followed:
                    return [taken for _, taken in self._followed]
                self._given.clear()

    def _look(self, followed: list[IntakeBatch]) -> None:
        wanted: dict[Name, list[tuple[IntakeBatch, int]]] = {}
        for taken in followed:
            for at, message in enumerate(taken.messages):
                if not message.is_tick and taken.outcomes[at] is None:
                    digest = sha256(message.raw).hexdigest()
                    name = (message.seller, message.source, message.id, digest)
                    wanted.setdefault(name, []).append((taken, at))
        if wanted:
            ids = sorted({name[2] for name in wanted if name[2] is not None})
            after = min(taken.after or 0 for taken in followed)
            for recorded in outcomes_of_messages(self._ledger, ids, after):
                self._give(outcome_entry(recorded), wanted.get(_name(recorded.outcome), []))
        for taken in followed:
            told_of = zip(taken.messages, taken.outcomes, strict=True)
            if not taken.done.done() and all(message.is_tick or outcome for message, outcome in told_of):
                taken.done.set_result(None)

    def _give(self, outcome: OutcomeEntry, wanted: list[tuple[IntakeBatch, int]]) -> None:
        """To the first who waits for one of that message: of two that are the same, each has its own."""
        for taken, at in wanted:
            free = taken.outcomes[at] is None and outcome.number not in self._given
            if free and outcome.number > (taken.after or 0):
                taken.outcomes[at] = outcome
                self._given.add(outcome.number)
                return
