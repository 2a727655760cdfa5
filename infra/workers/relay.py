"""The relay: publishes the events and outcomes of the ledger, each once and in order.

The ledger is the outbox.  Each chunk is one Kafka transaction of its records and the new checkpoint.  The
transactional id fences off any other relay.  If a transaction's result was lost, the relay reads the
checkpoint again, which shows whether it was committed.
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
POLL_EVERY_S: Final = 1.0
METRICS_EVERY_S: Final = 15.0
CHECKPOINT_EVERY_S: Final = 12 * 3_600.0
"""The checkpoint is stored as offsets of a group without members.

These expire, so they are written again.
"""

log = structlog.get_logger()


class Relay:
    """A relay; of several running relays only the leader publishes."""

    def __init__(self, kafka: Kafka, ledger: PostgresLedger, settings: Settings, clock: Clock) -> None:
        self._kafka = kafka
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._group = settings.group(f"relay-{ledger.ledger_id}")
        self._topics = (settings.topic("ledger"), settings.topic("outcomes"))
        self._election = LeaderElection(kafka.member(self._topics[0], f"{self._group}-chair"), clock)
        self._polled_at = 0.0
        self._publisher: TransactionalPublisher | None = None
        self._outbox: Outbox | None = None
        self._written_at = self._clock.monotonic()
        self._metrics_at = -METRICS_EVERY_S

    def step(self, timeout_s: float) -> None:
        """Publishes a chunk if this relay is the leader; waits for a commit if there is none.

        Raises: Disagrees.
        """
        try:
            if not self._is_leader(timeout_s):
                return
            if not self._publish():
                self._ledger.wait(min(timeout_s, POLL_EVERY_S))
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
        if self._election.is_leader and self._clock.monotonic() - self._polled_at < POLL_EVERY_S:
            return True
        is_leader = self._election.poll(0.0 if self._election.is_leader else timeout_s)
        self._polled_at = self._clock.monotonic()
        metrics.ACTIVE.labels(STAGE).set(is_leader)
        if not is_leader:
            self._reopen()
        return is_leader

    def _reopen(self) -> None:
        """Closes the publisher, so that the checkpoint is read again before the next chunk."""
        with ExitStack() as closing:
            if self._publisher is not None:
                closing.callback(self._publisher.close)
            self._publisher = self._outbox = None

    def _publish(self) -> bool:
        """Publishes the next chunk; returns whether there was one."""
        if self._publisher is None or self._outbox is None:
            self._publisher = self._kafka.transactional_publisher(self._group, self._group, self._topics)
            checkpoint = resume_checkpoint(
                self._kafka, self._ledger, self._settings, self._publisher.checkpoints()
            )
            self._outbox = Outbox(self._ledger, self._settings, checkpoint)
            log.info("relay_begun", position=checkpoint.position, outcome=checkpoint.outcome)
        self._update_metrics(self._outbox.checkpoint)
        chunk = self._outbox.next()
        if chunk is None:
            if self._clock.monotonic() - self._written_at > CHECKPOINT_EVERY_S:
                self._write(self._publisher, [], self._outbox.checkpoint)
            return False
        started_at = self._clock.monotonic()
        self._write(self._publisher, chunk.records, chunk.checkpoint)
        self._outbox.published(chunk)
        metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - started_at)
        metrics.BATCH.labels(STAGE).observe(len(chunk.records))
        metrics.EVENTS.labels(STAGE).inc(len(chunk.records))
        metrics.POSITION.labels(STAGE).set(chunk.checkpoint.position)
        age = self._clock.now().timestamp() - chunk.recorded_at / SECOND
        metrics.LAG_SECONDS.labels(STAGE, "all").set(age)
        return True

    def _update_metrics(self, checkpoint: RelayCheckpoint) -> None:
        """Updates the metrics that are read from the ledger."""
        if self._clock.monotonic() - self._metrics_at < METRICS_EVERY_S:
            return
        self._metrics_at = self._clock.monotonic()
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
