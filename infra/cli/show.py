"""Prints rows as tables that fit the terminal, as JSON or as CSV."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from domain.values import decimals
from infra import csv_form
from projections.questions.as_of import AsOf

LIMIT: Final = 40
WRAPPED: Final = frozenset({"what", "why", "at", "message", "finding", "because of"})
"""Columns that wrap when a table is too wide."""

console = Console()
errors = Console(stderr=True)


def for_a_program(rows: Iterable[Mapping[str, Any]], as_json: bool, as_csv: bool) -> bool:
    """Prints the rows as JSON or CSV, if one of these is asked for.  Returns whether it has printed."""
    if as_json:
        in_json(rows)
    elif as_csv:
        sys.stdout.write(csv_form.as_csv(rows))
    return as_json or as_csv


def in_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """Prints one JSON array: instants in RFC 3339, decimal numbers as strings."""
    listed = [dict(row) for row in rows]
    sys.stdout.write(json.dumps(listed, ensure_ascii=False, indent=1, default=str) + "\n")


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, most: int = LIMIT, note: str = ""
) -> None:
    """Prints a table as wide as the terminal; numbers are right-aligned; `most` is the most rows."""
    listed = [[text_of(value) for value in row] for row in rows]
    columns, listed = _without_empty_columns(columns, listed)
    console.print(f"[bold]{title}[/]", highlight=False, soft_wrap=True)
    shown = Table(header_style="cyan", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for index, column in enumerate(columns):
        cells = [row[index] for row in listed[:most]]
        numbers = bool(cells) and all(_is_figure(cell) for cell in cells)
        longest = max((len(part) for part in (*column.split(), *cells)), default=0)
        narrowest = None if column in WRAPPED else longest
        justify: Literal["right", "left"] = "right" if numbers else "left"
        shown.add_column(column, justify=justify, overflow="fold", min_width=narrowest)
    for row in listed[:most]:
        shown.add_row(*row)
    console.print(Padding(shown, (0, 0, 0, 1)) if listed else "  nothing to show")
    if len(listed) > most:
        console.print(f"  … and {len(listed) - most:,} more; --json or --csv prints all of them", style="dim")
    if note:
        console.print(f"  {note}", style="dim")
    console.print()


def _without_empty_columns(
    columns: Sequence[str], rows: list[list[str]]
) -> tuple[Sequence[str], list[list[str]]]:
    """Drops the columns that have only empty cells and zeros."""
    kept = [i for i in range(len(columns)) if any(row[i] not in {"0", "", "–"} for row in rows)]
    return [columns[i] for i in kept], [[row[i] for i in kept] for row in rows]


def _is_figure(text: str) -> bool:
    return text in {"", "–"} or text.rstrip(" %").replace(",", "").replace(".", "").lstrip("-").isdigit()


def text_of(value: Any) -> str:
    """A value as text for a person."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else ""
        case int():
            return f"{value:,}"
        case Decimal():
            return f"{value:,.2f}"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def percent(rate: Decimal | None) -> str:
    return "not enough data" if rate is None else f"{rate * 100:.2f} %"


def money(amount: int | None, currency: str) -> str:
    """An amount of minor units in the currency's major unit: 1,234.50."""
    places = decimals(currency)
    return "–" if amount is None else f"{Decimal(amount).scaleb(-places):,.{places}f}"


def duration(seconds: Decimal | None) -> str:
    """A duration in days, hours, minutes or seconds, by its size."""
    if seconds is None:
        return "–"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def as_of(answer: AsOf) -> str:
    """The event and the instant for which an answer holds, as a note below a table."""
    return f"as of event {answer.as_of_position:,} and {answer.as_of.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def problem(what: str, kept: str, next_step: str) -> None:
    """Prints an error to standard error: what happened, what was kept, and what to do next."""
    errors.print(f"[bold red]{what}[/]")
    errors.print(f"  kept: {kept}")
    errors.print(f"  next: {next_step}")
