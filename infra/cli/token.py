"""`jumun token`: creates and lists access tokens for HTTP."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from infra.access import tokens
from infra.cli import show
from infra.cli.options import AsCsv, AsJson
from infra.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Create and list access tokens for HTTP.")
File = Annotated[Path | None, typer.Option("--file", help="The token file; default: JUMUN_HTTP_TOKENS.")]
DEFAULT = Path("tokens.toml")
_RIGHTS = ", ".join(tokens.RIGHTS)


def _file(path: Path | None) -> Path:
    return path or Settings().http_tokens or DEFAULT


def _wrong(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}."


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="A name for the token; letters, digits, . _ -")],
    seller: Annotated[list[str], typer.Option(help="A seller that it is for; repeatable; * for all.")],
    right: Annotated[list[str], typer.Option(help=f"A right that it has: {_RIGHTS}; repeatable.")],
    file: File = None,
) -> None:
    """Create a token and print it.  Only its hash is stored, so it cannot be printed again.

    Example: jumun token new shop --seller acme --right publish --right read
    """
    path = _file(file)
    try:
        secret = tokens.new(path, name, seller, right)
    except tokens.TokenExists:
        show.problem(
            f"There is already a token with the name {name}.",
            "the existing token is unchanged.",
            f"choose another name, or remove its entry from {path} first.",
        )
        raise typer.Exit(2) from None
    except ValidationError as error:
        show.problem(_wrong(error), "no token was made.", f"rights are: {_RIGHTS}.")
        raise typer.Exit(2) from None
    except tokens.TokenFileError as error:
        show.problem(f"{error}.", "the file is unchanged.", "correct it, or name another with --file.")
        raise typer.Exit(2) from None
    typer.echo(secret)
    show.errors.print(f"Copy the token now: {path} has only its hash.", highlight=False)
    if Settings().http_tokens is None:
        show.errors.print(f"Start the server with JUMUN_HTTP_TOKENS={path}", highlight=False)


@app.command("list")
def list_(file: File = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the tokens with their sellers and rights.

    Example: jumun token list
    """
    try:
        listed = tokens.read(_file(file))
    except tokens.TokenFileError as error:
        show.problem(f"{error}.", "nothing was changed.", "correct it: until then, no request is allowed.")
        raise typer.Exit(2) from None
    rows = [{"name": one.name, "sellers": one.sellers, "rights": one.rights} for one in listed]
    if show.for_a_program(rows, as_json, as_csv):
        return
    show.table(
        "Tokens",
        ("name", "sellers", "rights"),
        [
            (one.name, "all" if one.sellers == tokens.ALL else ", ".join(one.sellers), ", ".join(one.rights))
            for one in listed
        ],
    )
