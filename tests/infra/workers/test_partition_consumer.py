"""The partitions of a group member: a problem with one partition does not stop the others."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, cast

from infra.clock import SYSTEM
from infra.kafka.ports import Member, Polled, Record, Unreachable
from infra.workers.lag import Lag
from infra.workers.partition_consumer import PartitionConsumer


class Scripted:
    """A fake member that returns scripted polls."""

    def __init__(self, *polls: Polled) -> None:
        self.polls = list(polls)
        self.paused: list[int] = []

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        del timeout_s, max_records
        return self.polls.pop(0)

    def begin(self, partition: int, offset: int) -> None: ...

    def pause(self, partitions: Collection[int]) -> None:
        self.paused += partitions

    def mark(self, offsets: Mapping[int, int]) -> None: ...


class Handled:
    """A fake handler that notes the offsets it gets.  It cannot start partition 1 at first."""

    retryable_errors: ClassVar[tuple[type[Exception], ...]] = (ValueError,)
    fenced_error: ClassVar[type[Exception]] = KeyError

    def __init__(self) -> None:
        self.offsets: dict[int, list[int]] = {}
        self.reachable = False

    def start_partition(self, partition: int, member: Member) -> int:
        del member
        if partition == 1 and not self.reachable:
            raise Unreachable("the cluster does not answer")
        return 0

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        self.offsets.setdefault(partition, []).extend(record.offset for record in records)

    def stop_partition(self, partition: int) -> None: ...


def record(partition: int, offset: int) -> Record:
    return Record(partition, offset, b"", (), 0)


def group(member: Scripted, handler: Handled) -> PartitionConsumer:
    lag = Lag(cast("Any", None), "engine", "group", "topic", SYSTEM)
    return PartitionConsumer(cast("Member", member), handler, SYSTEM, max_records=10, lag=lag)


def test_a_partition_that_cannot_start_does_not_stop_the_others() -> None:
    member = Scripted(
        Polled([], [0], {}),
        Polled([], [1], {0: [record(0, 0), record(0, 1)]}),
        Polled([], [], {0: [record(0, 2)]}),
    )
    handler = Handled()
    running = group(member, handler)
    for _ in range(3):
        running.step(0.0)
    assert handler.offsets == {0: [0, 1, 2]}
    assert member.paused == [1]


def test_records_of_a_revoked_partition_are_not_handled() -> None:
    member = Scripted(Polled([], [0], {}), Polled([0], [], {0: [record(0, 0)]}))
    handler = Handled()
    running = group(member, handler)
    running.step(0.0)
    running.step(0.0)
    assert handler.offsets == {}
