"""A process that ingests a file and kills itself at a given point.

`python crashing.py HOME FILE POINT COUNT PROJECTOR`: POINT is a named point of a commit.  The process kills
itself with SIGKILL when it reaches the point for the COUNT-th time; with `-` never.  PROJECTOR is `within` or
`beside`.
"""

import os
import signal
import sys
from pathlib import Path

from infra.settings import Settings
from infra.wiring.embedded import writing


class Dying:
    """Counts how often the point is reached, and kills the process at the last time."""

    def __init__(self, point: str, count: int) -> None:
        self.point, self.left = point, count

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    home, file, point, count, projector = sys.argv[1:]
    chosen, dying = Settings(home=Path(home), batch=25), Dying(point, int(count))
    with writing(chosen, faults=dying, beside=projector == "beside") as embedded:
        print("ingesting", flush=True)
        embedded.ingest(Path(file).read_bytes().splitlines())


if __name__ == "__main__":
    main()
