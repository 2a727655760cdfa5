"""Real data sets beside the repository: their folders, their reference answers, and a run of the engine.

The folders may hold other parts of the same sets: nothing here depends on their size.
"""

import json
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import islice
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, NoReturn

import pytest
import sqlalchemy as sa

from consumers.imports.messages import Message
from infra.convert import convert
from infra.embedded.writer import Embedded
from infra.settings import Settings
from infra.wiring.embedded import writing
from projections.orders.rows import ORDER_FACTS, ORDER_STATUS
from projections.questions.activity import ActivityAnswer, activity
from projections.questions.rows import RowReader

ROOT = Path(__file__).parents[2]
DATA = (ROOT / os.environ.get("JUMUN_REAL_DATA", "../shared/data")).resolve()
FOLDERS = {
    "olist": "olist",
    "online-retail": "online_retail",
    "scms": "scms",
    "ocel": "ocel_order_management",
}
SEED = 20_261_124
LEFT_OUT = ("position", "recorded_at")
"""Columns that depend on the position of the row's last event in the ledger."""

Differences = dict[str, tuple[Any, Any]]
"""The answers that differ from the reference: key to (answer, expected)."""


def reference() -> dict[str, Any]:
    """The reference answers.  Numbers keep their printed decimals."""
    files = sorted(DATA.glob("reference*.json"))
    if len(files) != 1:
        _skip(f"{DATA} has {len(files)} files named reference*.json instead of one")
    answers: dict[str, Any] = json.loads(files[0].read_text(), parse_float=Decimal)
    return answers


def lines(name: str) -> list[bytes]:
    """The messages of the set.  Skips the test without the folder; unreadable data fails the test."""
    folder = DATA / FOLDERS[name]
    if not folder.is_dir():
        _skip(f"there is no {folder}; JUMUN_REAL_DATA names the folder of the sets")
    began = monotonic()
    messages = list(convert(name, folder))
    say(f"{name}: {len(messages):,} messages converted in {monotonic() - began:.1f} s")
    return messages


def reference_answers(name: str, key: str) -> Any:
    """The reference answers under a key."""
    answers = reference().get(key)
    if answers is None:
        _skip(f"the reference has no answer for {key} ({name})")
    return answers


def _skip(reason: str) -> NoReturn:
    say(f"not run: {reason}")
    pytest.skip(reason)


def say(text: str) -> None:
    """Prints a line that `pytest -rA` shows, or any failed test."""
    print(f"\n[real data] {text}")


@dataclass
class Run:
    """An embedded system in a folder of its own, and the messages of a set."""

    embedded: Embedded
    lines: list[bytes]

    def ingest(self, messages: Iterable[bytes]) -> dict[str, int]:
        """Ingests the messages.  Returns how many got each state."""
        before = dict(self.embedded.engine.moved.states)
        began = monotonic()
        after = self.embedded.ingest(messages).states
        moved: dict[str, int] = {
            state: more for state, count in after.items() if (more := count - before.get(state, 0))
        }
        say(f"moved {moved} in {monotonic() - began:.1f} s")
        return moved

    def ask(self, answer: Callable[[RowReader], dict[str, Any]]) -> dict[str, Any]:
        with self.embedded.read_models.snapshot() as reader:
            return answer(reader)

    def orders(self) -> dict[Any, dict[str, Any]]:
        """All rows of `order_status` and `order_facts` by table and key, without the ledger position."""
        with self.embedded.read_models.reading() as connection:
            return {
                (table.name, *(row[name] for name in table.key)): row
                for table in (ORDER_STATUS, ORDER_FACTS)
                for row in _rows(connection, table)
            }

    def orders_unlike(self, other: "Run") -> list[Any]:
        """The first values of orders that differ from the other's.  (A diff of all rows takes minutes.)"""
        here, there = self.orders(), other.orders()
        assert here.keys() == there.keys()
        return list(
            islice(
                (
                    (*key, column, value, there[key][column])
                    for key, row in here.items()
                    for column, value in row.items()
                    if value != there[key][column]
                ),
                20,
            )
        )


def _rows(connection: sa.Connection, table: Any) -> list[dict[str, Any]]:
    rows = connection.execute(sa.text(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}"))
    return [
        {name: value for name, value in row.items() if name not in LEFT_OUT}
        for row in (dict(mapping) for mapping in rows.mappings())
    ]


@contextmanager
def run(home: Path, messages: list[bytes]) -> Generator[Run]:
    with writing(Settings(home=home), beside=True) as embedded:
        yield Run(embedded, messages)


def no_tick(messages: Iterable[bytes]) -> int:
    """The number of messages that get an outcome: all but ticks."""
    return sum(_kind(line) != "time-passed" for line in messages)


def _kind(line: bytes) -> str:
    kind: str = json.loads(line)["type"]
    return kind.removeprefix("jumun.inbound.").removesuffix(".v1")


def one_of(messages: list[bytes], *wanted: str, also: Callable[[Message], bool] = lambda _: True) -> bytes:
    """A seeded choice among the messages of these kinds that are not parts of a larger fact."""
    candidates = [line for line in messages if _kind(line) in wanted and b'"of":' not in line]
    return Random(SEED).choice([line for line in candidates if also(json.loads(line))])


def shuffled(messages: list[bytes]) -> list[bytes]:
    """Shuffles, by a seed, the messages of each order that lie between two ticks of its seller."""
    result = list(messages)
    indexes_by_seller: dict[str, dict[str, list[int]]] = {}
    random = Random(SEED)

    def mix(seller: str) -> None:
        for indexes in indexes_by_seller.pop(seller, {}).values():
            mixed = random.sample(indexes, len(indexes))
            for index, other in zip(indexes, mixed, strict=True):
                result[index] = messages[other]

    for index, line in enumerate(messages):
        message = json.loads(line)
        if message["type"].endswith("time-passed.v1"):
            mix(message["sellerid"])
        elif "order_id" in message["data"]:
            orders = indexes_by_seller.setdefault(message["sellerid"], {})
            orders.setdefault(message["data"]["order_id"], []).append(index)
    for seller in sorted(indexes_by_seller):
        mix(seller)
    return result


def facts(reader: RowReader) -> dict[str, ActivityAnswer]:
    """The activity of all sellers by kind.  It needs one currency per kind: others would be overwritten."""
    return {answer.kind: answer for answer in activity(reader)}


def printed(value: Decimal | None, like: Decimal | int, at_least: int = 0) -> Decimal | None:
    """`value` with the decimals of `like`.  The reference prints no zeros at the end, hence `at_least`."""
    exponent = like.as_tuple().exponent if isinstance(like, Decimal) else 0
    assert isinstance(exponent, int)
    digits = max(at_least, -exponent)
    return None if value is None else value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)


def differences(answers: dict[str, Any], expected: dict[str, Any]) -> Differences:
    """The answers that differ from the reference.  Reference answers without a question are only printed."""
    if unused := sorted(set(expected) - set(answers)):
        say(f"no question here covers these reference answers: {', '.join(unused)}")
    both = [key for key in expected if key in answers]
    assert both, "nothing to compare"
    return {key: (answers[key], expected[key]) for key in both if answers[key] != expected[key]}
