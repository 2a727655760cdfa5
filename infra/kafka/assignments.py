"""Tracks the assigned and revoked partitions of a member.

The rebalance callbacks of the client library note them; the worker gets them with its next poll.
"""


class Assignments:
    def __init__(self) -> None:
        self.held: set[int] = set()
        """Partitions that the worker knows are assigned."""
        self.reading: set[int] = set()
        """Partitions that the worker reads: `begin` was called."""
        self._revoked: set[int] = set()
        self._assigned: set[int] = set()

    def assigned(self, partition: int) -> None:
        self._assigned.add(partition)

    def revoked(self, partition: int) -> None:
        """Notes a revoked partition.

        A partition that was assigned and revoked between two polls is not reported.  One that was revoked and
        assigned again is reported as both.
        """
        self._assigned.discard(partition)
        self.reading.discard(partition)
        if partition in self.held:
            self.held.remove(partition)
            self._revoked.add(partition)

    @property
    def waiting(self) -> bool:
        """Whether there are changes that the worker has not got yet."""
        return bool(self._revoked or self._assigned)

    def take_changes(self) -> tuple[list[int], list[int]]:
        """The partitions (revoked, assigned) since the last call."""
        revoked, assigned = sorted(self._revoked), sorted(self._assigned)
        self._revoked, self._assigned = set(), set()
        self.held.update(assigned)
        return revoked, assigned
