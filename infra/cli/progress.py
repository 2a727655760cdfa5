"""A bar with rate and remaining time, on a terminal; silence elsewhere."""

import gzip
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import typer
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from infra.cli.show import errors, problem

READ_AT_ONCE = 512 * 1024
"""A longer line is cut here: it is set aside for its length, and never held in memory whole."""

LONG = 512 * 1024


class Rate(ProgressColumn):
    """Messages a second."""

    def render(self, task: Task) -> Text:
        messages: int = task.fields.get("messages", 0)
        seconds = task.finished_time or task.elapsed or 0
        return Text(f"{messages / seconds:,.0f} messages/s" if seconds else "")


@contextmanager
def bar(what: str, total: int | None) -> Generator[Callable[[int, int], None]]:
    """Yields `step(amount, messages)`; `total` None: nobody knows how much there is."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %" if total else ""),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(what, total=total, messages=0)
        seen = 0

        def step(amount: int, messages: int) -> None:
            nonlocal seen
            seen += messages
            progress.update(task, advance=amount, messages=seen)

        yield step


class Source:
    """Lines of a file, a gzipped file or a pipe; `used` says how many bytes of it were read."""

    def __init__(self, raw: BinaryIO, *, size: int | None, gzipped: bool) -> None:
        self._raw = raw
        self.size = size
        self._lines: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if gzipped else raw

    @property
    def is_long(self) -> bool:
        """Whether a second process pays for its start."""
        return self.size is None or self.size > LONG

    @property
    def used(self) -> int:
        return self._raw.tell() if self.size is not None else 0

    def __iter__(self) -> Iterator[bytes]:
        """Of a line that is too long only the beginning is kept."""
        while line := self._lines.readline(READ_AT_ONCE):
            rest = line
            while len(rest) == READ_AT_ONCE and not rest.endswith(b"\n"):
                rest = self._lines.readline(READ_AT_ONCE)
            yield line


@contextmanager
def opened(name: str) -> Generator[Source]:
    """The file of that name; `-` is standard input.

    Raises: typer.Exit, when it cannot be read.
    """
    if name == "-":
        yield Source(sys.stdin.buffer, size=None, gzipped=False)
        return
    path = Path(name)
    try:
        raw = path.open("rb")
    except OSError as error:
        problem(f"{name} cannot be read: {error.strerror}.", "nothing was changed.", "check the path.")
        raise typer.Exit(2) from None
    with raw:
        yield Source(raw, size=path.stat().st_size, gzipped=path.suffix == ".gz")
