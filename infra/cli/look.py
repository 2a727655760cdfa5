"""The commands order (one order with its timeline) and outcomes."""

import json
from typing import Annotated, Any

import typer

from consumers.ports import STATES
from infra.audit.timeline import story
from infra.cli import show
from infra.cli.options import AsCsv, AsJson, Home, Seller, ledger_of, reading_rows
from infra.event_store.reading.outcomes import last_not_accepted, message_counts
from infra.wire.stored_outcomes import StoredOutcome
from projections.questions.order import OrderAnswer, orders_named
from projections.questions.plain_rows import as_rows


def order(
    order_id: Annotated[str, typer.Argument(help="The order id of the channel.")],
    seller: Seller = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    with reading_rows(home) as rows:
        matches = list(orders_named(rows, order_id, seller))
    if not matches:
        show.problem(
            f"There is no order {order_id}.",
            "nothing was changed.",
            "`jumun parked list` shows the messages that wait for their order.",
        )
        raise typer.Exit(2)
    with ledger_of(home) as ledger:
        stories = [story(ledger, answer.order) for answer in matches]
    if as_json:
        show.in_json(
            {**row, "timeline": events} for row, events in zip(as_rows(matches), stories, strict=True)
        )
        return
    for answer, events in zip(matches, stories, strict=True):
        _order_tables(answer, events)


def _order_tables(answer: OrderAnswer, events: list[dict[str, Any]]) -> None:
    head = answer.order
    show.table(
        f"Order {head.order_id} of {head.seller_id} on {head.channel}: {head.status.replace('_', ' ')}",
        ("line", "SKU", "ordered", "waiting", "packed", "in transit", "delivered", "cancelled", "returned"),
        [
            (
                x.line,
                x.sku,
                x.ordered,
                x.waiting,
                x.packed,
                x.in_transit,
                x.delivered,
                x.cancelled,
                x.returned,
            )
            for x in answer.lines
        ],
        note=show.as_of(answer),
    )
    show.table(
        "Events and their causes",
        ("UTC", "stream", "event", "what", "because of"),
        [
            (
                e["at"][5:16].replace("T", " "),
                e["stream"],
                e["event"].replace("-", " "),
                _briefly(e["data"]),
                e["cause"],
            )
            for e in events
        ],
        most=1_000,
    )


_QUIET = {
    "at", "moves", "policy", "calendar", "locations", "at_risk", "policies", "lines", "order", "zone",
    "currency", "dispatch_type", "shipping_fee", "country", "region", "distance_km",
    "to", "buyer", "consignee", "by",
}  # fmt: skip
"""Fields that the timeline table leaves out; --json prints them."""


def _plain(value: Any) -> str:
    if isinstance(value, str) and value.endswith(":00Z"):
        return value.removesuffix(":00Z").replace("T", " ")
    return "yes" if value is True else str(value)


def _briefly(data: dict[str, Any]) -> str:
    """The data of an event in short: the moved pieces, and the fields that no other column shows."""
    moves = [f"{move['pieces']} × {move['sku']}" for move in data.get("moves", [])]
    rest = [
        f"{name.replace('_', ' ')} {_plain(value)}"
        for name, value in data.items()
        if name not in _QUIET and value not in (None, "", [], {}, False) and "vault:" not in str(value)
    ]
    return "; ".join([*moves, *rest])[:120]


_COLUMNS = (
    "number", "state", "was", "seller_id", "source", "message_id", "type", "rule", "data", "retryable",
)  # fmt: skip


def outcomes(
    seller: Seller = None,
    last: Annotated[
        int, typer.Option(help="Also print this many of the latest messages that were not accepted.")
    ] = 0,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    home: Home = None,
) -> None:
    """Count all messages ever sent by their state: accepted, duplicate, refused, parked and so on.

    Example: jumun outcomes --last 20
    """
    with ledger_of(home) as ledger, ledger.reading() as reader:
        sums = message_counts(reader, None if seller is None else [seller])
        recent = [_not_accepted(outcome) for outcome in last_not_accepted(reader, seller, last)]
    counts = {"sent": sum(sums.values())}
    counts.update((state, sums.get(state, 0)) for state in STATES)
    if show.for_a_program(recent if last else [counts], as_json, as_csv):
        return
    show.table(
        "All messages ever sent", ("state", "messages"), [(k.replace("_", " "), v) for k, v in counts.items()]
    )
    if last:
        rows = [
            (r["number"], r["state"], r["message_id"], _short(r["type"]), r["rule"], _why(r["data"]))
            for r in recent
        ]
        show.table(
            "The latest messages that were not accepted",
            ("no.", "state", "message", "type", "rule", "why"),
            rows,
        )


def _not_accepted(outcome: StoredOutcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in _COLUMNS}


def _short(kind: str | None) -> str:
    return (kind or "").removeprefix("jumun.inbound.").removesuffix(".v1")


def _why(data: str | None) -> str:
    details: dict[str, Any] = json.loads(data) if data else {}
    return str(details.get("said") or details.get("error") or details.get("reason") or "")[:600]
