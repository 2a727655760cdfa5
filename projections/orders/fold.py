"""Folds order events into `order_status`, `order_facts`, `parcels`, `cancel_inbox` and `backorders`.

Counters commute, and of several times only the earliest or the latest is stored.  So the rows do not depend
on the order in which an order's facts arrived.
"""

from collections.abc import Iterable
from typing import Any, Final

from domain.order.allocate import LineAllocated, LineBackordered, LineDeallocated
from domain.order.cancel import CancelRejected, CancelRequested, LinesCancelled
from domain.order.place import OrderAcknowledged, OrderAmended, OrderPlaced, StatusClaimed
from domain.streams import StreamId
from projections.fold import Group, Rows, when
from projections.instants import local_day, micros_of
from projections.orders.money import Money
from projections.orders.parcels import AfterPacking
from projections.orders.rows import (
    BACKORDERS,
    CANCEL_INBOX,
    ORDER_FACTS,
    ORDER_STATUS,
    PARCELS,
    Backorder,
    CancelAsked,
    OrderStatus,
)
from projections.orders.totals import finish
from projections.orders.view import OrderView, add_lines, answer, earliest, latest, move, overtake, settle
from projections.tables import Table


class Orders(AfterPacking, Money):
    """One view per order."""

    kinds = frozenset({"order"})
    tables = (ORDER_STATUS, ORDER_FACTS, PARCELS, CANCEL_INBOX, BACKORDERS)
    silent = frozenset({LineAllocated, LineBackordered, LineDeallocated})

    def group(self, stream: str) -> Group:
        _, seller, key = StreamId(stream).parts
        channel, account, order = key.split(":", 2)
        return seller, channel, account, order

    def opened(self, group: Group, rows: Rows) -> OrderView:
        seller, channel, account, order = group
        stored = rows.get("order_status")
        return OrderView(
            stored[0] if stored else OrderStatus(seller, channel, account, order),
            {row.line: row for row in rows.get("order_facts", ())},
            {row.shipment_id: row for row in rows.get("parcels", ())},
            {row.request_id: row for row in rows.get("cancel_inbox", ())},
            {row.line: row for row in rows.get("backorders", ())},
        )

    def head(self, view: OrderView) -> OrderStatus:
        return view.status

    def currency(self, view: OrderView) -> str:
        return view.status.currency

    def finish(self, view: OrderView) -> None:
        finish(view)

    def rows(self, view: OrderView) -> Iterable[tuple[Table[Any], Any]]:
        yield ORDER_STATUS, view.status
        for line in view.lines.values():
            yield ORDER_FACTS, line
        for parcel in view.parcels.values():
            yield PARCELS, parcel
        for request in view.requests.values():
            yield CANCEL_INBOX, request
        for backorder in view.backorders.values():
            yield BACKORDERS, backorder

    @when
    def placed(self, view: OrderView, event: OrderPlaced, at: int) -> None:
        order = view.status
        order.currency, order.zone, order.placed_at = event.currency, event.zone, at
        order.shipping_fee, order.free_shipping_from = event.shipping_fee, event.free_shipping_from
        order.placed_on = local_day(order.zone, at)
        promises = [line.promise_at for line in event.lines if line.promise_at is not None]
        promise = event.promise_at or max(promises, default=None)
        if promise is not None:  # a promise of the channel includes the day of its instant
            order.promise_at = micros_of(promise)
            order.promised_day = local_day(order.zone, order.promise_at)
        add_lines(view, event.lines, at)

    @when
    def amended(self, view: OrderView, event: OrderAmended, at: int) -> None:
        add_lines(view, event.lines, at)
        if event.difference is not None:
            view.status.difference = event.difference

    @when
    def acknowledged(self, view: OrderView, event: OrderAcknowledged, at: int) -> None:
        del event
        view.status.acknowledged_at = earliest(view.status.acknowledged_at, at)

    @when
    def claimed(self, view: OrderView, event: StatusClaimed, at: int) -> None:
        order = view.status
        if order.claimed_at is None or (at, event.status) > (order.claimed_at, order.claimed_status or ""):
            order.claimed_at, order.claimed_status = at, event.status

    @when
    def allocated(self, view: OrderView, event: LineAllocated | LineDeallocated, at: int) -> None:
        del at
        for moved in event.moves:
            move(view, moved, "allocated" if isinstance(event, LineAllocated) else "open")

    @when
    def backordered(self, view: OrderView, event: LineBackordered, at: int) -> None:
        for moved in event.moves:
            order, name, pieces = view.status, moved.line, moved.pieces
            move(view, moved, "backordered")
            backorder = view.backorders.get(name)
            if backorder is None:
                key = (order.seller_id, order.channel, order.account, order.order_id)
                backorder = view.backorders[name] = Backorder(*key, name, moved.sku, 0, 0, at)
            backorder.waiting += pieces
            backorder.waited += pieces

    @when
    def cancel_requested(self, view: OrderView, event: CancelRequested, at: int) -> None:
        order = view.status
        pending = {line.line: line.pieces for line in event.pending}
        for name, pieces in pending.items():
            view.lines[name].cancel_pending += pieces
        pieces = sum(line.pieces for line in event.lines)
        closed = event.answer or ("settled" if event.settled else "overtaken")
        state = "waiting" if pending else closed
        before = view.requests.get(event.request_id)
        if before is not None:  # a channel may state a request line by line
            pieces += before.pieces
            if before.state == "waiting":
                pending = {**pending, **{n: p + pending.get(n, 0) for n, p in before.pending.items()}}
            state = "waiting" if pending else before.state
        view.requests[event.request_id] = CancelAsked(
            order.seller_id,
            order.channel,
            order.account,
            order.order_id,
            event.request_id,
            state,
            event.reason,
            event.route,
            event.binding,
            pieces,
            pending,
            at if before is None else min(at, before.requested_at),
            None if before is None else before.answered_at,
            None if before is None else before.payer,
        )

    @when
    def cancel_rejected(self, view: OrderView, event: CancelRejected, at: int) -> None:
        answer(view, event.request_id, event.answer, at)
        if event.payer is not None and event.request_id in view.requests:
            view.requests[event.request_id].payer = event.payer

    @when
    def cancelled(self, view: OrderView, event: LinesCancelled, at: int) -> None:
        order = view.status
        if event.difference is not None:
            order.difference = event.difference
        if event.request_id is not None:
            answer(view, event.request_id, "approved", at)
        for name, pieces in (event.settles or {}).items():
            settle(view, name, pieces, at)
        order.cancel_told_at = latest(order.cancel_told_at, at)
        fault = f"cancelled_{event.fault}"
        for moved in event.moves:
            line = move(view, moved, "cancelled")
            setattr(line, fault, getattr(line, fault) + moved.pieces)
            line.cancelled_at = latest(line.cancelled_at, at)
            if event.reason == "out_of_stock":
                line.out_of_stock += moved.pieces
                line.out_of_stock_at = earliest(line.out_of_stock_at, at)
        overtake(view, at)


READ_MODEL: Final = Orders()
