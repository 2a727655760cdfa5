"""The guards of the audit notice a state that does not follow from its events."""

from dataclasses import replace
from typing import Any

import pytest

from domain.audit import Audit
from domain.catalogue import DECIDERS
from domain.message import Event
from domain.stock.state import StockReceived, StockReserved
from domain.streams import stock_stream
from tests.domain.messages import received, reserved


def findings(monkeypatch: pytest.MonkeyPatch, forgotten: type[Event], *events: Event) -> list[str]:
    """What the audit says of these events of a SKU if one kind of event leaves its balances as they were."""
    decider = DECIDERS["stock"]

    def forgetful(item: Any, event: Event) -> Any:
        after = decider.evolve(item, event)
        return after._replace(balances=item.balances) if isinstance(event, forgotten) else after

    monkeypatch.setitem(DECIDERS, "stock", replace(decider, evolve=forgetful))
    audit = Audit()
    for event in events:
        audit.see(stock_stream("acme", "CHAIR"), event)
    return [str(finding) for finding in audit.findings()]


def test_pieces_that_left_the_book_without_an_event_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(monkeypatch, StockReceived, received(10)) == [
        "I8 stock/acme/CHAIR: 10 entered, 0 left, 0 in stock"
    ]


def test_reserved_pieces_without_a_reservation_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = findings(monkeypatch, StockReserved, received(10), reserved(2))
    assert broken[0] == "I9 stock/acme/CHAIR: at main: reserved 0, sum is 2"
