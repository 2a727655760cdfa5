"""`jumun doctor`: what is wrong, and what to do about it."""

from collections import Counter
from typing import TYPE_CHECKING, Final

import typer

from infra.cli import show
from infra.cli.options import AsJson, Home, settings

if TYPE_CHECKING:
    from infra.doctor import Finding

_SAID: Final = {"ok": "ok", "warning": "warning", "wrong": "WRONG"}


def doctor(as_json: AsJson = False, home: Home = None) -> None:
    """Look at this machine, the broker and the database; if anything is wrong, the exit status is 1.

    Nothing is changed, no secret is shown, and a server that hangs is a finding after half a minute.

    Example: jumun doctor
    """
    from infra.doctor import diagnose  # noqa: PLC0415  loads the clients of Kafka and PostgreSQL

    found = diagnose(settings(home))
    if as_json:
        show.in_json([one._asdict() for one in found])
    else:
        _show(found)
    if any(one.state == "wrong" for one in found):
        raise typer.Exit(1)


def _show(found: "list[Finding]") -> None:
    rows = [(_SAID[one.state], one.what, one.how) for one in found]
    show.table("Looked at", ("", "what", "finding"), rows, most=len(rows))
    for one in found:
        if one.state != "ok":
            style = "bold red" if one.state == "wrong" else "yellow"
            show.console.print(f"[{style}]{_SAID[one.state]}[/] {one.what}: ", end="", highlight=False)
            show.console.print(one.todo, markup=False, highlight=False)
    counts = Counter(one.state for one in found)
    show.console.print(
        f"{counts['ok']} as they should be, {counts['warning']} to be looked at, {counts['wrong']} wrong.",
        highlight=False,
    )
