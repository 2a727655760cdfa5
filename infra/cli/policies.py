"""`jumun policies`: shows the adopted policies of a seller, and checks one that is to be adopted."""

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from pydantic import TypeAdapter, ValidationError

from domain.adoption import Problem, adoption_problems
from domain.policies.documents import Policy, PromisePolicy, ScoreMarks, StockPolicy, ref
from domain.policies.return_policy import ReturnPolicy
from infra.audit.adopted_policies import AdoptedPolicy, adopted_policies
from infra.cli import show
from infra.cli.options import AsCsv, AsJson, Home, Seller, ledger_of, reading_rows, sellers
from infra.clock import SYSTEM

app = typer.Typer(
    no_args_is_help=True,
    help="List and show the adopted policies; check one before it is adopted.",
)
MODELS: Final = {
    str(model.model_fields["kind"].default): model
    for model in (PromisePolicy, StockPolicy, ReturnPolicy, ScoreMarks)
}
"""By the value of `kind`."""
_OBJECT: Final[TypeAdapter[dict[str, Any]]] = TypeAdapter(dict[str, Any])
_LIST: Final[TypeAdapter[list[Any]]] = TypeAdapter(list[Any])
POLICY: Final[TypeAdapter[Policy]] = TypeAdapter(Policy)


def _adopted(seller: str | None, home: Home) -> list[tuple[str, AdoptedPolicy]]:
    with reading_rows(home) as rows:
        names = sellers(rows, seller)
    with ledger_of(home) as ledger:
        return [(name, one) for name in names for one in adopted_policies(ledger, name)]


def _row(seller: str, one: AdoptedPolicy) -> dict[str, Any]:
    policy = one.policy
    return {
        "seller": seller,
        "policy": ref(policy),
        "kind": policy.kind,
        "channel": getattr(policy, "channel", "*"),
        "dispatch_type": getattr(policy, "dispatch_type", None),
        "region": policy.region,
        "since": one.since.isoformat(),
        "by": one.by,
    }


@app.command("list")
def list_(seller: Seller = None, as_json: AsJson = False, as_csv: AsCsv = False, home: Home = None) -> None:
    """List the policies that apply now: where, for which goods, and since when.

    Example: jumun policies list --seller seoul-home
    """
    adopted = _adopted(seller, home)
    if show.for_a_program([_row(*one) for one in adopted], as_json, as_csv):
        return
    for seller_id in dict.fromkeys(name for name, _ in adopted):
        show.table(
            f"Adopted policies of {seller_id}",
            ("kind", "policy", "channel", "dispatch", "region", "since"),
            [_cells(one) for name, one in adopted if name == seller_id],
            note="since: UTC.  jumun policies show NAME prints the terms of one.",
        )


def _cells(one: AdoptedPolicy) -> tuple[Any, ...]:
    policy = one.policy
    return (
        policy.kind.partition("_")[0],
        ref(policy),
        _everywhere(getattr(policy, "channel", "*")),
        _everywhere(getattr(policy, "dispatch_type", None)),
        _everywhere(policy.region),
        one.since,
    )


def _everywhere(value: str | None) -> str:
    return "all" if value in (None, "*") else str(value).replace("_", " ")


