"""`jumun parked`: messages that wait, and what an operator does with them."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from consumers.engine import Engine
from consumers.outcomes import Moved
from consumers.ports import Stale, Waiting
from infra.cli import show
from infra.cli.feed import print_moved, writer
from infra.cli.options import AsCsv, AsJson, Home, Seller, ledger_of, must_exist, settings
from infra.event_store.instants import instant
from infra.event_store.sql_ledger import SqlLedger

app = typer.Typer(
    no_args_is_help=True, help="Messages that wait: for their order, or for a bug to be mended."
)
Number = Annotated[int, typer.Argument(help="Its number in the list.")]
Partition = Annotated[int, typer.Option(help="Its partition in the list; embedded there is only one.")]
TRIES: Final = 10
"""A worker that decides at the same moment is quicker."""
_NAMES: Final = ("partition", "number", "state", "seller_id", "place", "reason")


@app.command("list")
def list_(seller: Seller = None, as_json: AsJson = False, as_csv: AsCsv = False, home: Home = None) -> None:
    """Who waits, and for what.

    Example: jumun parked list --seller seoul-home
    """
    with ledger_of(home) as ledger:
        found = ledger.rows(
            "SELECT partition, number, state, seller_id, place, reason, since FROM parked"
            " WHERE CAST(:seller AS TEXT) IS NULL OR seller_id = :seller ORDER BY partition, number",
            seller=seller,
        )
    rows: list[dict[str, Any]] = [
        {**dict(zip(_NAMES, said, strict=True)), "since": instant(since)} for *said, since in found
    ]
    wanted = show.form(as_json, as_csv)
    if wanted is not show.Form.TABLE:
        show.as_machine_reads(rows, wanted)
        return
    show.table(
        "Messages that wait",
        ("partition", "no.", "state", "seller", "at", "why", "since"),
        [
            (
                r["partition"],
                r["number"],
                r["state"],
                r["seller_id"],
                r["place"],
                r["reason"].splitlines()[0],
                r["since"],
            )
            for r in rows
        ],
    )


@app.command("show")
def show_(number: Number, partition: Partition = 0, home: Home = None) -> None:
    """The message itself, as it was kept, and why it waits.

    Example: jumun parked show 3
    """
    with ledger_of(home) as ledger:
        waiting = _entry(ledger.of(partition), number)
    show.console.print(f"[bold]{waiting.state}[/] at {waiting.waits_at}\n{waiting.reason}\n")
    show.console.print_json(waiting.kept)


@app.command()
def release(number: Number, partition: Partition = 0, as_json: AsJson = False, home: Home = None) -> None:
    """Decide it again, and whatever waits behind it.

    Example: jumun parked release 3 --partition 17
    """
    moved = _decided(lambda engine, entry: engine.release(entry.waits_at), number, partition, home)
    print_moved(moved, as_json=as_json)


@app.command()
def drop(number: Number, partition: Partition = 0, as_json: AsJson = False, home: Home = None) -> None:
    """Give it up: it will never be decided on.  It stays in the outcomes as dropped.

    Example: jumun parked drop 3
    """
    print_moved(_decided(Engine.drop, number, partition, home), as_json=as_json)


def _decided(
    work: Callable[[Engine, Waiting], None], number: int, partition: int, home: Path | None
) -> Moved:
    chosen = settings(home)
    if chosen.database_url is None:
        must_exist(chosen)
        with writer(chosen) as embedded:
            work(embedded.engine, _entry(embedded.ledger, number))
            return embedded.engine.moved
    from infra.workers.roles import open_ledger  # noqa: PLC0415  loads the driver

    with closing(open_ledger(chosen)) as whole:
        topic = whole.of(partition).topic() or "none"
        ledger = whole.reading_topic(topic).of(partition)
        engine = Engine(ledger, parked_per_seller=chosen.parked_per_seller)
        for _ in range(TRIES):
            try:
                work(engine, _entry(ledger, number))
            except Stale:
                continue
            return engine.moved
    show.problem(
        f"The workers of partition {partition} commit faster than this command.",
        "everything; nothing was released or dropped.",
        "run it again when there is less to do.",
    )
    raise typer.Exit(3)


def _entry(ledger: SqlLedger, number: int) -> Waiting:
    if (waiting := ledger.waiting_number(number)) is not None:
        return waiting
    show.problem(
        f"No message {number} waits.", "nothing was changed.", "`jumun parked list` shows the numbers."
    )
    raise typer.Exit(2)
