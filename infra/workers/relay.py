"""The relay: the ledger is the outbox, and every row of it is told once and in order.

One transaction a chunk holds its records and the marks they come to; the transactional id fences off any
other relay.  What became of a chunk whose end was not seen is what the marks say afterwards.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import structlog

from consumers.ports import State
from infra import metrics
from infra.clock import Clock
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.reading.events import last_position
from infra.event_store.reading.waiting import failed_deadline_count, parked_counts
from infra.kafka.ports import Fenced, Kafka, Outgoing, TransactionalPublisher, Unreachable, Unsent
from infra.settings import Settings
from infra.workers.leader import LeaderElection
from infra.workers.outbox import Outbox, RelayCheckpoint
from infra.workers.relay_position import resume_checkpoint
from projections.instants import SECOND

STAGE: Final = "relay"
LOOK_EVERY_S: Final = 1.0
FIGURES_EVERY_S: Final = 15.0
CHECKPOINT_EVERY_S: Final = 12 * 3_600.0
"""The marks are offsets of a group without members, which expire; they are written again."""

log = structlog.get_logger()


class Relay:
    """One of several, all but one standing by."""

    def __init__(self, kafka: Kafka, ledger: PostgresLedger, settings: Settings, clock: Clock) -> None:
        self._kafka = kafka
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._group = settings.group(f"relay-{ledger.ledger_id}")
        self._topics = (settings.topic("ledger"), settings.topic("outcomes"))
        self._election = LeaderElection(kafka.member(self._topics[0], f"{self._group}-chair"), clock)
        self._looked_at = 0.0
        self._publisher: TransactionalPublisher | None = None
        self._outbox: Outbox | None = None
        self._written_at = self._clock.monotonic()
        self._figures_at = -FIGURES_EVERY_S

    def step(self, timeout_s: float) -> None:
        """Tells a chunk, if the chair is ours; waits for one where there is none.

        Raises: Disagrees.
        """
        try:
            if not self._is_leader(timeout_s):
                return
            if not self._publish():
                self._ledger.wait(min(timeout_s, LOOK_EVERY_S))
        except (Unreachable, Unsent) as error:
            log.warning("relay_reopened", errors=f"{type(error).__name__}: {error}"[:300])
            self._reopen()
            self._clock.sleep(min(timeout_s, 0.5))
        except Fenced:
            metrics.FENCED.labels(STAGE).inc()
            log.warning("relay_fenced")
            self._reopen()

    def close(self) -> None:
        self._reopen()
        self._election.close()

    def _is_leader(self, timeout_s: float) -> bool:
        if self._election.is_leader and self._clock.monotonic() - self._looked_at < LOOK_EVERY_S:
            return True
        held = self._election.poll(0.0 if self._election.is_leader else timeout_s)
        self._looked_at = self._clock.monotonic()
        metrics.ACTIVE.labels(STAGE).set(held)
        if not held:
            self._reopen()
        return held

    def _reopen(self) -> None:
        """What is open is given up; the marks are read anew before anything else is told."""
        with ExitStack() as closing:
            if self._publisher is not None:
                closing.callback(self._publisher.close)
            self._publisher = self._outbox = None

    def _publish(self) -> bool:
        """Whether there was something to tell."""
        if self._publisher is None or self._outbox is None:
            self._publisher = self._kafka.transactional_publisher(self._group, self._group, self._topics)
            checkpoint = resume_checkpoint(
                self._kafka, self._ledger, self._settings, self._publisher.checkpoints()
            )
            self._outbox = Outbox(self._ledger, self._settings, checkpoint)
            log.info("relay_begun", position=checkpoint.position, outcome=checkpoint.outcome)
        self._look(self._outbox.checkpoint)
        chunk = self._outbox.next()
        if chunk is None:
            if self._clock.monotonic() - self._written_at > CHECKPOINT_EVERY_S:
                self._write(self._publisher, [], self._outbox.checkpoint)
            return False
        began = self._clock.monotonic()
        self._write(self._publisher, chunk.records, chunk.checkpoint)
        self._outbox.published(chunk)
        metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - began)
        metrics.BATCH.labels(STAGE).observe(len(chunk.records))
        metrics.EVENTS.labels(STAGE).inc(len(chunk.records))
        metrics.POSITION.labels(STAGE).set(chunk.checkpoint.position)
        age = self._clock.now().timestamp() - chunk.recorded_at / SECOND
        metrics.LAG_SECONDS.labels(STAGE, "all").set(age)
        return True

    def _look(self, checkpoint: RelayCheckpoint) -> None:
        """Figures that only the ledger knows."""
        if self._clock.monotonic() - self._figures_at < FIGURES_EVERY_S:
            return
        self._figures_at = self._clock.monotonic()
        metrics.LAG_MESSAGES.labels(STAGE).set(last_position(self._ledger) - checkpoint.position)
        waiting = parked_counts(self._ledger)
        states: tuple[State, ...] = ("parked", "failed")
        for state in states:
            metrics.WAITING.labels(state).set(waiting.get(state, 0))
        metrics.FAILED_DEADLINES.set(failed_deadline_count(self._ledger))

    def _write(
        self, publisher: TransactionalPublisher, records: Sequence[Outgoing], checkpoint: RelayCheckpoint
    ) -> None:
        publisher.write(records, dict(zip(self._topics, checkpoint, strict=True)))
        self._written_at = self._clock.monotonic()
