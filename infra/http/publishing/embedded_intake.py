"""The embedded way in: one thread decides, and requests that come together are committed together."""

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
from infra.http.intake import IntakeBatch, Line, Sent, Unsure
from infra.http.messages import outcome_entry

STAGE: Final = "engine"
LOOK_S: Final = 1.0
OpenWriter = Callable[[], AbstractContextManager[Embedded]]

log = structlog.get_logger()


class Direct:
    """Implements Intake.  The one that writes to the embedded ledger."""

    def __init__(self, open_writer: OpenWriter, batch: int, clock: Clock) -> None:
        """`batch`: messages that one commit decides at most.

        Raises: InUse, and whatever keeps the ledger from being opened.
        """
        self._open_writer, self._batch = open_writer, batch
        self._clock = clock
        self._line = Line()
        self._opened: Future[None] = Future()
        self._trouble = "the engine has not begun"
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()
        self._opened.result()

    def take(self, messages: Sequence[Sent], after: int | None) -> IntakeBatch:
        taken = IntakeBatch(messages, after)
        self._line.put(taken)
        return taken

    def trouble(self) -> str:
        return self._trouble if self._thread.is_alive() else "the engine has stopped"

    def close(self) -> None:
        self._line.close()
        self._thread.join()

    def _run(self) -> None:
        """After any error all is opened anew: what the read models then lack is folded first."""
        while not self._line.over:
            try:
                with self._open_writer() as embedded:
                    self._trouble = ""
                    if not self._opened.done():
                        self._opened.set_result(None)
                    while not self._line.over:
                        self._decide(embedded, self._line.next(self._batch, LOOK_S))
            except BaseException as error:
                if not self._opened.done():
                    self._opened.set_exception(error)
                    return
                self._trouble = f"the engine begins anew ({type(error).__name__})"
                log.exception("engine_reopened")
                self._clock.sleep(LOOK_S)

    def _decide(self, embedded: Embedded, group: list[IntakeBatch]) -> None:
        """One commit for all of them, or for each slice of a long one."""
        if not group:
            return
        began = self._clock.monotonic()
        try:
            self._tell(embedded, group)
        except BaseException as error:
            for taken in group:
                taken.fail(Unsure(type(error).__name__))
            raise
        for taken in group:
            taken.came_through(done=True)
        metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - began)
        metrics.BATCH.labels(STAGE).observe(sum(len(taken.messages) for taken in group))

    def _tell(self, embedded: Embedded, group: list[IntakeBatch]) -> None:
        ledger, engine, slice_ = embedded.ledger, embedded.engine, self._batch
        last = last_outcome_number(ledger)
        whose = [(taken, at) for taken in group for at in range(len(taken.messages))]
        by_offset: dict[int, tuple[IntakeBatch, int]] = {}
        for start in range(0, len(whose), slice_):
            some = whose[start : start + slice_]
            by_offset |= dict(enumerate(some, engine.offset))
            engine.handle([taken.messages[at].raw for taken, at in some])
        for recorded in outcomes_of_new_messages(ledger, last):
            assert recorded.outcome.sent_offset is not None
            taken, at = by_offset[recorded.outcome.sent_offset]
            taken.outcomes[at] = outcome = outcome_entry(recorded)
            metrics.MESSAGES.labels(outcome.state).inc()
            if outcome.state == "refused" and outcome.rule:
                metrics.REFUSED.labels(outcome.rule).inc()
