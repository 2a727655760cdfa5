"""`jumun deadlines`: lists and retries the deadlines that failed because of a bug in a rule."""

from pathlib import Path
from typing import Any, Final

import typer

from consumers.clocks import SLICE
from consumers.engine import Engine
from infra.cli import show
from infra.cli.deciding import decided
from infra.cli.options import AsCsv, AsJson, Home, Seller, ledger_of
from infra.event_store.reading.waiting import failed_deadlines
from infra.event_store.sql_ledger import SqlLedger

app = typer.Typer(no_args_is_help=True, help="List and retry deadlines that failed because of a bug.")
_NAMES: Final = ("partition", "seller_id", "at", "kind")


@app.command("list")
def list_(seller: Seller = None, as_json: AsJson = False, as_csv: AsCsv = False, home: Home = None) -> None:
    """List the deadlines that failed, the earliest first.

    Example: jumun deadlines list --seller seoul-home
    """
    rows = _failed(seller, home)
    if show.for_a_program(rows, as_json, as_csv):
        return
    show.table(
        "Deadlines that failed",
        ("partition", "seller", "at", "kind", "due"),
        [(*(row[name] for name in _NAMES), row["due"]) for row in rows],
    )
    if rows:
        show.console.print("  once the bug is fixed, run: [bold]jumun deadlines release[/]\n")


@app.command()
def release(seller: Seller = None, as_json: AsJson = False, home: Home = None) -> None:
    """Retry the failed deadlines, as of the time they were due.  Those that fail again stay in the list.

    Example: jumun deadlines release --seller seoul-home
    """
    before: set[str] = set()
    left: set[str] = set()

    def releasing(engine: Engine, ledger: SqlLedger) -> None:
        failed = ledger.failed_timers(seller)
        before.update(timer.key for timer in failed)
        for begin in range(0, len(failed), SLICE):
            engine.fire(failed[begin : begin + SLICE])
        left.update(timer.key for timer in ledger.failed_timers(seller))

    for partition in sorted({row["partition"] for row in _failed(seller, home)}):
        decided(releasing, partition, home)
    fell = len(before - left)
    if as_json:
        show.in_json([{"fell": fell, "failed_again": len(left)}])
    else:
        show.console.print(f"  {fell:,} succeeded, {len(left):,} failed again")
    if left:
        raise typer.Exit(1)


def _failed(seller: str | None, home: Path | None) -> list[dict[str, Any]]:
    """The failed deadlines of all partitions."""
    with ledger_of(home) as ledger:
        failed = failed_deadlines(ledger, seller)
    return [
        {
            "partition": deadline.partition,
            "seller_id": deadline.seller_id,
            "at": deadline.stream,
            "kind": deadline.kind,
            "due": deadline.due,
        }
        for deadline in failed
    ]
