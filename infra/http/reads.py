"""Reads the ledger and the read models for HTTP, on threads, and waits for `min_position`."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import structlog
from eventsourcing.persistence import PersistenceError
from sqlalchemy.exc import SQLAlchemyError

from infra.clock import Clock
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.postgres.recorder import LedgerDatastore
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.commits import last_position_begun_by, last_positions_before
from infra.event_store.reading.events import last_position
from infra.event_store.rows import Origin
from infra.http.problems import Problem
from infra.http.request_limits import Limits
from infra.kafka.partitions import partition_of
from infra.read_models.store import ReadModels
from infra.settings import Settings
from projections.instants import micros_of

READERS: Final = 4
"""The number of threads for questions, and of connections to each database."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.2
LATE_AFTER: Final = 30_000_000
"""The read models are late if an event was committed this long ago and is not folded.  Unit: microseconds."""
COMMITS_CHECKED: Final = 2_000
"""The number of commits that the check for late read models looks at."""
Answer = TypeVar("Answer")

log = structlog.get_logger()


class ReadingLedger(PostgresLedger):
    """A ledger that several threads read.  If the server is unreachable, no thread waits for it."""

    def __init__(self, url: str, schema: str) -> None:
        super().__init__(url, Origin(worker="http"), schema=schema)
        self._store.close()
        self._store = LedgerDatastore(url, schema, connections=READERS)

    def rows(self, statement: str, /, **params: Any) -> list[Any]:
        with self.reading() as reader:
            return reader.rows(statement, **params)


class Reads:
    """Runs queries on a thread pool of its own, so that slow queries do not block the event loop."""

    def __init__(
        self,
        ledger: LedgerReader,
        read_models: ReadModels,
        settings: Settings | None,
        limits: Limits,
        clock: Clock,
    ) -> None:
        """`settings`: the settings of production; None in embedded mode, where all is in partition 0."""
        self.ledger = ledger
        self.read_models = read_models
        self._settings = settings
        self._clock = clock
        self._folded_within_s = limits.folded_within_s
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reads")

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def ask(self, work: Callable[[], Answer]) -> Answer:
        """Runs `work` on the thread pool.  Raises: Problem, when the database does not answer."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (PersistenceError, SQLAlchemyError) as error:
            log.warning("question_unanswered", errors=type(error).__name__)
            raise Problem(
                503, "The database does not answer.", "Try again in a moment.", retry_after_s=2
            ) from None

    @property
    def is_partitioned(self) -> bool:
        return self._settings is not None

    def partition(self, seller: str | None) -> int:
        if self._settings is None or seller is None:
            return 0
        return partition_of(seller, self._settings.partitions)

    async def folded(self, seller: str | None, position: int) -> None:
        """Waits until the read models include all events of this seller up to the position.

        Raises: Problem, if that takes too long.
        """
        if self.is_partitioned and seller is None:
            detail = "min_position needs a seller, because each partition is folded separately."
            raise Problem(422, detail, "Add the parameter `seller`.")
        partition = self.partition(seller)
        until, pause = self._clock.monotonic() + self._folded_within_s, FIRST_PAUSE_S
        while not await self.ask(lambda: self._is_folded(partition, position)):
            if self._clock.monotonic() > until:
                within = f"within {self._folded_within_s:g} s"
                raise Problem(
                    504,
                    f"The read models did not reach position {position} {within}.",
                    "Ask again in a moment, or without min_position for the current content.",
                    retry_after_s=1,
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _is_folded(self, partition: int, position: int) -> bool:
        folded = self.read_models.position(partition)
        if folded >= position:
            return True
        if last_position(self.ledger) < position:
            return False
        own = last_position_begun_by(self.ledger, partition, position)
        return own is None or folded >= min(own, position)

    def behind(self) -> str:
        """Why the read models are not up to date; empty if they are."""
        positions = self.read_models.positions()
        before = micros_of(self._clock.now()) - LATE_AFTER
        late = [
            partition
            for partition, last in last_positions_before(self.ledger, before, COMMITS_CHECKED).items()
            if last > positions.get(partition, 0)
        ]
        return f"the read models are more than 30 s behind in {len(late)} partitions" if late else ""
