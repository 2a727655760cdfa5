"""One order's story, what became of each message, what waits, and the proof."""

import json
from typing import Annotated, Any

import typer

from infra.cli import show
from infra.cli.feed import STATES, print_moved, writer
from infra.cli.options import AsCsv, AsJson, Home, Seller, asking, ledger_of, must_exist, settings
from infra.cli.progress import bar
from infra.event_store.codec import attributes
from infra.event_store.instants import instant
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.read_models import queries
from infra.read_models.store import ReadModels
from infra.settings import READ_MODELS
from infra.verify import verify as verified

parked = typer.Typer(
    no_args_is_help=True, help="Messages that wait: for their order, or for a bug to be mended."
)


def order(
    order_id: Annotated[str, typer.Argument(help="The channel's name for the order.")],
    seller: Seller = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """One order: where its pieces are, and everything that happened to it, each with its cause.

    Example: jumun order N-000042
    """
    with asking(home) as connection:
        found = [
            answer
            for row in queries.find_orders(connection, order_id, seller)
            if (answer := queries.order(connection, row.seller_id, row.channel, order_id, row.account))
        ]
    if not found:
        show.problem(
            f"No order is called {order_id}.", "nothing was changed.", "`jumun parked list` shows what waits."
        )
        raise typer.Exit(2)
    with ledger_of(home) as ledger:
        stories = [_story(ledger, answer.order) for answer in found]
    if as_json:
        rows = [
            {**row, "timeline": story} for row, story in zip(queries.as_rows(found), stories, strict=True)
        ]
        show.as_machine_reads(rows, show.Form.JSON)
        return
    for answer, story in zip(found, stories, strict=True):
        _order_tables(answer, story)


def _order_tables(answer: queries.OrderAnswer, story: list[dict[str, Any]]) -> None:
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
        "What happened, and why",
        ("UTC", "stream", "event", "what", "because of"),
        [
            (
                e["at"][5:16].replace("T", " "),
                e["stream"],
                e["event"].replace("-", " "),
                _briefly(e["data"]),
                e["cause"],
            )
            for e in story
        ],
        most=1_000,
    )


def _story(ledger: SqliteLedger, head: Any) -> list[dict[str, Any]]:
    """The order's own events, and those of other streams that follow from them."""
    key = f"{head.channel}:{head.account}:{head.order_id}"
    rows = ledger.rows(_STORY, stream=f"order/{head.seller_id}/{key}")
    return [_told(topic, state) for _, topic, state in rows]


_STORY = """
WITH RECURSIVE own AS (
    SELECT position FROM stored_events WHERE originator_id = :stream),
spans AS (
    SELECT DISTINCT o.first_position AS lo, o.last_position AS hi
    FROM own JOIN outcomes o ON own.position BETWEEN o.first_position AND o.last_position)
SELECT DISTINCT e.position, e.topic, e.state FROM stored_events e, spans s
WHERE e.position BETWEEN s.lo AND s.hi AND (e.originator_id = :stream OR e.originator_id NOT LIKE 'seller/%')
UNION SELECT e.position, e.topic, e.state FROM stored_events e WHERE e.originator_id = :stream
ORDER BY 1
"""
_QUIET = {
    "at", "moves", "policy", "calendar", "locations", "at_risk", "policies", "lines", "order", "zone",
    "currency", "dispatch_type", "shipping_fee", "country", "region", "distance_km",
    "to", "buyer", "consignee", "by",
}  # fmt: skip
"""What a timeline leaves out; --json has it."""


def _told(topic: str, state: bytes) -> dict[str, Any]:
    said = attributes(state)
    data: dict[str, Any] = json.loads(state)["data"]
    kind, _, key = said["subject"].partition("/")
    return {
        "at": said["time"],
        "id": said["id"],
        "stream": kind if kind == "order" else f"{kind} {key.partition('/')[2]}",
        "event": topic.removeprefix("jumun.").removesuffix(".v1").partition(".")[2],
        "cause": said.get("causationid") or said["correlationid"],
        "data": data,
    }


def _plain(value: Any) -> str:
    if isinstance(value, str) and value.endswith(":00Z"):
        return value.removesuffix(":00Z").replace("T", " ")
    return "yes" if value is True else str(value)


def _briefly(data: dict[str, Any]) -> str:
    """The pieces that moved, and what else is not said by the rest of the row."""
    moves = [f"{move['pieces']} × {move['sku']}" for move in data.get("moves", [])]
    rest = [
        f"{name.replace('_', ' ')} {_plain(value)}"
        for name, value in data.items()
        if name not in _QUIET and value not in (None, "", [], {}, False) and "vault:" not in str(value)
    ]
    return "; ".join([*moves, *rest])[:120]


def outcomes(
    seller: Seller = None,
    last: Annotated[
        int, typer.Option(help="Also show the last so many messages that were not accepted.")
    ] = 0,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    home: Home = None,
) -> None:
    """What became of every message ever sent: each is in exactly one state.

    Example: jumun outcomes --last 20
    """
    with ledger_of(home) as ledger, ledger.reading() as ask:
        sums = {row[0]: row[1] for row in ask(_SUMS, seller=seller)}
        recent: list[dict[str, Any]] = [
            dict(zip(_SAID, row, strict=True)) for row in ask(_LAST, seller=seller, last=last)
        ]
    counts = {"sent": sum(sums.values()), **{state: sums.get(state, 0) for state in STATES}}
    wanted = show.form(as_json, as_csv)
    if wanted is not show.Form.TABLE:
        show.as_machine_reads(recent if last else [counts], wanted)
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
            "The last that were not accepted", ("no.", "state", "message", "type", "rule", "why"), rows
        )


