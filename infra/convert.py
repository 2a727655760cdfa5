"""Converts folders of real order data into inbound messages, one JSON object per line (NDJSON).

A folder holds gzip-compressed CSV files.  The columns of a file decide which table it belongs to, not its
name. Several files of one table are read one after the other, sorted by name, so a part of a data set is
enough.
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
"""Is called from time to time with the number of messages made since the last call."""
STEP: Final = 1_000


class UnusableDataSet(Exception):
    """The folder lacks a table of the data set, or a row cannot be used; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """How the rows of a data set become messages, and which columns each table must have."""

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
    """The messages of the data set, one per line, in the order of time.

    Raises: UnusableDataSet, at once when files are missing, during iteration when a row cannot be used.
    """
    data_set = SETS.get(set_name)
    if data_set is None:
        msg = f"There is no data set called {set_name!r}; use one of: {', '.join(SETS)}."
        raise UnusableDataSet(msg)
    return _lines(data_set, _tables(data_set, folder), progress)


def _lines(data_set: DataSet, tables: Tables, progress: Progress | None) -> Iterator[bytes]:
    number = 0
    try:
        for number, message in enumerate(data_set.messages(tables), 1):
            yield _ENCODE(message).encode() + b"\n"
            if progress is not None and number % STEP == 0:
                progress(STEP)
    except (Unusable, OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        msg = f"The data cannot be read to the end: {error}."
        raise UnusableDataSet(msg) from error
    if progress is not None and number % STEP:
        progress(number % STEP)


def _tables(data_set: DataSet, folder: Path) -> Tables:
    """The rows of each table; ignores files that belong to no table of the set."""
    files: dict[str, list[Path]] = {name: [] for name in data_set.tables}
    seen: list[str] = []
    for file in sorted(folder.glob("*.csv.gz")):
        columns = _columns(file)
        seen.append(f"{file.name} ({', '.join(columns[:4])}, ...)")
        for name, wanted in data_set.tables.items():
            if wanted.issubset(columns):
                files[name].append(file)
    missing = [name for name, paths in files.items() if not paths and name not in data_set.optional]
    if missing:
        expected = "; ".join(f"{name} ({', '.join(sorted(data_set.tables[name]))})" for name in missing)
        seen_files = ", ".join(seen) or "none"
        msg = f"{folder} lacks a .csv.gz file with the columns of {expected}. Found: {seen_files}."
        raise UnusableDataSet(msg)
    return {name: chain.from_iterable(map(_rows, paths)) for name, paths in files.items()}


def _columns(file: Path) -> list[str]:
    try:
        for columns in _records(file):
            return columns
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{file} is not a gzip-compressed CSV file in UTF-8: {error}."
        raise UnusableDataSet(msg) from error
    return []


def _rows(file: Path) -> Iterator[Row]:
    """The rows as mappings by column.  Skips empty lines.

    Raises: Unusable, where a row has more or fewer fields than there are columns.
    """
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
