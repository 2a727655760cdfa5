"""The embedded way in: one thread decides, and requests that come together are committed together."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final

import structlog

from infra import metrics
from infra.embedded.writer import Embedded, writing
from infra.event_store.reading.outcomes import last_outcome_number, outcomes_of_new_messages
from infra.http.intake import Line, Sent, Taken, Unsure
from infra.http.messages import told
from infra.settings import Settings

STAGE: Final = "engine"
LOOK_S: Final = 1.0

log = structlog.get_logger()


class Direct:
    """Implements Intake.  The one that writes to the embedded ledger."""

    def __init__(self, settings: Settings) -> None:
        """Raises: InUse, and whatever keeps the ledger from being opened."""
        self._settings = settings
        self._line = Line()
        self._opened: Future[None] = Future()
        self._trouble = "the engine has not begun"
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()
        self._opened.result()

    def take(self, messages: Sequence[Sent], after: int | None) -> Taken:
        taken = Taken(messages, after)
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
                with writing(self._settings) as embedded:
                    self._trouble = ""
                    if not self._opened.done():
                        self._opened.set_result(None)
                    while not self._line.over:
                        self._decide(embedded, self._line.next(self._settings.batch, LOOK_S))
            except BaseException as error:
                if not self._opened.done():
                    self._opened.set_exception(error)
                    return
                self._trouble = f"the engine begins anew ({type(error).__name__})"
                log.exception("engine_reopened")
                time.sleep(LOOK_S)

    def _decide(self, embedded: Embedded, group: list[Taken]) -> None:
        """One commit for all of them, or for each slice of a long one."""
        if not group:
            return
        began = time.monotonic()
        try:
            self._tell(embedded, group)
        except BaseException as error:
            for taken in group:
                taken.fail(Unsure(type(error).__name__))
            raise
        for taken in group:
            taken.came_through(done=True)
        metrics.COMMIT_SECONDS.labels(STAGE).observe(time.monotonic() - began)
        metrics.BATCH.labels(STAGE).observe(sum(len(taken.messages) for taken in group))

    def _tell(self, embedded: Embedded, group: list[Taken]) -> None:
        ledger, engine, slice_ = embedded.ledger, embedded.engine, self._settings.batch
        last = last_outcome_number(ledger)
        whose = [(taken, at) for taken in group for at in range(len(taken.messages))]
        by_offset: dict[int, tuple[Taken, int]] = {}
        for start in range(0, len(whose), slice_):
            some = whose[start : start + slice_]
            by_offset |= dict(enumerate(some, engine.offset))
            engine.handle([taken.messages[at].raw for taken, at in some])
        for recorded in outcomes_of_new_messages(ledger, last):
            assert recorded.outcome.sent_offset is not None
            taken, at = by_offset[recorded.outcome.sent_offset]
            taken.outcomes[at] = outcome = told(recorded)
            metrics.MESSAGES.labels(outcome.state).inc()
            if outcome.state == "refused" and outcome.rule:
                metrics.REFUSED.labels(outcome.rule).inc()
