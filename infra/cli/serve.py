"""`jumun serve`: starts the HTTP server."""

import signal
import sys
from typing import Annotated

import typer
from rich.markup import escape

from infra.cli import show
from infra.cli.options import Home, settings
from infra.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port; default: 8080.")] = None,
    home: Home = None,
) -> None:
    """Start the HTTP server: it takes messages and answers questions.

    It runs embedded, unless JUMUN_KAFKA and JUMUN_DATABASE_URL are set.

    Example: jumun serve --port 8080
    """
    where = {name: value for name, value in (("http_host", host), ("http_port", port)) if value is not None}
    chosen = settings(home)
    _serve(Settings.model_validate({**chosen.model_dump(), **where}))


def _print_start(chosen: Settings, trouble: str, *, open_to_all: bool) -> None:
    if open_to_all:
        show.errors.print(
            "[bold yellow]Other machines can reach this server, and the connection is not encrypted.[/] "
            "Put a proxy with TLS in front of it."
        )
    if trouble:
        show.errors.print(
            f"No request is allowed yet: {escape(trouble)}. "
            "Create a token with `jumun token new`, and set JUMUN_HTTP_TOKENS to its file."
        )
    host = f"[{chosen.http_host}]" if ":" in chosen.http_host else chosen.http_host
    show.errors.print(f"Listening on http://{host}:{chosen.http_port}", highlight=False, markup=False)


def _exit_on_signals() -> None:
    """Makes signals raise SystemExit, so that the stores are closed.

    The server finishes its requests first, and then raises the signal again.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def _end(*_: object) -> None:
    sys.exit(0)


def _serve(chosen: Settings) -> None:
    from infra.embedded.writer import InUse  # noqa: PLC0415  other commands start faster without the server
    from infra.http.server import is_loopback, listening, server  # noqa: PLC0415
    from infra.wiring.server import HalfSet, opened  # noqa: PLC0415

    try:
        with listening(chosen) as bound, opened(chosen) as services:
            _print_start(chosen, services.tokens.trouble, open_to_all=not is_loopback(chosen.http_host))
            _exit_on_signals()
            server(services).run(sockets=[bound])
    except HalfSet as missing:
        show.problem(
            f"Production needs Kafka and PostgreSQL, but {missing} is not set.",
            "nothing was changed.",
            f"set {missing}, too; or unset the other one to run embedded.",
        )
        raise typer.Exit(2) from None
    except InUse as other:
        show.problem(f"{other}.", "nothing was changed.", "stop it, or choose another --home.")
        raise typer.Exit(3) from None
    except OSError as error:
        show.problem(
            f"Cannot listen on {chosen.http_host}:{chosen.http_port}: {error.strerror}.",
            "nothing was changed.",
            "choose another --port.",
        )
        raise typer.Exit(3) from None
