"""A seller's messages through the engine, and the rows and invariants that come out.

Only the ledger is in memory; reading, inbox, rules, cascade and folds are the real ones.
"""

from datetime import UTC, datetime
from typing import Any

from consumers.engine import Engine
from consumers.ports import Batch, Committed, Outcome
from domain.audit import Audit
from domain.cascade import Deciders
from domain.catalogue import DECIDERS
from domain.findings import Finding
from domain.order.discrepancy import OrderDiscrepancyDetected
from domain.order.state import Order
from domain.returns.state import ReturnDiscrepancyDetected
from domain.stock.state import StockDiscrepancyDetected, StockItem
from domain.streams import StreamId, order_stream, stock_stream
from infra.audit.history import committed_now
from infra.event_store.memory import MemoryLedger
from projections.fold import Recorded
from projections.questions.memory import folded
from projections.questions.rows import RowReader
from projections.read_models import TABLES
from projections.verify import recount
from tests.messages import message, tick

SELLER = "acme"
O1: dict[str, Any] = {"channel": "naver", "order_id": "O1"}
"""The order of most stories."""
DAY = "2026-03-09"
"""A Monday."""


def ordered(pieces: int, line: str = "1", sku: str = "CHAIR", **fields: Any) -> dict[str, Any]:
    """A line of an order; a piece costs 10,000 won."""
    return {"line": line, "sku": sku, "pieces": pieces, "unit_price": "10000", **fields}


TODAY = datetime(2027, 1, 1, tzinfo=UTC)
"""What the intake's clock shows."""


def micros(local: str) -> int:
    """An instant in Seoul as the read models store it.  `local`: without the offset."""
    return int(datetime.fromisoformat(f"{local}:00+09:00").timestamp() * 1_000_000)


class Shop:
    """One seller.  Every message has its own id, so only the fact itself can show that it is a repeat."""

    def __init__(self, deciders: Deciders = DECIDERS) -> None:
        self._ledger = MemoryLedger()
        self._engine = self._engine_of(deciders)
        self._audit = Audit()
        self._events: list[Recorded] = []
        self.outcomes: list[Outcome] = []

    def _engine_of(self, deciders: Deciders) -> Engine:
        return Engine(self._ledger, on_commit=self._committed, deciders=deciders, now=lambda: TODAY)

    def upgrade(self) -> None:
        """From now on this build decides; the history is that of an earlier one."""
        self._engine = self._engine_of(DECIDERS)

    def _committed(self, batch: Batch, committed: Committed) -> None:
        recorded = committed_now(batch, committed)
        self._events += recorded
        self.outcomes += batch.outcomes
        for one in recorded:
            self._audit.see(StreamId(one.stream), one.event)

    def send(self, kind: str, at: str = f"{DAY}T10:00", /, **data: Any) -> Outcome:
        """Sends a message of that kind and returns its outcome.  `at`: in Seoul, without the offset."""
        receipt = data.get("receipt_id") if kind == "stock-received" else None
        name = data.pop("message_id", None) or receipt or f"m-{len(self.outcomes)}"
        actor = "operator:kim" if kind.endswith("-requested") else None
        return self.send_raw(message(kind, data, id=name, at=f"{at}:00+09:00", actor=actor))

    def send_raw(self, raw: bytes) -> Outcome:
        self._engine.handle([raw])
        return self.outcomes[-1]

    def receive(self, sku: str, pieces: int) -> None:
        self.send("stock-received", receipt_id=f"in-{sku}", sku=sku, pieces=pieces)

    def place(
        self, *lines: dict[str, Any], order_id: str = "O1", at: str = f"{DAY}T10:00", paid: bool = True
    ) -> None:
        """A buyer orders these lines on Naver, and pays them at once."""
        order = {**O1, "order_id": order_id}
        self.send("order-placed", at, **order, currency="KRW", lines=list(lines))
        if paid:
            amount = sum(int(line["unit_price"]) * line["pieces"] for line in lines)
            self.send("order-paid", at, **order, payment_id="p1", amount=amount)

    def pass_time(self, to: str) -> None:
        """A tick: it is `to` in Seoul."""
        self._engine.handle([tick(f"{to}:00+09:00")])

    def order(self, order_id: str = "O1") -> Order:
        state: Order = self._state(order_stream(SELLER, "naver", "main", order_id))
        return state

    def stock(self, sku: str) -> StockItem:
        state: StockItem = self._state(stock_stream(SELLER, sku))
        return state

    def _state(self, stream: StreamId) -> Any:
        return self._ledger.load([stream])[stream].state

    def on_hand(self, sku: str) -> int:
        return sum(balance.on_hand for balance in self.stock(sku).balances.values())

    def units(self, line: str = "1", order_id: str = "O1") -> dict[str, int]:
        """Pieces of a line by their state."""
        return {str(state): count for state, count in self.order(order_id).lines[line].units.items()}

    def rows(self, table: str) -> list[Any]:
        (matching,) = (one for one in TABLES if one.name == table)
        return [matching.read(row) for row in recount(self._events).sorted(matching)]

    def reader(self) -> RowReader:
        """For questions."""
        return folded(self._events)

    def events(self, kind: str) -> list[Any]:
        """The events of that class, in the order in which they were recorded."""
        return [one.event for one in self._events if type(one.event).__name__ == kind]

    def discrepancies(self) -> list[str]:
        """The kinds of all discrepancies, in the order in which they were recorded."""
        return [
            one.event.kind
            for one in self._events
            if isinstance(
                one.event, OrderDiscrepancyDetected | ReturnDiscrepancyDetected | StockDiscrepancyDetected
            )
        ]

    def event_names(self) -> list[str]:
        """The classes of all events, in the order in which they were recorded."""
        return [type(one.event).__name__ for one in self._events]

    def findings(self) -> list[Finding]:
        return list(self._audit.findings())

    def broken_invariants(self) -> list[str]:
        return [str(finding) for finding in self.findings()]
