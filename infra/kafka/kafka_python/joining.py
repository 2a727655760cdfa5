"""Corrects four faults in how kafka-python 3.0.12 joins a consumer group.

1. The library joins in the background while `poll` waits, and discards the result of a join that completes
between two polls.  Then either it joins again, and so makes all other members join again: members that are
busy between their polls never stop rebalancing.  Or it believes that it has joined, and has no partitions. 2.
Between the join and the next poll it sends no heartbeats.  A member that is busy for longer than its session
timeout is removed from the group. 3. A static member (one with a `group.instance.id`) continues after another
member has fenced it. 4. If the group coordinator freezes (it accepts connections but does not answer), the
library tries to join there again and again, although another broker has become the coordinator.
"""

from collections.abc import Awaitable, Callable, Generator
from typing import Any, cast

from kafka.errors import FencedInstanceIdError, KafkaConnectionError, RequestTimedOutError

from infra.kafka.kafka_python import library


class _Join:
    """A join in progress.  `is_done` is true only if it failed, so that the next poll uses its result."""

    def __init__(self, task: Any) -> None:
        self._task = task

    @property
    def is_done(self) -> bool:
        return bool(self._task.failed())

    def add_callback(self, call: Callable[[Any], object]) -> None:
        self._task.add_callback(call)

    def add_errback(self, call: Callable[[BaseException], object]) -> None:
        self._task.add_errback(call)

    def __await__(self) -> Generator[Any, Any, Any]:
        return cast("Generator[Any, Any, Any]", self._task.__await__())


class _Coordinator(library.COORDINATOR):  # type: ignore[misc]  # the library has no type annotations
    kept: _Join | None = None

    @property
    def _join_task(self) -> _Join | None:
        return self.kept

    @_join_task.setter
    def _join_task(self, task: Any) -> None:
        self.kept = _Join(task) if task is not None else None

    async def _do_join_and_sync_async(self) -> Any:
        self.rejoin_needed = True  # until a poll uses the result
        joined = cast("Awaitable[Any]", super()._do_join_and_sync_async())  # pyright: ignore[reportUnknownMemberType]
        try:
            assigned = await joined
        except (KafkaConnectionError, RequestTimedOutError) as error:
            self.coordinator_dead(error)  # so that the library looks the coordinator up again
            raise
        with self._lock:
            self.state = library.STABLE
            self._enable_heartbeat()
        return assigned

    async def _send_heartbeat_request(self) -> Any:
        sent = cast("Awaitable[Any]", super()._send_heartbeat_request())  # pyright: ignore[reportUnknownMemberType]
        try:
            return await sent
        except FencedInstanceIdError:
            self._async_commit_fenced = True  # makes the next poll raise the error
            raise


def patch_join(consumer: library.Consumer) -> library.Consumer:
    library.coordinator(consumer).__class__ = _Coordinator
    return consumer
