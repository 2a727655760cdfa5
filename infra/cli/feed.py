"""The commands that take messages in or make them: ingest, check, convert, demo."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from consumers.envelope import Unreadable, read
from consumers.outcomes import Moved
from consumers.ports import STATES, Stale
from infra.audit.verify import verify
from infra.cli import ask, show
from infra.cli.options import AsJson, Home, settings
from infra.cli.progress import bar, opened
from infra.clock import SYSTEM
from infra.convert import SETS, UnusableDataSet
from infra.convert import convert as converted
from infra.demo import market
from infra.embedded.projector import Stopped
from infra.embedded.writer import Embedded, InUse
from infra.settings import Settings
from infra.wiring.embedded import writing
from projections.questions import kpi, penalty, stock


def ingest(
    file: Annotated[
        str,
        typer.Argument(
            help="File with one JSON message per line (NDJSON), may be .gz; - reads standard input."
        ),
    ],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Decide every message of a file and store the decisions.  A message sent twice takes effect once.

    Examples:
      jumun ingest orders.ndjson.gz
      jumun convert olist ./olist | jumun ingest -
    """
    with opened(file) as source, writer(settings(home), beside=source.is_long) as embedded:
        moved = _ingest(embedded, source, source.size, lambda: source.used)
    print_moved(moved, as_json=as_json)


@contextmanager
def writer(chosen: Settings, *, beside: bool = False) -> Generator[Embedded]:
    """The writer of the embedded ledger; prints why there is none and ends the command if it cannot write."""
    try:
        with writing(chosen, beside=beside) as embedded:
            yield embedded
    except Stopped:
        show.problem(
            "The projector, which updates the read models, has stopped; its error is printed above.",
            "everything that was committed is in the ledger; the read models are behind it.",
            "run the same command again: the read models catch up, and repeated messages are duplicates.",
        )
        raise typer.Exit(1) from None
    except InUse as other:
        show.problem(
            f"{other}.",
            "this command changed nothing; the other process continues.",
            "wait until it ends, then run this command again: repeated messages are duplicates.",
        )
        raise typer.Exit(3) from None
    except Stale:
        show.problem(
            "Another process has written to the ledger in the meantime.",
            "everything that was committed before; this batch was not.",
            "run the same command again: repeated messages are duplicates and change nothing.",
        )
        raise typer.Exit(3) from None


def _ingest(embedded: Embedded, lines: Iterable[bytes], total: int | None, used: Callable[[], int]) -> Moved:
    done = 0
    with bar("deciding", total) as step:

        def progress(messages: int) -> None:
            nonlocal done
            now = used()
            step(now - done, messages)
            done = now

        return embedded.ingest(lines, progress)


def print_moved(moved: Moved, *, as_json: bool) -> None:
    states: dict[str, int] = {state: moved.states.get(state, 0) for state in STATES}
    if as_json:
        show.in_json([{**states, "events": moved.events, "commits": moved.commits}])
        return
    rows = [(state.replace("_", " "), count) for state, count in states.items() if count]
    show.table("Messages of this run, by state", ("state", "messages"), rows)
    show.console.print(f"  {moved.events:,} events in {moved.commits:,} commits", style="dim")
    if states["refused"] or states["parked"] or states["failed"] or states["set_aside"] or states["conflict"]:
        show.console.print("  why: [bold]jumun outcomes --last 20[/], [bold]jumun parked list[/]\n")


def check(
    file: Annotated[
        str,
        typer.Argument(
            help="File with one JSON message per line (NDJSON), may be .gz; - reads standard input."
        ),
    ],
    as_json: AsJson = False,
    most: Annotated[int, typer.Option(help="The most errors to print.")] = 20,
) -> None:
    """Check whether each message of a file is valid; print the field or byte of each error.  Stores nothing.

    Example: jumun check orders.ndjson
    """
    wrong: list[dict[str, object]] = []
    total = 0
    with opened(file) as source:
        for raw in source:
            total += 1
            try:
                read(raw.rstrip(b"\r\n"), b"check")
            except Unreadable as error:
                wrong.append({"line": total, "rule": error.rule, **error.data})
    if as_json:
        show.in_json(wrong)
    elif wrong:
        rows = [(error["line"], error["rule"], error["error"]) for error in wrong[:most]]
        show.table(f"{len(wrong):,} of {total:,} messages are invalid", ("line", "rule", "what"), rows)
    else:
        show.console.print(f"All {total:,} messages are valid.")
    if wrong:
        raise typer.Exit(1)