@app.command("show")
def show_(
    name: Annotated[str, typer.Argument(help="Its name in `jumun policies list`, with or without @version.")],
    seller: Seller = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Print the terms of one adopted policy.

    Example: jumun policies show kr-default --seller seoul-home
    """
    adopted = _adopted(seller, home)
    matching = [(owner, one) for owner, one in adopted if name in (ref(one.policy), one.policy.id)]
    if not matching:
        names = sorted({ref(one.policy) for _, one in adopted})
        near = difflib.get_close_matches(name, names, 3) or names
        show.problem(
            f"No policy {name} is adopted.",
            "nothing was changed.",
            f"adopted are: {', '.join(near) or 'none yet'}; `jumun policies list` prints all of them.",
        )
        raise typer.Exit(2)
    if as_json:
        show.in_json(
            {**_row(owner, one), "terms": one.policy.model_dump(mode="json")} for owner, one in matching
        )
        return
    for owner, one in matching:
        show.table(
            f"{ref(one.policy)} of {owner}, since {show.text_of(one.since)} UTC ({one.by or 'default'})",
            ("field", "what"),
            _terms(one.policy.model_dump(mode="json")),
            most=1_000,
        )


def _terms(value: Any, path: str = "") -> list[tuple[str, str]]:
    """The fields of a policy that are set, one a row, with their path."""
    if isinstance(value, dict):
        parts = [
            (f"{path}.{name}".lstrip("."), part) for name, part in _OBJECT.validate_python(value).items()
        ]
        return [row for name, part in parts for row in _terms(part, name)]
    if isinstance(value, list):
        items = _LIST.validate_python(value)
        if items and isinstance(items[0], dict):
            return [row for number, item in enumerate(items) for row in _terms(item, f"{path}[{number}]")]
        return [(path, ", ".join(map(str, items)))] if items else []
    if isinstance(value, bool):
        return [(path, "yes" if value else "no")]
    return [] if value is None else [(path, str(value))]


@app.command()
def check(
    file: Annotated[
        str, typer.Argument(help="File with one policy, or a message that adopts it; - reads standard input.")
    ],
    as_json: AsJson = False,
) -> None:
    """Check whether a policy can be adopted now; print each problem and what to do.  Adopts nothing.

    Example: jumun policies check returns.json
    """
    document = _document(file)
    problems = _problems(document)
    if as_json:
        show.in_json(
            {"field": one.field, "rule": one.rule, "remedy": one.remedy, "law": one.law} for one in problems
        )
    elif problems:
        show.table(
            f"{_name(document)} cannot be adopted",
            ("field", "why", "what"),
            [(one.field, one.rule, one.remedy) for one in problems],
            note="why: the rule that it breaks.  what: what to do.",
        )
    else:
        show.console.print(f"{_name(document)} can be adopted.")
    if problems:
        raise typer.Exit(1)


def _document(file: str) -> dict[str, Any]:
    try:
        content = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        document = _OBJECT.validate_json(content)
        if "data" in document:
            document = _OBJECT.validate_python(_OBJECT.validate_python(document["data"])["policy"])
    except OSError as error:
        _unusable(f"{file} cannot be read: {error.strerror}.", "give a file with one policy in JSON.")
    except (ValueError, KeyError):
        _unusable(f"{file} has no policy.", "give a JSON object with `kind` and `id`.")
    return document


def _unusable(what: str, next_step: str) -> NoReturn:
    show.problem(what, "nothing was changed.", next_step)
    raise typer.Exit(2) from None


def _name(document: dict[str, Any]) -> str:
    return f"{document.get('id', 'The policy')}@{document.get('version', '?')}"


def _problems(document: dict[str, Any]) -> list[Problem]:
    try:
        policy = POLICY.validate_python(document)
    except ValidationError as error:
        return list(_invalid(error, str(document.get("kind"))))
    return adoption_problems(policy, SYSTEM.now())


def _invalid(error: ValidationError, kind: str) -> Iterator[Problem]:
    for one in error.errors(include_url=False, include_context=False):
        path = [str(part) for part in one["loc"] if part != kind]
        rule, remedy = _why(one["type"], path, kind)
        message = one["msg"].removeprefix("Value error, ").removeprefix("Input ")
        yield Problem(".".join(path) or "kind", rule or message, remedy)


def _why(error: str, path: list[str], kind: str) -> tuple[str, str]:
    """The rule, if the checker's own message would not be clear, and what to do."""
    if error.startswith("union_tag"):
        return "there is no such kind of policy", f"give one of: {', '.join(MODELS)}"
    if error == "missing":
        return "the field is missing", "add it"
    if error == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], MODELS[kind].model_fields, 1) if len(path) == 1 else []
        return "there is no such field", f"did you mean {near[0]}?" if near else "leave it out"
    return "", "correct it"
