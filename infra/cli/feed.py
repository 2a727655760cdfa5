"""What goes in: ingest, check, convert, demo."""

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
    file: Annotated[str, typer.Argument(help="NDJSON, one message a line; .gz too; - for standard input.")],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Decide every message of a file and keep what was decided.  Sent twice, done once.

    Examples:
      jumun ingest orders.ndjson.gz
      jumun convert olist ./olist | jumun ingest -
    """
    with opened(file) as source, writer(settings(home), beside=source.is_long) as embedded:
        moved = _fed(embedded, source, source.size, lambda: source.used)
    print_moved(moved, as_json=as_json)


@contextmanager
def writer(chosen: Settings, *, beside: bool = False) -> Generator[Embedded]:
    """The one that writes; or a sentence that says why it cannot."""
    try:
        with writing(chosen, beside=beside) as embedded:
            yield embedded
    except Stopped:
        show.problem(
            "The projector, which folds events into the read models, has stopped; what it said stands above.",
            "everything that was committed is in the ledger; the read models stop short of it.",
            "run the same command again: the read models catch up, what was sent twice is done once.",
        )
        raise typer.Exit(1) from None
    except InUse as other:
        show.problem(
            f"{other}.",
            "nothing was changed by this command; the other one goes on.",
            "wait for it to end, then run this again: what was sent twice is done once.",
        )
        raise typer.Exit(3) from None
    except Stale:
        show.problem(
            "Another process has written to the ledger meanwhile.",
            "everything that had been committed; this batch was not.",
            "run the same command again: what was sent twice is done once.",
        )
        raise typer.Exit(3) from None


def _fed(embedded: Embedded, lines: Iterable[bytes], total: int | None, used: Callable[[], int]) -> Moved:
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
    show.table("What this run moved", ("messages", "count"), rows)
    show.console.print(f"  {moved.events:,} events in {moved.commits:,} commits", style="dim")
    if states["refused"] or states["parked"] or states["failed"] or states["set_aside"] or states["conflict"]:
        show.console.print("  why: [bold]jumun outcomes --last 20[/], [bold]jumun parked list[/]\n")


def check(
    file: Annotated[str, typer.Argument(help="NDJSON, one message a line; .gz too; - for standard input.")],
    as_json: AsJson = False,
    most: Annotated[int, typer.Option(help="Print at most so many errors.")] = 20,
) -> None:
    """Say whether each message can be read, naming field or byte.  Stores nothing.

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
        show.table(f"{len(wrong):,} of {total:,} messages cannot be read", ("line", "rule", "what"), rows)
    else:
        show.console.print(f"All {total:,} messages can be read.")
    if wrong:
        raise typer.Exit(1)


def convert(
    name: Annotated[str, typer.Argument(help=f"Which set: {', '.join(SETS)}.")],
    folder: Annotated[Path, typer.Argument(help="Where its .csv.gz files are.")],
    out: Annotated[Path | None, typer.Option(help="Write here; default: standard output.")] = None,
) -> None:
    """Turn a set of real order data into inbound messages, NDJSON.

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
        show.problem(str(error), "nothing was changed.", f"known sets: {', '.join(SETS)}.")
        raise typer.Exit(2) from None


def demo(
    orders: Annotated[int, typer.Option(help="How many orders.", min=1, max=1_000_000)] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same marketplace.")] = 2026,
    home: Home = Path(".jumun/demo"),
) -> None:
    """Make a marketplace up, decide all its messages, prove the result, and show what can be asked.

    Example: jumun demo --orders 2000
    """
    chosen = settings(home)
    _empty(chosen.home)
    show.console.print(f"A marketplace of {orders:,} orders on Naver, Coupang and a shop of its own …")
    began = SYSTEM.monotonic()
    with writer(chosen, beside=True) as embedded:
        moved = _fed_market(embedded, orders, seed)
        took = SYSTEM.monotonic() - began
        print_moved(moved, as_json=False)
        with bar("proving", None) as step:
            verdict = verify(embedded.ledger, embedded.read_models, lambda _, events: step(0, events))
    ask.answer(kpi.QUESTION, home, name=list(market.SHOWN))
    ask.answer(penalty.QUESTION, home)
    ask.answer(stock.QUESTION, home, market.SELLERS[0], most=10)
    proof = "every invariant holds, the read models equal a recount of the ledger"
    if not verdict.holds:
        show.table("Found wrong", ("finding",), [(finding,) for finding in verdict.findings])
        raise typer.Exit(1)
    rate = sum(moved.states.values()) / took
    show.console.print(
        f"[bold green]{verdict.events:,} events[/] in {took:.1f} s ({rate:,.0f} messages/s, each commit "
        f"flushed to disk); {proof}.\n"
    )
    _next_steps(chosen.home)


def _fed_market(embedded: Embedded, orders: int, seed: int) -> Moved:
    lines = market.messages(orders, seed)
    total = market.expected(orders)
    done = 0

    def counted() -> Iterator[bytes]:
        nonlocal done
        for line in lines:
            done += 1
            yield line

    return _fed(embedded, counted(), total, lambda: done)


def _empty(home: Path) -> None:
    """A demo begins anew: its own files are removed, nothing else."""
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
