"""The intake of the embedded mode: one thread decides; requests that wait together share a commit."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Final

import structlog

from infra import metrics
from infra.clock import Clock
from infra.embedded.writer import Embedded
from infra.event_store.reading.outcomes import last_outcome_number, outcomes_of_new_messages
from infra.http.intake import IntakeBatch, IntakeQueue, Sent, Unsure
from infra.http.messages import outcome_entry

STAGE: Final = "engine"
POLL_S: Final = 1.0
OpenWriter = Callable[[], AbstractContextManager[Embedded]]

log = structlog.get_logger()


class EmbeddedIntake:
    """Implements Intake.  It holds the single writer of the embedded ledger."""

    def __init__(self, open_writer: OpenWriter, batch: int, clock: Clock) -> None:
        """`batch`: the most messages that one commit decides.

        Raises: InUse, or any other error of opening the ledger.
        """
        self._open_writer, self._batch = open_writer, batch
        self._clock = clock
        self._queue = IntakeQueue()
        self._opened: Future[None] = Future()
        self._trouble = "the engine has not started yet"
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()
        self._opened.result()

    def take(self, messages: Sequence[Sent], after: int | None) -> IntakeBatch:
        batch = IntakeBatch(messages, after)
        self._queue.put(batch)
        return batch

    def trouble(self) -> str:
        return self._trouble if self._thread.is_alive() else "the engine has stopped"

    def close(self) -> None:
        self._queue.close()
        self._thread.join()

    def _run(self) -> None:
        """Decides until the queue is closed and empty.

        After any error it opens the ledger and the read models again; opening folds the events that the read
        models lack.
        """
        while not self._queue.over:
            try:
                with self._open_writer() as embedded:
                    self._trouble = ""
                    if not self._opened.done():
                        self._opened.set_result(None)
                    while not self._queue.over:
                        self._decide(embedded, self._queue.next(self._batch, POLL_S))
            except BaseException as error:
                if not self._opened.done():
                    self._opened.set_exception(error)
                    return
                self._trouble = f"the engine restarts after an error ({type(error).__name__})"
                log.exception("engine_reopened")
                self._clock.sleep(POLL_S)

    def _decide(self, embedded: Embedded, group: list[IntakeBatch]) -> None:
        """Decides the messages of these requests: in one commit, or one commit per slice if they are many."""
        if not group:
            return
        began = self._clock.monotonic()
        try:
            self._handle(embedded, group)
        except BaseException as error:
            for batch in group:
                batch.fail(Unsure(type(error).__name__))
            raise
        for batch in group:
            batch.succeed(done=True)
        metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - began)
        metrics.BATCH.labels(STAGE).observe(sum(len(batch.messages) for batch in group))

    def _handle(self, embedded: Embedded, group: list[IntakeBatch]) -> None:
        ledger, engine, slice_ = embedded.ledger, embedded.engine, self._batch
        last = last_outcome_number(ledger)
        entries = [(batch, at) for batch in group for at in range(len(batch.messages))]
        by_offset: dict[int, tuple[IntakeBatch, int]] = {}
        for start in range(0, len(entries), slice_):
            some = entries[start : start + slice_]
            by_offset |= dict(enumerate(some, engine.offset))
            engine.handle([batch.messages[at].raw for batch, at in some])
        for recorded in outcomes_of_new_messages(ledger, last):
            assert recorded.outcome.sent_offset is not None
            batch, at = by_offset[recorded.outcome.sent_offset]
            batch.outcomes[at] = outcome = outcome_entry(recorded)
            metrics.MESSAGES.labels(outcome.state).inc()
            if outcome.state == "refused" and outcome.rule:
                metrics.REFUSED.labels(outcome.rule).inc()
