"""Mends how kafka-python 3.0.12 joins a group.

The library joins in the background while `poll` waits. A join that is completed between two polls it throws
away. Either it joins again, which makes all others join again, so that members that are busy between their
polls never come to rest; or it believes that it has joined and stays without any partition.
From the join to the next poll it sends no heartbeat, so one that is busy for longer than its session is taken
for dead. And a named member that another has replaced it lets go on.

Where the broker that coordinates the group freezes (it takes connections and says nothing), the library tries
again and again to join there, though another one coordinates by then.
"""

from collections.abc import Awaitable, Callable, Generator
from typing import Any, cast

from kafka.errors import FencedInstanceIdError, KafkaConnectionError, RequestTimedOutError

from infra.kafka.kafka_python import library


class _Join:
    """A join under way; it counts as done only where it failed, so that its result is picked up."""

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


class _Coordinator(library.COORDINATOR):  # type: ignore[misc]  # it has no types
    kept: _Join | None = None

    @property
    def _join_task(self) -> _Join | None:
        return self.kept

    @_join_task.setter
    def _join_task(self, task: Any) -> None:
        self.kept = _Join(task) if task is not None else None

    async def _do_join_and_sync_async(self) -> Any:
        self.rejoin_needed = True  # until a poll picks the result up
        joined = cast("Awaitable[Any]", super()._do_join_and_sync_async())  # pyright: ignore[reportUnknownMemberType]
        try:
            assigned = await joined
        except (KafkaConnectionError, RequestTimedOutError) as silent:
            self.coordinator_dead(silent)  # so that it is looked up again
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
            self._async_commit_fenced = True  # what the next poll heeds
            raise


def mend(consumer: library.Consumer) -> library.Consumer:
    library.coordinator(consumer).__class__ = _Coordinator
    return consumer
