"""Stores one CloudEvent per name of the catalogue, and the states that these events lead to.

`python -m tests.golden.make` adds missing files and never overwrites one, because stored bytes never change.
Give an event with a new name its own stream in `STORIES`, so that the stored states do not change.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from consumers.ports import Carried, Decided
from domain.catalogue import DECIDERS, EVENTS, NAMES
from domain.message import Event
from domain.order.allocate import LineAllocated, LineBackordered, LineDeallocated, ShipByMissed
from domain.order.cancel import CancelRejected, CancelRequested, LinesCancelled
from domain.order.check import OrderChecked
from domain.order.discrepancy import OrderDiscrepancyDetected
from domain.order.dispatch import ShipmentDispatched
from domain.order.fulfil import LinesFulfilled
from domain.order.handover import HandoverTimed, InvoiceCorrected
from domain.order.pack import ShipmentPacked
from domain.order.payment import OrderPaid, OrderReleased, PaymentCaptured, PaymentReversed
from domain.order.place import (
    OrderAcknowledged,
    OrderAmended,
    OrderNoted,
    OrderPlaced,
    PlacedLine,
    StatusClaimed,
)
from domain.order.refund import OrderRefundOverdue, RefundOwed, RefundRecorded
from domain.order.returns import (
    LinesReturned,
    ReturnAdmitted,
    ReturnClosed,
    ReturningLine,
    ReturnOpened,
    ShippedFrom,
)
from domain.order.review import ReviewPosted
from domain.order.state import LinePieces, Move
from domain.order.track import ShipmentTracked
from domain.policies.defaults import DEFAULTS, KR_DEFAULT, KR_STD, NAVER_NORMAL
from domain.policies.return_policy import AutoApprove
from domain.returns.namesakes import ReturnIdUsedAgain
from domain.returns.receive import (
    PiecesAdmitted,
    ReturnCollected,
    ReturnInspected,
    ReturnReceived,
    UnitsInspected,
)
from domain.returns.refund import RefundOverdue, ReturnRefunded
from domain.returns.request import (
    ReturnApproved,
    ReturnRecorded,
    ReturnRejected,
    ReturnRequested,
    ReturnWithdrawn,
)
from domain.returns.state import Piece, ReturnDiscrepancyDetected
from domain.seller import PolicyAdopted, SellerOpened, ValueAdjusted, documents
from domain.stock.state import (
    At,
    BackorderDropped,
    CountRequested,
    LowStockDetected,
    OrderAtRisk,
    ReservationConfirmed,
    ReturnQuarantined,
    ReturnRestocked,
    ReturnScrapped,
    SaleClosed,
    SaleResumed,
    SoldOutDetected,
    StockAdjusted,
    StockBackordered,
    StockCounted,
    StockDiscrepancyDetected,
    StockQuarantined,
    StockReceived,
    StockRecovered,
    StockReleased,
    StockReserved,
    StockShipped,
)
from domain.streams import StreamId
from domain.values import UnitState
from infra.wire.stored_events import attributes, decode, encode, encode_state

HERE: Final = Path(__file__).parent
NOON: Final = datetime(2026, 3, 4, 3, tzinfo=UTC)
DUE: Final = datetime(2026, 3, 9, 15, tzinfo=UTC)
ORDER: Final = "naver:main:2026030400017"
KR: Final[dict[str, Any]] = {"policy": "kr-default@1", "calendar": "kr-public@2026a"}


def on(hours: int) -> dict[str, Any]:
    """The time of an event.  The events of a story are one hour apart."""
    return {"at": NOON + timedelta(hours=hours)}


def moves(pieces: int, was: UnitState, line: str = "1", sku: str = "의자-RED") -> list[Move]:
    return [Move(line=line, sku=sku, pieces=pieces, was=was)]


def chairs(pieces: int) -> list[LinePieces]:
    return [LinePieces(line="1", pieces=pieces)]


def placed_line(line: str, sku: str, pieces: int, price: str, note: str | None = None) -> PlacedLine:
    return PlacedLine(
        line=line, sku=sku, pieces=pieces, unit_price=price, ship_by=DUE, promise_at=DUE, note=note
    )


FIRST_RETURNS: Final = KR_DEFAULT.model_copy(
    update={
        "auto_approve": AutoApprove(
            max_value_minor=50_000, reasons=("changemind",), max_per_customer_90_days=3
        )
    }
)
FIRST_DEFAULTS: Final = replace(DEFAULTS, promise=(KR_STD, NAVER_NORMAL), returns=FIRST_RETURNS)
"""The default policies when the event was stored."""
SELLER_STORY: Final[list[Event]] = [
    SellerOpened(**on(0), zone="Asia/Seoul", currency="KRW", mode="live", policies=documents(FIRST_DEFAULTS)),
    PolicyAdopted(
        **on(1),
        policy=KR_STD.model_copy(update={"version": 2, "cut_off": "12:30"}),
        replaces=["kr-std@1"],
        by="operator:kim",
    ),
    ValueAdjusted(
        **on(2),
        adjustment_id="A563186",
        channel="shop",
        code="B",
        pieces=1,
        unit_price="-11062.06",
        currency="GBP",
        reason="bad debt",
    ),
]

ORDER_STORY: Final[list[Event]] = [
    OrderPlaced(
        **on(0),
        currency="KRW",
        zone="Asia/Seoul",
        lines=[placed_line("1", "의자-RED", 6, "12000", "tok-note"), placed_line("2", "TABLE", 1, "0.001")],
        dispatch_type="normal",
        shipping_fee=3_000,
        free_shipping_from=30_000,
        promise_at=DUE,
        country="KR",
        region="metro",
        distance_km=12,
        postcode_area="04",
        buyer="tok-buyer",
        consignee="tok-consignee",
        hold_until=NOON + timedelta(minutes=30),
        policy="stock-std@1",
    ),
    OrderAmended(**on(1), amendment_id="a1", lines=[placed_line("3", "LAMP", 2, "500")]),
    OrderPaid(
        **on(2),
        payment_id="p1",
        amount=75_000,
        ship_by=DUE,
        promise_at=DUE,
        policy="naver-normal@1",
        calendar="kr-public@2026a",
    ),
    OrderAcknowledged(**on(3), by="operator:kim"),
    OrderNoted(**on(4), note_id="n1", kind="picked", lines=["1"]),
    StatusClaimed(**on(5), status="PRODUCT_PREPARE"),
    LineAllocated(**on(6), moves=moves(6, "open")),
    LineBackordered(**on(7), moves=moves(1, "open", "2", "TABLE")),
    LineDeallocated(**on(8), moves=moves(1, "allocated"), reason="hold_expired"),
    ShipByMissed(**on(9), ship_by=DUE, lines=["1", "2"], pieces=7),
    CancelRequested(
        **on(10),
        request_id="q1",
        lines=chairs(2),
        pending=chairs(1),
        reason="customer_request",
        binding="rejectable",
        route="stop_shipment",
        words="tok-words",
    ),
    CancelRejected(**on(11), request_id="q1", by="operator:kim", reason="already on the truck"),
    LinesCancelled(
        **on(12),
        cancellation_id="c1",
        request_id="q2",
        moves=moves(1, "open"),
        reason="out_of_stock",
        fault="seller",
        initiator="customer",
        by="operator:kim",
        shipping_fee_payer="seller",
        channel_reason_code="SOLDOUT",
        route="stop_shipment",
        refund_due_at=DUE,
        **KR,
    ),
    ShipmentPacked(
        **on(13), shipment_id="s1", moves=moves(5, "allocated"), notes={"1": "tok-note"}, checked_by="lee"
    ),
    ShipmentDispatched(
        **on(14),
        shipment_id="s1",
        moves=moves(5, "packed"),
        carrier="cj",
        tracking_number="601234567890",
        last=False,
    ),
    OrderDiscrepancyDetected(
        **on(14), kind="dispatched_with_cancel_pending", subject="q1", expected="no dispatch", observed="gone"
    ),
    ShipmentTracked(
        **on(15),
        shipment_id="s1",
        status="delivered",
        raw_code="91",
        moves=moves(5, "in_transit"),
        to="delivered",
        late=False,
        corrects=False,
        reported_at=NOON + timedelta(hours=16),
    ),
    ReturnOpened(
        **on(16),
        return_id="r1",
        lines=[ReturningLine(line="1", sku="의자-RED", pieces=3)],
        reason="defect",
        origin="customer",
        fault="seller",
        payer="seller",
        channel_reason_code="DEFECT",
        words="tok-words-2",
        window_ends_at=DUE,
        policy="kr-default@1",
        by="operator:kim",
    ),
    LinesReturned(**on(17), return_id="r1", lines=chairs(2)),
    ReturnClosed(**on(18), return_id="r1", lines=chairs(1)),
    RefundRecorded(**on(19), refund_id="f1", amount=24_000, cause="return", return_id="r1", late_interest=12),
    ReviewPosted(**on(20), review_id="v1", score=4, text="tok-review"),
    OrderReleased(
        **on(21), ship_by=DUE, promise_at=None, policy="naver-normal@1", calendar="kr-public@2026a"
    ),
    PaymentCaptured(**on(22), payment_id="p2", amount=20_000),
    LinesFulfilled(**on(23), fulfilment_id="f1", moves=moves(1, "open", "3", "LAMP")),
    RefundOwed(
        **on(24),
        cause="cancel",
        reference="c1",
        amount=9_000,
        breakdown={"goods": 12_000, "claw_back": -3_000},
        due_at=DUE,
        **KR,
    ),
    OrderRefundOverdue(**on(25), due_at=DUE, amount=9_000),
    PaymentReversed(**on(26), reversal_id="b1", payment_id="p2", amount=20_000, cause="chargeback"),
    ShippedFrom(**on(21), location="busan", lines=["1"]),
    ReturnAdmitted(
        **on(22),
        return_id="r3",
        lines=[ReturningLine(line="1", sku="의자-RED", pieces=2, location="busan")],
    ),
    OrderChecked(**on(27), by="auditor"),
]

HELD: Final[dict[str, Any]] = {"order": ORDER, "line": "1"}
RETURNED: Final[dict[str, Any]] = {"return_id": "r1", "line": "1", "location": "main"}

STOCK_STORY: Final[list[Event]] = [
    StockReceived(**on(0), receipt_id="in-1", location="main", pieces=20, reason="receipt"),
    StockReserved(
        **on(1),
        **HELD,
        pieces=6,
        locations=[At(location="main", pieces=6)],
        ship_by=DUE,
        expires_at=NOON + timedelta(minutes=30),
    ),
    ReservationConfirmed(**on(2), **HELD),
    StockBackordered(**on(3), order=ORDER, line="2", pieces=4, ship_by=DUE),
    BackorderDropped(**on(4), order=ORDER, line="2", pieces=1),
    StockReleased(
        **on(5),
        **HELD,
        pieces=1,
        locations=[At(location="main", pieces=1, reserved=1)],
        reason="cancelled",
    ),
    StockShipped(**on(6), **HELD, pieces=3, locations=[At(location="main", pieces=3, reserved=2)]),
    StockCounted(**on(7), count_id="n1", location="main", counted=15, book=17, delta=-2),
    StockAdjusted(**on(8), adjustment_id="a1", location="main", delta=-1, reason="broken", unit_price="12.5"),
    StockQuarantined(**on(9), location="main", pieces=2, reason="wet"),
    ReturnQuarantined(**on(10), **RETURNED, pieces=3),
    ReturnRestocked(**on(11), **RETURNED, pieces=1),
    ReturnScrapped(**on(12), **RETURNED, pieces=2),
    StockDiscrepancyDetected(**on(13), kind="reservation_shortfall", subject="n1", expected=6, observed=5),
    SaleClosed(
        **on(14),
        cause=ORDER,
        at_risk=[OrderAtRisk(order=ORDER, line="2", pieces=3, ship_by=DUE)],
        at_risk_lines=1,
    ),
    CountRequested(**on(14), cause=ORDER),
    SaleResumed(**on(15), cause="CountStock"),
    LowStockDetected(**on(16), available=10, threshold=10, policy="stock-std@1"),
    StockRecovered(**on(17), available=15, policy="stock-std@1"),
    SoldOutDetected(**on(18), available=0, safety_stock=0, policy="stock-std@1"),
]

BACK: Final = [Piece(line="1", sku="의자-RED", pieces=3)]

RETURN_STORY: Final[list[Event]] = [
    ReturnRequested(
        **on(0),
        order=ORDER,
        lines=BACK,
        reason="defect",
        origin="customer",
        fault="seller",
        payer="seller",
        policy="kr-default@1",
    ),
    ReturnApproved(**on(1), by="operator:kim", reason="photo shows it"),
    ReturnCollected(**on(2), carrier="cj", tracking_number="77"),
    ReturnReceived(**on(3), order=ORDER, lines=BACK, location="main", refund_due_at=DUE, **KR),
    ReturnDiscrepancyDetected(**on(3), kind="receipt_differs", subject="1", expected=3, observed=2),
    ReturnInspected(
        **on(4),
        inspection_id="in-1",
        order=ORDER,
        location="main",
        units=[UnitsInspected(line="1", sku="의자-RED", pieces=2, condition="opened", disposition="restock")],
    ),
    RefundOverdue(**on(5), due_at=DUE),
    ReturnRefunded(**on(6), refund_id="f1", amount=24_000),
]

REJECTED_STORY: Final[list[Event]] = [
    RETURN_STORY[0],
    ReturnRejected(**on(1), by="operator:kim", reason="worn", order=ORDER, lines=BACK),
]

RECORDED_STORY: Final[list[Event]] = [
    ReturnRecorded(
        **on(0),
        channel="shop",
        lines=BACK,
        location="main",
        unit_price=str(Decimal("2.55")),
        currency="GBP",
        reference="C536379",
    ),
]

CORRECTED_STORY: Final[list[Event]] = [
    ORDER_STORY[0],
    ShipmentDispatched(
        **on(1), shipment_id="s1", moves=moves(6, "open"), carrier="cj", tracking_number="111", last=False
    ),
    InvoiceCorrected(
        **on(2),
        shipment_id="s1",
        carrier="cj",
        tracking_number="222",
        old_carrier="cj",
        old_tracking_number="111",
    ),
    HandoverTimed(**on(0), shipment_id="s1", old_dispatched_at=NOON + timedelta(hours=1), inferred=False),
]

WITHDRAWN_STORY: Final[list[Event]] = [
    RETURN_STORY[0],
    ReturnWithdrawn(**on(1), by="naver", reason="keeps it", order=ORDER, lines=BACK),
    PiecesAdmitted(**on(2), lines=[Piece(line="1", sku="의자-RED", pieces=2, location="busan")]),
    ReturnIdUsedAgain(**on(3), order="coupang:main:7001"),
]

STORIES: Final[dict[StreamId, list[Event]]] = {
    StreamId("seller/acme/self"): SELLER_STORY,
    StreamId(f"order/acme/{ORDER}"): ORDER_STORY,
    StreamId("stock/acme/의자-RED"): STOCK_STORY,
    StreamId("return/acme/r1"): RETURN_STORY,
    StreamId("return/acme/r2"): REJECTED_STORY,
    StreamId("return/acme/C536379"): RECORDED_STORY,
    StreamId("order/acme/naver:main:2026030400018"): CORRECTED_STORY,
    StreamId("return/acme/r3"): WITHDRAWN_STORY,
}


def decided() -> dict[str, Decided]:
    """One event per name, as the engine would have decided it."""
    events: dict[str, Decided] = {}
    sequence = 0
    for stream, story in STORIES.items():
        for version, event in enumerate(story, 1):
            sequence += 1
            cause = f"acme:{sequence - 1}" if version > 1 else None
            odd = bool(version % 2)
            carried = Carried(f"naver m-{sequence}", 1 + odd, 2)
            events.setdefault(
                NAMES[type(event)],
                Decided("acme", sequence, stream, version, event, carried, cause, odd),
            )
    return events


def stored() -> dict[str, bytes]:
    """The CloudEvents as stored, by name."""
    return {file.stem: file.read_bytes() for file in sorted(HERE.glob("jumun.*.json"))}


def state_file(kind: str) -> Path:
    """The golden states of an aggregate, by the version of its `evolve`."""
    return HERE / "states" / f"{kind}.{DECIDERS[kind].evolves}.json"


def states(kind: str) -> dict[StreamId, Any]:
    """The states that the stored events lead to, by stream."""
    events = [(attributes(event), decode(name, event)) for name, event in stored().items()]
    states: dict[StreamId, Any] = {}
    decider = DECIDERS[kind]
    for head, event in sorted(events, key=lambda pair: pair[0]["sequence"]):
        stream = StreamId(head["subject"])
        if stream.kind == kind:
            states[stream] = decider.evolve(states.get(stream, decider.start), event)
    return states


def main() -> None:
    events = decided()
    for name in EVENTS:
        file = HERE / f"{name}.json"
        if not file.exists():
            file.write_bytes(encode(events[name]))
    for kind in DECIDERS:
        file = state_file(kind)
        file.parent.mkdir(exist_ok=True)
        stored_states: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
        added = {stream: json.loads(encode_state(stream, state)) for stream, state in states(kind).items()}
        text = json.dumps({**added, **stored_states}, ensure_ascii=False, indent=1, sort_keys=True)
        file.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
