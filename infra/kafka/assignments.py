"""Which partitions of a member come and go, noted when the library says so, told when the worker polls."""


class Assignments:
    def __init__(self) -> None:
        self.held: set[int] = set()
        """Those the worker was told of."""
        self.begun: set[int] = set()
        """Those he reads."""
        self._lost: set[int] = set()
        self._taken: set[int] = set()

    def assigned(self, partition: int) -> None:
        self._taken.add(partition)

    def revoked(self, partition: int) -> None:
        """He is not told of what came and went in between, but of what went and came again he is."""
        self._taken.discard(partition)
        self.begun.discard(partition)
        if partition in self.held:
            self.held.remove(partition)
            self._lost.add(partition)

    @property
    def waiting(self) -> bool:
        return bool(self._lost or self._taken)

    def take_changes(self) -> tuple[list[int], list[int]]:
        """(lost, taken), each said once."""
        lost, taken = sorted(self._lost), sorted(self._taken)
        self._lost, self._taken = set(), set()
        self.held.update(taken)
        return lost, taken
