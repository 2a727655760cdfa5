"""Which partitions of a member come and go, noted when the library says so, told when the worker polls."""


class Assignments:
    def __init__(self) -> None:
        self.held: set[int] = set()
        """Those the worker was told of."""
        self.reading: set[int] = set()
        """Those he reads."""
        self._revoked: set[int] = set()
        self._assigned: set[int] = set()

    def assigned(self, partition: int) -> None:
        self._assigned.add(partition)

    def revoked(self, partition: int) -> None:
        """He is not told of what came and went in between, but of what went and came again he is."""
        self._assigned.discard(partition)
        self.reading.discard(partition)
        if partition in self.held:
            self.held.remove(partition)
            self._revoked.add(partition)

    @property
    def waiting(self) -> bool:
        return bool(self._revoked or self._assigned)

    def take_changes(self) -> tuple[list[int], list[int]]:
        """(lost, taken), each said once."""
        revoked, assigned = sorted(self._revoked), sorted(self._assigned)
        self._revoked, self._assigned = set(), set()
        self.held.update(assigned)
        return revoked, assigned
