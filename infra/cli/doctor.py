"""`jumun doctor`: finds problems in the environment, and says what to do about them."""

from collections import Counter
from typing import TYPE_CHECKING, Final

import typer

from infra.cli import show
from infra.cli.options import AsJson, Home, settings

if TYPE_CHECKING:
    from infra.doctor import Finding

_LABELS: Final = {"ok": "ok", "warning": "warning", "wrong": "WRONG"}


def doctor(as_json: AsJson = False, home: Home = None) -> None:
    """Check this machine, Kafka and the database; exit status 1 if anything is wrong.

    It changes nothing and shows no secrets.  A server that hangs is reported after half a minute.

    Example: jumun doctor
    """
    from infra.doctor import diagnose  # noqa: PLC0415  loads the clients of Kafka and PostgreSQL

    findings = diagnose(settings(home))
    if as_json:
        show.in_json([one._asdict() for one in findings])
    else:
        _show(findings)
    if any(one.state == "wrong" for one in findings):
        raise typer.Exit(1)


def _show(findings: "list[Finding]") -> None:
    rows = [(_LABELS[one.state], one.what, one.how) for one in findings]
    show.table("Checks", ("", "what", "finding"), rows, most=len(rows))
    for one in findings:
        if one.state != "ok":
            style = "bold red" if one.state == "wrong" else "yellow"
            show.console.print(f"[{style}]{_LABELS[one.state]}[/] {one.what}: ", end="", highlight=False)
            show.console.print(one.todo, markup=False, highlight=False)
    counts = Counter(one.state for one in findings)
    show.console.print(
        f"{counts['ok']} ok, {counts['warning']} warnings, {counts['wrong']} wrong.",
        highlight=False,
    )
