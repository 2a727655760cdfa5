"""Ledger and read models as HTTP asks them: off the event loop, and as up to date as is asked for."""

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
"""Questions that are answered at a time, and connections to each database."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.2
BEHIND: Final = 30_000_000
"""Microseconds after which what was committed must have been folded."""
LOOKED_AT: Final = 2_000
"""Commits that tell whether the read models are behind."""
Answer = TypeVar("Answer")

log = structlog.get_logger()


class ReadingLedger(PostgresLedger):
    """For several threads, none of which waits for a server that is away."""

    def __init__(self, url: str, schema: str) -> None:
        super().__init__(url, Origin(worker="http"), schema=schema)
        self._store.close()
        self._store = LedgerDatastore(url, schema, connections=READERS)

    def rows(self, statement: str, /, **params: Any) -> list[Any]:
        with self.reading() as reader:
            return reader.rows(statement, **params)


class Reads:
    """Asks on threads of its own: one that takes long is never more than one of a few."""

    def __init__(
        self,
        ledger: LedgerReader,
        read_models: ReadModels,
        settings: Settings | None,
        limits: Limits,
        clock: Clock,
    ) -> None:
        """`settings`: of production; none where everything is in partition 0."""
        self.ledger = ledger
        self.read_models = read_models
        self._settings = settings
        self._clock = clock
        self._folded_within_s = limits.folded_within_s
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reads")

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def ask(self, work: Callable[[], Answer]) -> Answer:
        """Raises: Problem, when the database does not answer."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (PersistenceError, SQLAlchemyError) as error:
            log.warning("question_unanswered", errors=type(error).__name__)
            raise Problem(
                503, "The database does not answer.", "Ask again in a moment.", retry_after_s=2
            ) from None

    @property
    def is_partitioned(self) -> bool:
        return self._settings is not None

    def partition(self, seller: str | None) -> int:
        if self._settings is None or seller is None:
            return 0
        return partition_of(seller, self._settings.partitions)

    async def folded(self, seller: str | None, position: int) -> None:
        """Returns once the read models hold what the ledger has of that seller up to the position.

        Raises: Problem, if that takes too long.
        """
        if self.is_partitioned and seller is None:
            said = "min_position is about one seller: each seller's events are folded by themselves."
            raise Problem(422, said, "Name the seller.")
        partition = self.partition(seller)
        until, pause = self._clock.monotonic() + self._folded_within_s, FIRST_PAUSE_S
        while not await self.ask(lambda: self._has(partition, position)):
            if self._clock.monotonic() > until:
                within = f"within {self._folded_within_s:g} s"
                raise Problem(
                    504,
                    f"The read models have not come to position {position} {within}.",
                    "Ask again in a moment, or without min_position for what they hold now.",
                    retry_after_s=1,
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _has(self, partition: int, position: int) -> bool:
        place = self.read_models.position(partition)
        if place >= position:
            return True
        if last_position(self.ledger) < position:
            return False
        own = last_position_begun_by(self.ledger, partition, position)
        return own is None or place >= min(own, position)

    def behind(self) -> str:
        """Why the read models are not up to date; nothing where they are."""
        places = self.read_models.positions()
        before = micros_of(self._clock.now()) - BEHIND
        late = [
            partition
            for partition, last in last_positions_before(self.ledger, before, LOOKED_AT).items()
            if last > places.get(partition, 0)
        ]
        return f"the read models are more than 30 s behind in {len(late)} partitions" if late else ""
