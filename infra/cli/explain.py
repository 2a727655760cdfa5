"""`jumun explain`: what a rule means, and what to do."""

import difflib
from typing import Annotated

import typer

from infra.cli import show
from infra.cli.options import AsJson
from infra.rules import every_rule


def explain(
    rule: Annotated[str, typer.Argument(help="A refusal, a discrepancy, or why a message was set aside.")],
    as_json: AsJson = False,
) -> None:
    """Explain a rule that an outcome names, or a kind of discrepancy: what it means, and what to do.

    Example: jumun explain return_window_closed
    """
    by_name = {one.rule: one for one in every_rule()}
    name = rule.strip().lower().replace("-", "_").replace(" ", "_")
    if name not in by_name:
        near = difflib.get_close_matches(name, by_name, 3) or [one for one in by_name if name in one][:3]
        show.problem(
            f"There is no rule {rule}.",
            "nothing was changed.",
            f"did you mean {', '.join(near)}?" if near else "docs/rules.md lists all of them.",
        )
        raise typer.Exit(2)
    one = by_name[name]
    if as_json:
        show.in_json([one._asdict()])
        return
    show.console.print(f"[bold]{one.rule}[/] ({one.kind})", highlight=False)
    show.console.print(f"  {one.sentence}", highlight=False)
    show.console.print(f"  when: {one.when}", highlight=False)
    show.console.print(f"  next: {one.remedy}", highlight=False)
