"""The command verify."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.findings import Finding
from infra.audit.verify import Verdict
from infra.audit.verify import verify as verified
from infra.cli import show
from infra.cli.options import AsJson, Home, ledger_of, read_models_of
from infra.cli.progress import bar
from infra.clock import SYSTEM

DAMAGED, FOUND = 1, 6
"""Exit statuses."""


def verify(
    corrections: Annotated[
        Path | None, typer.Option(help="Write the messages that correct the findings to this file (NDJSON).")
    ] = None,
    actor: Annotated[str, typer.Option(help="Who sends these messages.")] = "auditor",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Verify that no event was lost, doubled or changed, and find decisions that were wrong.

    Damage (hash chain, sequences, read models) ends with exit status 1.  A wrong decision, for example of an
    earlier build, is a finding: a message corrects it.  If there are only findings, the exit status is 6.

    Examples:

      jumun verify --json

      jumun verify --corrections corrections.ndjson; jumun ingest corrections.ndjson
    """
    with (
        ledger_of(home) as ledger,
        read_models_of(home) as models,
        bar("reading the ledger", None) as step,
    ):
        verdict = verified(ledger, models, lambda _, events: step(0, events))
    messages = list(_messages(verdict.findings, verdict.events, actor))
    if corrections is not None:
        lines = [json.dumps(message, ensure_ascii=False) + "\n" for message in messages]
        corrections.write_text("".join(lines), encoding="utf-8")
    if as_json:
        show.in_json([_as_row(verdict, messages)])
    else:
        _print(verdict, len(messages), corrections)
    if not verdict.holds:
        raise typer.Exit(DAMAGED if verdict.damage else FOUND)


def _messages(findings: Iterable[Finding], events: int, actor: str) -> Iterator[dict[str, Any]]:
    """One message for each different correction.  Its id names the state of the ledger that was verified."""
    corrections = {
        json.dumps([finding.stream.seller, finding.correction.type, finding.correction.data]): finding
        for finding in findings
        if finding.correction is not None
    }
    for number, finding in enumerate(corrections.values(), 1):
        correction = finding.correction
        assert correction is not None
        yield {
            "specversion": "1.0",
            "id": f"correction-{events}-{number}",
            "source": "jumun/verify",
            "type": correction.type,
            "time": SYSTEM.now().isoformat(timespec="seconds"),
            "actor": actor,
            "sellerid": finding.stream.seller,
            "data": dict(correction.data),
        }


def _as_row(verdict: Verdict, messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "holds": verdict.holds,
        "events": verdict.events,
        "behind": verdict.behind,
        "commits": verdict.commits,
        "chain": verdict.chain,
        "digests": {
            table: {"stored": stored, "counted": counted}
            for table, (stored, counted) in verdict.digests.items()
        },
        "damage": verdict.damage,
        "findings": [
            {"rule": finding.rule, "stream": finding.stream, "what": finding.what}
            for finding in verdict.findings
        ],
        "settled": verdict.settled,
        "corrections": messages,
    }


def _print(verdict: Verdict, messages: int, corrections: Path | None) -> None:
    show.table(
        f"{verdict.events:,} events in {verdict.commits:,} commits",
        ("read model", "stored", "replayed", "same"),
        [(table, a[:16], b[:16], "yes" if a == b else "NO") for table, (a, b) in verdict.digests.items()],
        note=f"chain {verdict.chain}",
    )
    for line in verdict.damage[: show.LIMIT]:
        show.console.print(f"[bold red]✗[/] {line}")
    if verdict.findings:
        rows = [
            (finding.rule, finding.stream, finding.what, _correction(finding)) for finding in verdict.findings
        ]
        title = "Wrong decisions: nothing was lost, and a message corrects each of them"
        show.table(title, ("rule", "stream", "what", "message"), rows)
    if verdict.findings and corrections is None:
        show.console.print("  `jumun verify --corrections FILE` writes these messages.", highlight=False)
    elif corrections is not None:
        show.console.print(
            f"{messages} messages written to {corrections}: fill in each null, then `jumun ingest` them.",
            highlight=False,
        )
    if verdict.settled:
        show.console.print(f"{verdict.settled:,} earlier findings were looked into since.", highlight=False)
    if verdict.behind:
        show.console.print(
            f"{verdict.behind:,} recorded events are not in the read models yet.", highlight=False
        )
    if verdict.holds:
        show.console.print("[bold green]Nothing was lost, doubled or changed; every invariant holds.[/]")


def _correction(finding: Finding) -> str:
    correction = finding.correction
    if correction is None:
        return "none: report it as a defect"
    return f"{correction.type.removeprefix('jumun.inbound.').removesuffix('.v1')}: {correction.advice}"
