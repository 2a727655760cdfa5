"""`jumun token`: who may do what over HTTP."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from infra.access import tokens
from infra.cli import show
from infra.cli.options import AsCsv, AsJson
from infra.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Tokens for HTTP: each bound to sellers and rights.")
File = Annotated[Path | None, typer.Option("--file", help="Where they are kept; default: JUMUN_HTTP_TOKENS.")]
DEFAULT = Path("tokens.toml")
_RIGHTS = ", ".join(tokens.RIGHTS)


def _file(asked: Path | None) -> Path:
    return asked or Settings().http_tokens or DEFAULT


def _wrong(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}."


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Whose it is; letters, digits, . _ -")],
    seller: Annotated[list[str], typer.Option(help="For this seller; may be said again; * for all.")],
    right: Annotated[list[str], typer.Option(help=f"May do this: {_RIGHTS}; may be said again.")],
    file: File = None,
) -> None:
    """Make a token, print it this once, and keep its hash.

    Example: jumun token new shop --seller acme --right publish --right read
    """
    path = _file(file)
    try:
        secret = tokens.new(path, name, seller, right)
    except tokens.TokenExists:
        show.problem(
            f"A token called {name} is there already.",
            "it stays as it was.",
            f"choose another name, or take its entry out of {path} first.",
        )
        raise typer.Exit(2) from None
    except ValidationError as error:
        show.problem(_wrong(error), "no token was made.", f"rights are: {_RIGHTS}.")
        raise typer.Exit(2) from None
    except tokens.TokenFileError as error:
        show.problem(f"{error}.", "the file stays as it is.", "correct it, or name another with --file.")
        raise typer.Exit(2) from None
    typer.echo(secret)
    show.errors.print(f"It is shown this once; {path} has its hash.", highlight=False)
    if Settings().http_tokens is None:
        show.errors.print(f"Servers read it if JUMUN_HTTP_TOKENS={path}", highlight=False)


@app.command("list")
def list_(file: File = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Which tokens there are, for whom, and what they may do.

    Example: jumun token list
    """
    try:
        found = tokens.read(_file(file))
    except tokens.TokenFileError as error:
        show.problem(f"{error}.", "nothing was changed.", "correct it: nobody may do anything until then.")
        raise typer.Exit(2) from None
    rows = [{"name": one.name, "sellers": one.sellers, "rights": one.rights} for one in found]
    if show.for_a_program(rows, as_json, as_csv):
        return
    show.table(
        "Tokens",
        ("name", "sellers", "rights"),
        [
            (one.name, "all" if one.sellers == tokens.ALL else ", ".join(one.sellers), ", ".join(one.rights))
            for one in found
        ],
    )
