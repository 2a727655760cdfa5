"""Times the sides in turn on the same disk, takes medians, and compares each figure with another."""

import gc
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

DISK = Path(".benchmarks")
"""In the working directory, so on the disk of the project and not in a memory file system."""


@dataclass(slots=True)
class Run:
    """One run of one side.  `cpu_s` counts user and system time of all threads of this process."""

    pieces: int
    """Number of orders."""
    wall_s: float = 0
    cpu_s: float = 0
    commits_ms: list[float] = field(default_factory=list[float])

    @contextmanager
    def clocked(self) -> Generator[None]:
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall_s += time.perf_counter() - wall
        self.cpu_s += time.process_time() - cpu

    @property
    def per_second(self) -> float:
        return self.pieces / self.wall_s

    @property
    def per_cpu_second(self) -> float:
        return self.pieces / self.cpu_s


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, compared with another of the same run.  `bar` is the limit of their ratio."""

    part: str
    what: str
    unit: str
    value: float
    beside: float
    ratio: float
    spread: tuple[float, float]
    """Smallest and largest ratio of a single round."""
    bar: float | None = None
    at_least: bool = True

    @property
    def passed(self) -> bool | None:
        if self.bar is None:
            return None
        return self.ratio >= self.bar if self.at_least else self.ratio <= self.bar


def children_cpu_s() -> float:
    """CPU seconds that the child processes of this process have used so far."""
    ticks = 0
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split():
        after_name = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


Side = Callable[[Path], Run]
Runs = Mapping[str, list[Run]]


def alternately(sides: Mapping[str, Side], rounds: int) -> Runs:
    """Runs the sides in turn (A B A B), so that other load on the machine affects all sides equally."""
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            with folder() as new:
                runs[name].append(side(new))
    return runs


@contextmanager
def folder() -> Generator[Path]:
    DISK.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=DISK) as name:
        yield Path(name)


def beside(  # noqa: PLR0913  the two sides, their unit and the bar
    part: str,
    what: str,
    unit: str,
    values: Sequence[float],
    others: Sequence[float],
    *,
    bar: float | None = None,
    at_least: bool = True,
    upside_down: bool = False,
) -> Figure:
    """With `upside_down` a smaller value is better, and the ratio is `others` / `values`."""
    pairs = zip(others, values, strict=True) if upside_down else zip(values, others, strict=True)
    ratios = [one / other for one, other in pairs]
    value, other = median(values), median(others)
    ratio = other / value if upside_down else value / other
    return Figure(part, what, unit, value, other, ratio, (min(ratios), max(ratios)), bar, at_least)


def p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98] if len(values) > 1 else values[0]
