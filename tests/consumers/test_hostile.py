"""Two thousand hostile messages.  Each gets an outcome that names the rule and the field or the byte."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.engine import Engine
from consumers.envelope import Unreadable, adapter, parse_fast, parse_slow, read
from domain.catalogue import COMMANDS, TIME_PASSED
from infra.event_store.memory import MemoryLedger
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.examples import example
from tests.consumers.commits import Commits
from tests.messages import life_cycle, receipt

PLACED = example("jumun.inbound.order-placed.v1")
RAW = json.dumps(PLACED).encode()
HUGE = 10_000_000

CORPUS: dict[str, bytes] = {
    "empty": b"",
    "nothing but spaces": b"   ",
    "not UTF-8": RAW.replace(b"naver", b"na\xffver"),
    "a NUL in a text": RAW.replace(b"naver", b"na\\u0000ver"),
    "a NUL byte": b"\x00" + RAW,
    "a lone surrogate": RAW.replace(b'"CHAIR"', b'"\\ud800"'),
    "a duplicate key": RAW.replace(b'"specversion": "1.0"', b'"specversion": "1.0", "specversion": "1.0"'),
    "a duplicate key inside": RAW.replace(b'"sku": "DESK"', b'"sku": "DESK", "sku": "LAMP"'),
    "a duplicate key in other letters": RAW.replace(b'"sku": "DESK"', b'"sku": "DESK", "\\u0073ku": "LAMP"'),
    "a duplicate key made up for by two quotes": RAW.replace(
        b'"pieces": 2', b'"pieces": 2, "pieces": 2'
    ).replace(b'"CHAIR"', b'"CH\\u0022AI\\u0022R"'),
    "a duplicate key of the same value": RAW.replace(b'"pieces": 2', b'"pieces": 2, "pieces": 2'),
    "deep nesting of lists": b"[" * 100_000,
    "deep nesting of objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep nesting in a field": RAW.replace(b'"12"', b"12").replace(b'"CHAIR"', b"[" * 900 + b"]" * 900),
    "a line of 10 MB": b'{"specversion":"' + b"x" * HUGE + b'"}',
    "a number of 5,000 digits": RAW.replace(b'"pieces": 2', b'"pieces": ' + b"9" * 5_000),
    "2 to the 63rd": RAW.replace(b'"pieces": 2', b'"pieces": 9223372036854775808'),
    "a float that is infinite": RAW.replace(b'"pieces": 2', b'"pieces": 1e999999'),
    "NaN": RAW.replace(b'"pieces": 2', b'"pieces": NaN'),
    "minus one piece": RAW.replace(b'"pieces": 2', b'"pieces": -1'),
    "half a piece": RAW.replace(b'"pieces": 2', b'"pieces": 0.5'),
    "a piece as text": RAW.replace(b'"pieces": 2', b'"pieces": "2"'),
    "a price that is a float": RAW.replace(b'"34500"', b"34500.0"),
    "a price without bounds": RAW.replace(b'"34500"', b'"1e999999"'),
    "the year 0": RAW.replace(b"2026-03-12", b"0000-03-12"),
    "the year 10000": RAW.replace(b"2026-03-12", b"10000-03-12"),
    "the last day of year 9999": RAW.replace(b"2026-03-12", b"9999-12-31"),
    "no offset": RAW.replace(b"+09:00", b""),
    "an instant as a number": RAW.replace(b'"2026-03-12T10:15:00+09:00"', b"1773278100"),
    "an unknown field": RAW.replace(b'"shipping_fee"', b'"shiping_fee"'),
    "an unknown attribute": RAW.replace(b'"sellerid"', b'"seller": "x", "sellerid"'),
    "an unknown type": RAW.replace(b"order-placed", b"order-plced"),
    "a type that is a list": RAW.replace(b'"jumun.inbound.order-placed.v1"', b"[]"),
    "a seller with a slash": RAW.replace(b'"acme"', b'"a/b"'),
    "a line named twice": RAW.replace(b'"line": "2"', b'"line": "1"'),
    "501 lines": json.dumps(
        {
            **PLACED,
            "data": {
                **PLACED["data"],
                "lines": [{"line": str(n), "sku": "A", "pieces": 1} for n in range(501)],
            },
        }
    ).encode(),
    "a control character": RAW.replace(b'"CHAIR"', b'"CH\\u001fAIR"'),
    "a byte order mark": b"\xef\xbb\xbf" + RAW,
    "cut off": RAW[:200],
    "two messages on a line": RAW + RAW,
    "a list": b"[" + RAW + b"]",
    "a wish without an actor": json.dumps(
        {**example("jumun.inbound.pack-requested.v1"), "actor": None}
    ).encode(),
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    opened = SqliteLedger(str(tmp_path / "ledger.sqlite"))
    yield opened
    opened.close()


@pytest.mark.parametrize("name", CORPUS)
def test_what_cannot_be_read_names_the_field_or_the_byte(name: str) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read(CORPUS[name], b"secret")
    error = unreadable.value
    assert error.rule
    assert error.field is not None or error.byte is not None
    assert len(str(error)) < 500


def test_the_error_names_the_path_of_the_value_but_not_the_value() -> None:
    secret = RAW.replace(b'"pieces": 2', b'"pieces": "010-1234-5678"')
    with pytest.raises(Unreadable, match=r"data\.lines\.0\.pieces") as unreadable:
        read(secret, b"secret")
    assert "010" not in str(unreadable.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def _named(node: Any) -> list[tuple[Any, Any]]:
    if isinstance(node, list):
        return list(enumerate(node))  # pyright: ignore[reportUnknownArgumentType]
    return list(node.items()) if isinstance(node, dict) else []  # pyright: ignore[reportUnknownArgumentType]


def _paths(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for name, inner in _named(node):
        yield (*path, name)
        yield from _paths(inner, (*path, name))


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    """A valid message with a wrong value in one field, or with corrupted bytes."""
    kind = draw(st.sampled_from([*COMMANDS, TIME_PASSED]))
    message = json.loads(json.dumps(example(kind)))
    path = draw(st.sampled_from(list(_paths(message))))
    node = message
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = draw(anything)
    raw = json.dumps(message).encode()
    how = draw(st.sampled_from(("field", "cut", "byte", "twice", "noise")))
    at = draw(st.integers(0, len(raw) - 1))
    if how == "cut":
        return raw[:at]
    if how == "byte":
        return raw[:at] + bytes([draw(st.integers(0, 255))]) + raw[at + 1 :]
    if how == "twice":
        name = b'"%b": ' % str(path[-1]).encode()
        return raw.replace(name, name + b"null, " + name)
    return draw(st.binary(max_size=200)) if how == "noise" else raw


@settings(max_examples=2_000, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(hostile())
def test_both_ways_of_reading_understand_the_same(raw: bytes) -> None:
    quickly = parse_fast(raw)
    try:
        parsed, message, canonical = parse_slow(raw)
    except Unreadable:
        assert quickly is None
        return
    assert quickly is None or quickly == (parsed, message, canonical)
    assert json.loads(canonical) == parsed


@pytest.mark.parametrize("kind", [*COMMANDS, TIME_PASSED])
def test_a_good_message_is_read_at_once(kind: str) -> None:
    raw = json.dumps(example(kind), ensure_ascii=False, indent=1).encode()
    assert parse_fast(raw) == parse_slow(raw)


def test_a_text_with_quotes_is_understood_however_they_are_written() -> None:
    texts = [RAW.replace(b'"CHAIR"', b'"A ' + quotes + b'"') for quotes in (b'\\"B\\"', b"\\u0022B\\u0022")]
    first, second = (read(raw, b"secret") for raw in texts)
    assert first == second


@pytest.mark.parametrize("kind", [*COMMANDS, TIME_PASSED])
def test_every_number_of_the_contract_has_bounds(kind: str) -> None:
    """Then the canonical form needs no number of more than 64 bits."""
    for schema in _schemas(adapter(kind).json_schema()):
        if schema.get("type") in ("integer", "number"):
            assert schema.keys() & {"minimum", "exclusiveMinimum"}
            assert schema.keys() & {"maximum", "exclusiveMaximum"}


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node  # pyright: ignore[reportUnknownVariableType]
    for _, inner in _named(node):
        yield from _schemas(inner)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(hostile(), min_size=50, max_size=50))
def test_good_messages_among_hostile_ones_are_all_accepted(bad: list[bytes]) -> None:
    """40 times 50 hostile messages, with the lifecycle of an order among them."""
    commits = Commits()
    good = [receipt(9, seller="good"), *life_cycle("good", seller="good")]
    mixed = [
        line
        for index, one in enumerate(bad)
        for line in (*good[index // 9 : index // 9 + 1] * (index % 9 == 0), one)
    ]
    Engine(MemoryLedger(), on_commit=commits).handle(mixed)
    ticks = sum(_is_tick(line) for line in mixed)
    assert len(commits.outcomes) == len(mixed) - ticks
    states = [outcome.state for outcome in commits.outcomes if outcome.seller_id == "good"]
    assert states == ["accepted"] * len(good)
    for outcome in commits.outcomes:
        if outcome.state == "set_aside":
            assert outcome.rule
            assert outcome.data["field"] is not None or outcome.data["byte"] is not None
        assert outcome.state != "failed", outcome.data


def _is_tick(line: bytes) -> bool:
    try:
        return type(read(line, b"")).__name__ == "Tick"
    except Unreadable:
        return False


def test_the_whole_corpus_at_once_costs_no_good_message(ledger: SqliteLedger) -> None:
    good = [receipt(9, seller="good"), *life_cycle("good", seller="good")]
    Engine(ledger).handle([*CORPUS.values(), *good])
    states = dict(ledger.rows("SELECT state, count(*) FROM outcomes GROUP BY state"))
    assert states == {"accepted": 6, "set_aside": len(CORPUS)}
    assert ledger.rows("SELECT max(length(bytes)) FROM set_aside")[0][0] <= 256 * 1024
