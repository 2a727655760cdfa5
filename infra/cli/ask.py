"""Makes a command for each question of the catalogue."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from inspect import Parameter, Signature
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin

import typer
from pydantic import AwareDatetime
from pydantic.fields import FieldInfo
from typer.models import ArgumentInfo

from infra.cli import answer_tables, show
from infra.cli.answer_tables import Answers
from infra.cli.options import AsCsv, AsJson, Home, Seller, day, instant_or_day, reading_rows, sellers
from projections.questions.plain_rows import as_rows
from projections.questions.question import Option, Question
from projections.questions.rows import RowReader

DAY: Final = "%Y-%m-%d"
FORMATS: Final[Mapping[Any, list[str]]] = {date: [DAY], AwareDatetime: [DAY, "%Y-%m-%dT%H:%M:%S%z"]}
Most = Annotated[int, typer.Option(help="The most rows to print.")]


def register(app: typer.Typer, question: Question[Any]) -> None:
    """Adds the command of a question to the app."""
    app.command(question.name, help=help_of(question))(command(question))


def help_of(question: Question[Any]) -> str:
    return f"{question.help}\n\nExample: {question.example}"


def command(question: Question[Any]) -> Callable[..., None]:
    """The function that typer runs.  Its parameters are those of the question and the common options."""
    filters = {
        _option(field).argument or name: (name, field)
        for name, field in question.parameters.model_fields.items()
    }

    def run(*, seller: str | None, as_json: bool, as_csv: bool, home: Path | None, **options: Any) -> None:
        most = options.pop("most", show.LIMIT)
        values = {name: _value(field, options[shown]) for shown, (name, field) in filters.items()}
        answer(question, home, seller, as_json=as_json, as_csv=as_csv, most=most, **values)

    filter_parameters = [_parameter(shown, field) for shown, (_, field) in filters.items()]
    parameters = [
        *(option for option in filter_parameters if _is_argument(option)),
        _keyword("seller", Seller),
        *(option for option in filter_parameters if not _is_argument(option)),
        *([_keyword("most", Most, show.LIMIT)] if answer_tables.of(question).takes_most else []),
        _keyword("as_json", AsJson, default=False),
        _keyword("as_csv", AsCsv, default=False),
        _keyword("home", Home),
    ]
    vars(run)["__signature__"] = Signature(parameters)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def answer(
    question: Question[Any],
    home: Path | None,
    seller: str | None = None,
    *,
    as_json: bool = False,
    as_csv: bool = False,
    most: int = show.LIMIT,
    **filters: Any,
) -> None:
    """Asks the question and prints the answers.  A filter that is None is not set."""
    values = {name: value for name, value in filters.items() if value is not None}
    # The bounds of the parameters protect a server; they are not checked here.
    parameters = question.parameters.model_construct(set(values), **values)
    with reading_rows(home) as rows:
        by_seller = [
            (name, one)
            for name in _sellers(question, rows, seller)
            for one in question.ask(rows, name, parameters)
        ]
        if not show.for_a_program(as_rows(one for _, one in by_seller), as_json, as_csv):
            answers = Answers(question, rows, seller, parameters, by_seller, most)
            answer_tables.of(question).show(answers)


def _sellers(question: Question[Any], rows: RowReader, seller: str | None) -> Sequence[str | None]:
    if question.scope == "each seller" or (seller is not None and question.refuses_unknown_seller):
        return sellers(rows, seller)
    return [seller]


def _keyword(name: str, annotation: Any, default: Any = None) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _parameter(name: str, field: FieldInfo) -> Parameter:
    """The option or argument of a filter; unset, it is None or False, and the question has its default."""
    option, kind = _option(field), _kind(field)
    if option.argument:
        return _keyword(name, Annotated[list[str] | None, typer.Argument(help=option.help)])
    flags = [f"--{name.replace('_', '-')}", option.short] if option.short else []
    shown = typer.Option(*flags, help=option.help, formats=FORMATS.get(kind))
    if kind is bool:
        return _keyword(name, Annotated[bool, shown], default=False)
    return _keyword(name, Annotated[(datetime if kind in FORMATS else kind) | None, shown])


def _value(field: FieldInfo, value: Any) -> Any:
    """Converts the value of an option to the type of the question's parameter."""
    kind = _kind(field)
    if kind is date:
        return day(value)
    return instant_or_day(value) if kind is AwareDatetime else value


def _is_argument(parameter: Parameter) -> bool:
    return any(isinstance(one, ArgumentInfo) for one in get_args(parameter.annotation))


def _option(field: FieldInfo) -> Option:
    return next((one for one in field.metadata if isinstance(one, Option)), Option(""))


def _kind(field: FieldInfo) -> Any:
    """The type of the field, without None and without bounds."""
    kind: Any = field.annotation
    if NoneType in get_args(kind):
        kind = next(part for part in get_args(kind) if part is not NoneType)
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind
