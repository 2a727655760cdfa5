"""Reads input files, and shows a progress bar with rate and remaining time if there is a terminal."""

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
"""A longer line is cut here, so that it never fills the memory.  The engine sets it aside as too long."""

LONG = 512 * 1024


class Rate(ProgressColumn):
    """The column with the rate in messages per second."""

    def render(self, task: Task) -> Text:
        messages: int = task.fields.get("messages", 0)
        seconds = task.finished_time or task.elapsed or 0
        return Text(f"{messages / seconds:,.0f} messages/s" if seconds else "")


@contextmanager
def bar(what: str, total: int | None) -> Generator[Callable[[int, int], None]]:
    """A progress bar.  Yields `step(amount, messages)`.  `total` None: the total is unknown."""
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
    """The lines of a file, a gzipped file or a pipe.  `used` is the number of bytes read so far."""

    def __init__(self, raw: BinaryIO, *, size: int | None, gzipped: bool) -> None:
        self._raw = raw
        self.size = size
        self._lines: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if gzipped else raw

    @property
    def is_long(self) -> bool:
        """Whether the input is long enough that a second process (the projector) saves time."""
        return self.size is None or self.size > LONG

    @property
    def used(self) -> int:
        return self._raw.tell() if self.size is not None else 0

    def __iter__(self) -> Iterator[bytes]:
        """The lines; of a line that is too long, only the beginning."""
        while line := self._lines.readline(READ_AT_ONCE):
            rest = line
            while len(rest) == READ_AT_ONCE and not rest.endswith(b"\n"):
                rest = self._lines.readline(READ_AT_ONCE)
            yield line


@contextmanager
def opened(name: str) -> Generator[Source]:
    """Opens the file of this name; `-` is standard input.

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
