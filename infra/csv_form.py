"""Formats rows as CSV, in the same way for the command line and for HTTP."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

_FORMULA: Final = frozenset("=+-@")


def as_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a header line.  Nested values are JSON; a text that a spreadsheet would run as a formula gets
    a quote in front."""
    out = io.StringIO()
    listed = list(rows)
    if listed:
        writer = csv.DictWriter(out, list(listed[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in listed)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, str) and value[:1] in _FORMULA and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