def convert(
    name: Annotated[str, typer.Argument(help=f"The data set: {', '.join(SETS)}.")],
    folder: Annotated[Path, typer.Argument(help="The folder of its .csv.gz files.")],
    out: Annotated[Path | None, typer.Option(help="Output file; default: standard output.")] = None,
) -> None:
    """Convert a public data set of real orders into inbound messages (NDJSON).

    Example: jumun convert online-retail ./online_retail --out retail.ndjson
    """
    try:
        lines = converted(name, folder)
        if out is None:
            for line in lines:
                typer.echo(line, nl=not line.endswith(b"\n"))
            return
        with out.open("wb") as file, bar("converting", None) as step:
            while some := list(islice(lines, 1_000)):
                file.writelines(line if line.endswith(b"\n") else line + b"\n" for line in some)
                step(0, len(some))
    except UnusableDataSet as error:
        show.problem(str(error), "nothing was changed.", f"the data sets are: {', '.join(SETS)}.")
        raise typer.Exit(2) from None


def demo(
    orders: Annotated[int, typer.Option(help="Number of orders.", min=1, max=1_000_000)] = 10_000,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed makes the same messages.")] = 2026,
    home: Home = Path(".jumun/demo"),
) -> None:
    """Generate messages of a marketplace, decide them, verify the result, and show example questions.

    Example: jumun demo --orders 2000
    """
    chosen = settings(home)
    _remove_old_files(chosen.home)
    show.console.print(f"A marketplace of {orders:,} orders on Naver, Coupang and Shopify …")
    began = SYSTEM.monotonic()
    with writer(chosen, beside=True) as embedded:
        moved = _ingest_market(embedded, orders, seed)
        took = SYSTEM.monotonic() - began
        print_moved(moved, as_json=False)
        with bar("verifying", None) as step:
            verdict = verify(embedded.ledger, embedded.read_models, lambda _, events: step(0, events))
    ask.answer(kpi.QUESTION, home, name=list(market.SHOWN))
    ask.answer(penalty.QUESTION, home)
    ask.answer(stock.QUESTION, home, market.SELLERS[0], most=10)
    proof = "every invariant holds, and the read models equal a replay of the ledger"
    if not verdict.holds:
        show.table("Errors", ("finding",), [(problem,) for problem in verdict.problems])
        raise typer.Exit(1)
    rate = sum(moved.states.values()) / took
    show.console.print(
        f"[bold green]{verdict.events:,} events[/] in {took:.1f} s ({rate:,.0f} messages/s, each commit "
        f"flushed to disk); {proof}.\n"
    )
    _next_steps(chosen.home)


def _ingest_market(embedded: Embedded, orders: int, seed: int) -> Moved:
    lines = market.messages(orders, seed)
    total = market.expected(orders)
    done = 0

    def counted() -> Iterator[bytes]:
        nonlocal done
        for line in lines:
            done += 1
            yield line

    return _ingest(embedded, counted(), total, lambda: done)


def _remove_old_files(home: Path) -> None:
    """Removes the SQLite files of an earlier demo, and nothing else."""
    for file in sorted(home.glob("*.sqlite*")) if home.exists() else ():
        file.unlink()


def _next_steps(home: Path) -> None:
    where = f"--home {home}"
    show.console.print("[bold]What to try next[/]")
    for line in (
        f"jumun order {market.AN_ORDER} {where}",
        f"jumun penalty --seller {market.SELLERS[0]} {where}",
        f"jumun parked list {where}",
        f"jumun outcomes --last 20 {where}",
        f"jumun returns {where}",
        f"jumun verify {where}",
    ):
        show.console.print(f"  .venv/bin/{line}", highlight=False, soft_wrap=True)