_SUMS = """
SELECT state, sum(n) FROM (
    SELECT state, count(*) AS n FROM outcomes WHERE :seller IS NULL OR seller_id = :seller GROUP BY state
    UNION ALL
    SELECT was, -count(*) FROM outcomes
    WHERE was IS NOT NULL AND (:seller IS NULL OR seller_id = :seller) GROUP BY was)
GROUP BY state
"""
_SAID = (
    "number", "state", "was", "seller_id", "source", "message_id", "type", "rule", "data", "retryable",
)  # fmt: skip
_LAST = f"""
SELECT {", ".join(_SAID)} FROM outcomes
WHERE state NOT IN ('accepted', 'duplicate') AND (:seller IS NULL OR seller_id = :seller)
ORDER BY number DESC LIMIT :last
"""


def _short(kind: str | None) -> str:
    return (kind or "").removeprefix("jumun.inbound.").removesuffix(".v1")


def _why(data: str | None) -> str:
    said: dict[str, Any] = json.loads(data) if data else {}
    return str(said.get("said") or said.get("error") or said.get("reason") or "")[:120]


@parked.command("list")
def parked_list(
    seller: Seller = None, as_json: AsJson = False, as_csv: AsCsv = False, home: Home = None
) -> None:
    """Who waits, and for what.

    Example: jumun parked list --seller seoul-home
    """
    with ledger_of(home) as ledger:
        found = ledger.rows(
            "SELECT number, state, seller_id, place, reason, since FROM parked"
            " WHERE :seller IS NULL OR seller_id = :seller ORDER BY number",
            seller=seller,
        )
    names = ("number", "state", "seller_id", "place", "reason")
    rows: list[dict[str, Any]] = [
        {**dict(zip(names, said, strict=True)), "since": instant(since)} for *said, since in found
    ]
    wanted = show.form(as_json, as_csv)
    if wanted is not show.Form.TABLE:
        show.as_machine_reads(rows, wanted)
        return
    show.table(
        "Messages that wait",
        ("no.", "state", "seller", "at", "why", "since"),
        [
            (r["number"], r["state"], r["seller_id"], r["place"], r["reason"].splitlines()[0], r["since"])
            for r in rows
        ],
    )


def _entry(ledger: SqliteLedger, number: int) -> Any:
    if (waiting := ledger.waiting_number(number)) is not None:
        return waiting
    show.problem(
        f"No message {number} waits.", "nothing was changed.", "`jumun parked list` shows the numbers."
    )
    raise typer.Exit(2)


@parked.command("show")
def parked_show(
    number: Annotated[int, typer.Argument(help="Its number in the list.")], home: Home = None
) -> None:
    """The message itself, as it was kept, and why it waits."""
    with ledger_of(home) as ledger:
        waiting = _entry(ledger, number)
    show.console.print(f"[bold]{waiting.state}[/] at {waiting.waits_at}\n{waiting.reason}\n")
    show.console.print_json(waiting.kept)


@parked.command("release")
def parked_release(
    number: Annotated[int, typer.Argument(help="Its number in the list.")],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Decide it again, and whatever waits behind it."""
    chosen = settings(home)
    must_exist(chosen)
    with writer(chosen) as embedded:
        waiting = _entry(embedded.ledger, number)
        embedded.engine.release(waiting.waits_at)
        moved = embedded.engine.moved
    print_moved(moved, as_json=as_json)


@parked.command("drop")
def parked_drop(
    number: Annotated[int, typer.Argument(help="Its number in the list.")],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Give it up: it will never be decided on.  It stays in the outcomes as dropped."""
    chosen = settings(home)
    must_exist(chosen)
    with writer(chosen) as embedded:
        embedded.engine.drop(_entry(embedded.ledger, number))
        moved = embedded.engine.moved
    print_moved(moved, as_json=as_json)


def verify(as_json: AsJson = False, home: Home = None) -> None:
    """Prove that nothing was lost, doubled or changed: chain, sequences, invariants, read models.

    Example: jumun verify --json
    """
    with ledger_of(home) as ledger, bar("reading the ledger", None) as step:
        models = ReadModels(str(settings(home).home / READ_MODELS))
        verdict = verified(ledger, models, lambda _, events: step(0, events))
        models.close()
    if as_json:
        digests = {
            table: {"stored": one, "counted": other} for table, (one, other) in verdict.digests.items()
        }
        said = {"holds": verdict.holds, "events": verdict.events, "commits": verdict.commits}
        findings = {"chain": verdict.chain, "digests": digests, "findings": verdict.findings}
        show.as_machine_reads([{**said, **findings}], show.Form.JSON)
    else:
        show.table(
            f"{verdict.events:,} events in {verdict.commits:,} commits",
            ("read model", "stored", "recounted", "same"),
            [(table, a[:16], b[:16], "yes" if a == b else "NO") for table, (a, b) in verdict.digests.items()],
            note=f"chain {verdict.chain}",
        )
        for finding in verdict.findings[: show.LIMIT]:
            show.console.print(f"[bold red]✗[/] {finding}")
        if verdict.holds:
            show.console.print("[bold green]Nothing was lost, doubled or changed; every invariant holds.[/]")
    if not verdict.holds:
        raise typer.Exit(1)
