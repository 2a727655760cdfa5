"""`jumun run`: the workers of the production way; and what is set."""

import json
import socket
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from infra import logging
from infra.cli import show
from infra.cli.options import AsJson
from infra.clock import SYSTEM
from infra.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.workers.process import Worker

run = typer.Typer(no_args_is_help=True, help="Start a worker of the production way; SIGTERM lets it finish.")


def _run(open_worker: "Callable[[Settings], Worker]") -> None:
    from infra.cli.worker import run_worker  # noqa: PLC0415

    run_worker(open_worker, Settings())


@run.command("engine")
def run_engine(
    skip_deleted: Annotated[
        bool, typer.Option(help="Go on where the topic begins, though messages before it are lost.")
    ] = False,
    new_topic: Annotated[
        bool, typer.Option(help="Go on with an inbound topic that was made anew, from its beginning.")
    ] = False,
) -> None:
    """Decide what comes in.  Start as many as there is work for: they share the partitions.

    Example: jumun run engine
    """
    from infra.wiring import workers  # noqa: PLC0415  loads the clients of Kafka and PostgreSQL

    _run(lambda settings: workers.engine(settings, skip_deleted=skip_deleted, new_topic=new_topic))


@run.command("relay")
def run_relay() -> None:
    """Tell what was decided to the ledger topic.  One works, others stand by.

    Example: jumun run relay
    """
    from infra.wiring import workers  # noqa: PLC0415

    _run(workers.relay)


@run.command("projector")
def run_projector(
    schema: Annotated[
        str | None, typer.Option(help="Schema of the read models; default: the settings'.")
    ] = None,
) -> None:
    """Fold what was told into read models.  Start as many as there is work for: they share the partitions.

    Examples:
      jumun run projector
      jumun run projector --schema jumun_read_next      (a second set of read models, beside the first)
    """
    from infra.wiring import workers  # noqa: PLC0415

    chosen = {} if schema is None else {"read_models_schema": schema}
    _run(lambda settings: workers.projector(settings.model_copy(update=chosen)))


@run.command("timekeeper")
def run_timekeeper(
    allow_jump: Annotated[
        bool, typer.Option(help="Tell the time though more than a day has passed since it was last told.")
    ] = False,
) -> None:
    """Say once a second how late it is, so that deadlines fall due.  One works, others stand by.

    Example: jumun run timekeeper
    """
    from infra.wiring import workers  # noqa: PLC0415

    _run(lambda settings: workers.timekeeper(settings, allow_jump=allow_jump))


@run.command("all")
def run_all(
    engines: Annotated[int, typer.Option(help="How many engine workers.", min=1, max=64)] = 1,
    projectors: Annotated[int, typer.Option(help="How many projectors.", min=1, max=64)] = 1,
) -> None:
    """Run all of them on this machine, each a process, started again when it ends.

    Example: jumun run all --engines 2
    """
    from infra.workers.supervisor import supervise  # noqa: PLC0415

    logging.set_up(Settings())
    many = {"engine": engines, "relay": 1, "projector": projectors, "timekeeper": 1}
    names = {f"{role}-{number}": role for role, count in many.items() for number in range(1, count + 1)}
    port = Settings().metrics_port
    own = {
        name: {
            "JUMUN_METRICS_PORT": str(port + place if port else 0),
            "JUMUN_WORKER_NAME": f"{socket.gethostname()}-{name}",
        }
        for place, name in enumerate(names)
    }
    supervise(own, {name: ("run", role) for name, role in names.items()}, SYSTEM)


def settings(as_json: AsJson = False) -> None:
    """Print every setting as it is now, with secrets hidden.

    Example: jumun settings
    """
    now = Settings()
    said = {name: _hidden(value) for name, value in now}
    if as_json:
        typer.echo(json.dumps(said, indent=1, default=str))
        return
    rows = [(f"JUMUN_{name.upper()}", said[name], "" if _is_default(now, name) else "yes") for name in said]
    show.table("Settings", ("setting", "value", "set"), rows, most=len(rows))


def _hidden(value: object) -> object:
    return "(hidden)" if isinstance(value, SecretStr) else value


def _is_default(now: Settings, name: str) -> bool:
    return bool(getattr(now, name) == type(now).model_fields[name].default)
