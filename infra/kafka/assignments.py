"""Which partitions of a member come and go, noted when the library says so, told when the worker polls."""


class Moves:
    def __init__(self) -> None:
        self.held: set[int] = set()
        """Those the worker was told of."""
        self.begun: set[int] = set()
        """Those he reads."""
        self._lost: set[int] = set()
        self._taken: set[int] = set()

    def came(self, partition: int) -> None:
        self._taken.add(partition)

    def went(self, partition: int) -> None:
        """He is not told of what came and went in between, but of what went and came again he is."""
        self._taken.discard(partition)
        self.begun.discard(partition)
        if partition in self.held:
            self.held.remove(partition)
            self._lost.add(partition)

    @property
    def waiting(self) -> bool:
        return bool(self._lost or self._taken)

    def told(self) -> tuple[list[int], list[int]]:
        """(lost, taken), each said once."""
        lost, taken = sorted(self._lost), sorted(self._taken)
        self._lost, self._taken = set(), set()
        self.held.update(taken)
        return lost, taken
