"""Measures the duration of commits, at the points that the ledger names for crash tests."""

import time


class Stopwatch:
    """Called by the ledger at each named point of a commit."""

    def __init__(self) -> None:
        self.commits_ms: list[float] = []
        self._began = 0.0

    def __call__(self, point: str) -> None:
        if point == "ledger.before":
            self._began = time.perf_counter()
        elif point == "ledger.after":
            self.commits_ms.append((time.perf_counter() - self._began) * 1_000)
