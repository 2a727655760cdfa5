"""`jumun parked`: lists the messages that wait, and lets an operator retry or drop them."""

from typing import Annotated

import typer

from consumers.engine import Engine
from consumers.ports import Waiting
from infra.cli import show
from infra.cli.deciding import decided
from infra.cli.feed import print_moved
from infra.cli.options import AsCsv, AsJson, Home, Seller, ledger_of
from infra.event_store.reading.waiting import parked_message, parked_messages
from infra.event_store.sql_ledger import SqlLedger

app = typer.Typer(
    no_args_is_help=True, help="List, retry or drop messages that wait for their order or for a bug fix."
)
Number = Annotated[int, typer.Argument(help="The number of the message in `jumun parked list`.")]
Partition = Annotated[
    int, typer.Option(help="The partition of the message in the list; always 0 if embedded.")
]


@app.command("list")
def list_(seller: Seller = None, as_json: AsJson = False, as_csv: AsCsv = False, home: Home = None) -> None:
    """List the messages that wait, and what each waits for.

    Example: jumun parked list --seller seoul-home
    """
    with ledger_of(home) as ledger:
        waiting = parked_messages(ledger, None if seller is None else [seller])
    rows = [message._asdict() for message in waiting]
    if show.for_a_program(rows, as_json, as_csv):
        return
    show.table(
        "Messages that wait",
        ("partition", "no.", "state", "seller", "at", "why", "since"),
        [
            (
                message.partition,
                message.number,
                message.state,
                message.seller_id,
                message.place,
                message.reason.splitlines()[0],
                message.since,
            )
            for message in waiting
        ],
    )


@app.command("show")
def show_(number: Number, partition: Partition = 0, home: Home = None) -> None:
    """Print one message that waits, as it is stored, and why it waits.

    Example: jumun parked show 3
    """
    with ledger_of(home) as ledger:
        waiting = _entry(parked_message(ledger, partition, number), number)
    show.console.print(f"[bold]{waiting.state}[/] at {waiting.waits_at}\n{waiting.reason}\n")
    show.console.print_json(waiting.body)


@app.command()
def release(number: Number, partition: Partition = 0, as_json: AsJson = False, home: Home = None) -> None:
    """Retry one message, and then the messages that wait behind it.

    Example: jumun parked release 3 --partition 17
    """

    def releasing(engine: Engine, ledger: SqlLedger) -> None:
        engine.release(_entry(ledger.waiting_number(number), number).waits_at)

    print_moved(decided(releasing, partition, home), as_json=as_json)


@app.command()
def drop(number: Number, partition: Partition = 0, as_json: AsJson = False, home: Home = None) -> None:
    """Drop one message: it will never be decided.  It stays in the outcomes as dropped.

    Example: jumun parked drop 3
    """

    def dropping(engine: Engine, ledger: SqlLedger) -> None:
        engine.drop(_entry(ledger.waiting_number(number), number))

    print_moved(decided(dropping, partition, home), as_json=as_json)


def _entry(waiting: Waiting | None, number: int) -> Waiting:
    if waiting is not None:
        return waiting
    show.problem(
        f"There is no parked message {number}.",
        "nothing was changed.",
        "`jumun parked list` shows the numbers.",
    )
    raise typer.Exit(2)
