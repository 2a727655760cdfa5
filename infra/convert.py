"""Folders of real order data become inbound messages, NDJSON.

A folder holds gzip-compressed CSV.  Which table a file belongs to is seen from its columns, not its name,
and several files of one table follow on each other, sorted by name: so any part of a set can be read.
"""

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from consumers.imports import ocel, olist, online_retail, scms
from consumers.imports.messages import Message, Row, Tables
from consumers.imports.texts import Unusable

Progress = Callable[[int], None]
"""Told how many more messages have been made, now and then."""
STEP: Final = 1_000


class NotThere(Exception):
    """The folder does not hold what the set is made of; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """How a set's rows become messages, and which columns its tables have at least."""

    messages: Callable[[Tables], Iterator[Message]]
    tables: Mapping[str, frozenset[str]]
    optional: frozenset[str] = frozenset()


SETS: Final[Mapping[str, DataSet]] = {
    "olist": DataSet(olist.messages, olist.TABLES, olist.OPTIONAL),
    "online-retail": DataSet(online_retail.messages, online_retail.TABLES),
    "scms": DataSet(scms.messages, scms.TABLES),
    "ocel": DataSet(ocel.messages, ocel.TABLES),
}


def convert(set_name: str, folder: Path, progress: Progress | None = None) -> Iterator[bytes]:
    """The set's messages, one a line, in the order of time.

    Raises: NotThere, at once when files are missing, later when a row cannot be used.
    """
    chosen = SETS.get(set_name)
    if chosen is None:
        msg = f"There is no set called {set_name!r}; expected one of: {', '.join(SETS)}."
        raise NotThere(msg)
    return _lines(chosen, _tables(chosen, folder), progress)


def _lines(chosen: DataSet, tables: Tables, progress: Progress | None) -> Iterator[bytes]:
    number = 0
    try:
        for number, message in enumerate(chosen.messages(tables), 1):
            yield _ENCODE(message).encode() + b"\n"
            if progress is not None and number % STEP == 0:
                progress(STEP)
    except (Unusable, OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        msg = f"The data cannot be read to its end: {error}."
        raise NotThere(msg) from error
    if progress is not None and number % STEP:
        progress(number % STEP)


def _tables(chosen: DataSet, folder: Path) -> Tables:
    """The rows of each table; files of other tables are left alone."""
    files: dict[str, list[Path]] = {name: [] for name in chosen.tables}
    seen: list[str] = []
    for file in sorted(folder.glob("*.csv.gz")):
        columns = _columns(file)
        seen.append(f"{file.name} ({', '.join(columns[:4])}, ...)")
        for name, wanted in chosen.tables.items():
            if wanted.issubset(columns):
                files[name].append(file)
    missing = [name for name, found in files.items() if not found and name not in chosen.optional]
    if missing:
        expected = "; ".join(f"{name} ({', '.join(sorted(chosen.tables[name]))})" for name in missing)
        found_there = ", ".join(seen) or "none"
        msg = f"{folder} lacks a .csv.gz file with the columns of {expected}. Found: {found_there}."
        raise NotThere(msg)
    return {name: chain.from_iterable(map(_rows, found)) for name, found in files.items()}


def _columns(file: Path) -> list[str]:
    try:
        for columns in _records(file):
            return columns
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{file} is not a gzip-compressed CSV file in UTF-8: {error}."
        raise NotThere(msg) from error
    return []


def _rows(file: Path) -> Iterator[Row]:
    """Rows by column; an empty line is none, and a row of another length says so."""
    records = _records(file)
    columns = next(records)
    for number, record in enumerate(records, 2):
        if len(record) == len(columns):
            yield dict(zip(columns, record, strict=True))
        elif record:
            msg = f"{file.name}, record {number} has {len(record)} fields and not {len(columns)}"
            raise Unusable(msg)


def _records(file: Path) -> Iterator[list[str]]:
    with gzip.open(file, "rt", encoding="utf-8-sig", newline="") as text:
        yield from csv.reader(text)


_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
