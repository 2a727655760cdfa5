"""Real sets beside the repository: where they are, what is known of them, and a whole run of the engine.

Other parts of the same sets can be put in the same place; nothing here knows how much is in them.
"""

import json
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, NoReturn

import pytest
import sqlalchemy as sa

from consumers.imports.messages import Message
from infra.convert import convert
from infra.embedded.writer import Embedded
from infra.read_models import queries
from infra.read_models.queries import ActivityAnswer
from infra.settings import Settings
from infra.wiring.embedded import writing
from projections.orders.rows import ORDER_FACTS, ORDER_STATUS

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
"""Columns that tell where in the ledger a row's last event stands."""

Differences = dict[str, tuple[Any, Any]]
"""What was answered and what was expected, where they are not the same."""


def reference() -> dict[str, Any]:
    """The answers known of the data; numbers as they are printed."""
    files = sorted(DATA.glob("reference*.json"))
    if len(files) != 1:
        _skip(f"{DATA} holds {len(files)} files called reference*.json, and not one")
    found: dict[str, Any] = json.loads(files[0].read_text(), parse_float=Decimal)
    return found


def lines(name: str) -> list[bytes]:
    """The set's messages.  Not run without the folder; data that cannot be read is a failure."""
    folder = DATA / FOLDERS[name]
    if not folder.is_dir():
        _skip(f"there is no {folder}; JUMUN_REAL_DATA names where the sets are")
    began = monotonic()
    found = list(convert(name, folder))
    say(f"{name}: {len(found):,} messages converted in {monotonic() - began:.1f} s")
    return found


def known(name: str, key: str) -> Any:
    """The reference's answers under a key."""
    found = reference().get(key)
    if found is None:
        _skip(f"the reference says nothing of {key} ({name})")
    return found


def _skip(reason: str) -> NoReturn:
    say(f"not run: {reason}")
    pytest.skip(reason)


def say(text: str) -> None:
    """Shown with `pytest -rA`, or when a test fails."""
    print(f"\n[real data] {text}")


@dataclass
class Run:
    """A home that a set was ingested into."""

    embedded: Embedded
    lines: list[bytes]

    def ingest(self, messages: Iterable[bytes]) -> dict[str, int]:
        """How many messages came to which state this time."""
        before = dict(self.embedded.engine.moved.states)
        began = monotonic()
        after = self.embedded.ingest(messages).states
        moved: dict[str, int] = {
            state: more for state, count in after.items() if (more := count - before.get(state, 0))
        }
        say(f"moved {moved} in {monotonic() - began:.1f} s")
        return moved

    def ask(self, answer: Callable[[sa.Connection], dict[str, Any]]) -> dict[str, Any]:
        with self.embedded.read_models.reading() as connection:
            return answer(connection)

    def orders(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """All rows of `order_status` and `order_facts`, but for where they stand in the ledger."""
        with self.embedded.read_models.reading() as connection:
            return _rows(connection, ORDER_STATUS), _rows(connection, ORDER_FACTS)


def _rows(connection: sa.Connection, table: Any) -> list[dict[str, Any]]:
    found = connection.execute(sa.text(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}"))
    return [
        {name: value for name, value in row.items() if name not in LEFT_OUT}
        for row in (dict(mapping) for mapping in found.mappings())
    ]


@contextmanager
def run(home: Path, messages: list[bytes]) -> Generator[Run]:
    with writing(Settings(home=home), beside=True) as embedded:
        yield Run(embedded, messages)


def no_tick(messages: Iterable[bytes]) -> int:
    """How many of them have an outcome."""
    return sum(_kind(line) != "time-passed" for line in messages)


def _kind(line: bytes) -> str:
    kind: str = json.loads(line)["type"]
    return kind.removeprefix("jumun.inbound.").removesuffix(".v1")


def one_of(messages: list[bytes], *wanted: str, also: Callable[[Message], bool] = lambda _: True) -> bytes:
    """A seeded choice among messages of these kinds that are a whole fact of their own."""
    found = [line for line in messages if _kind(line) in wanted and b'"of":' not in line]
    return Random(SEED).choice([line for line in found if also(json.loads(line))])


def shuffled(messages: list[bytes]) -> list[bytes]:
    """Seeded: the messages of each order between two ticks of its seller in another order."""
    result = list(messages)
    places: dict[str, dict[str, list[int]]] = {}
    random = Random(SEED)

    def mix(seller: str) -> None:
        for found in places.pop(seller, {}).values():
            mixed = random.sample(found, len(found))
            for place, other in zip(found, mixed, strict=True):
                result[place] = messages[other]

    for place, line in enumerate(messages):
        message = json.loads(line)
        if message["type"].endswith("time-passed.v1"):
            mix(message["sellerid"])
        elif "order_id" in message["data"]:
            orders = places.setdefault(message["sellerid"], {})
            orders.setdefault(message["data"]["order_id"], []).append(place)
    for seller in sorted(places):
        mix(seller)
    return result


def facts(connection: sa.Connection) -> dict[str, ActivityAnswer]:
    """The activity of all sellers by kind; kinds of several currencies would stand twice."""
    return {answer.kind: answer for answer in queries.activity(connection)}


def printed(value: Decimal | None, like: Decimal | int, at_least: int = 0) -> Decimal | None:
    """`value` with as many decimals as the reference prints (which leaves noughts at the end out)."""
    exponent = like.as_tuple().exponent if isinstance(like, Decimal) else 0
    assert isinstance(exponent, int)
    digits = max(at_least, -exponent)
    return None if value is None else value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)


def differences(answers: dict[str, Any], expected: dict[str, Any]) -> Differences:
    """Where an answer is not what is expected; what nobody asks for is said and left."""
    if unasked := sorted(set(expected) - set(answers)):
        say(f"the reference also knows {', '.join(unasked)}, which nothing here asks for")
    both = [key for key in expected if key in answers]
    assert both, "nothing to compare"
    return {key: (answers[key], expected[key]) for key in both if answers[key] != expected[key]}
