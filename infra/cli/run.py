"""`jumun run`: starts the workers of production.  `jumun settings`: prints the settings."""

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

run = typer.Typer(no_args_is_help=True, help="Start a worker of production; SIGTERM stops it cleanly.")


def _run(open_worker: "Callable[[Settings], Worker]") -> None:
    from infra.cli.worker import run_worker  # noqa: PLC0415

    run_worker(open_worker, Settings())


@run.command("engine")
def run_engine(
    skip_deleted: Annotated[
        bool,
        typer.Option(help="Continue at the start of the topic, although unread messages were deleted."),
    ] = False,
    new_topic: Annotated[
        bool, typer.Option(help="Continue with a recreated inbound topic, from its beginning.")
    ] = False,
) -> None:
    """Decide the messages of the inbound topic.  Several engines share the partitions.

    Example: jumun run engine
    """
    from infra.wiring import workers  # noqa: PLC0415  loads the clients of Kafka and PostgreSQL

    _run(lambda settings: workers.engine(settings, skip_deleted=skip_deleted, new_topic=new_topic))


@run.command("relay")
def run_relay() -> None:
    """Publish events, outcomes and dead letters from the ledger to Kafka.  One leads, others are standbys.

    Example: jumun run relay
    """
    from infra.wiring import workers  # noqa: PLC0415

    _run(workers.relay)


@run.command("projector")
def run_projector(
    schema: Annotated[
        str | None, typer.Option(help="Schema of the read models; default: from the settings.")
    ] = None,
) -> None:
    """Fold the events of the ledger topic into read models.  Several projectors share the partitions.

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
        bool, typer.Option(help="Start although the last tick is more than a day old.")
    ] = False,
) -> None:
    """Publish a tick every second, so that deadlines fall due.  One leads, others are standbys.

    Example: jumun run timekeeper
    """
    from infra.wiring import workers  # noqa: PLC0415

    _run(lambda settings: workers.timekeeper(settings, allow_jump=allow_jump))


@run.command("all")
def run_all(
    engines: Annotated[int, typer.Option(help="Number of engines.", min=1, max=64)] = 1,
    projectors: Annotated[int, typer.Option(help="Number of projectors.", min=1, max=64)] = 1,
) -> None:
    """Run all workers on this machine, each in a process that is restarted when it ends.

    Example: jumun run all --engines 2
    """
    from infra.workers.supervisor import supervise  # noqa: PLC0415

    logging.set_up(Settings())
    many = {"engine": engines, "relay": 1, "projector": projectors, "timekeeper": 1}
    names = {f"{role}-{number}": role for role, count in many.items() for number in range(1, count + 1)}
    port = Settings().metrics_port
    own = {
        name: {
            "JUMUN_METRICS_PORT": str(port + index if port else 0),
            "JUMUN_WORKER_NAME": f"{socket.gethostname()}-{name}",
        }
        for index, name in enumerate(names)
    }
    supervise(own, {name: ("run", role) for name, role in names.items()}, SYSTEM)


def settings(as_json: AsJson = False) -> None:
    """Print every setting with its current value; secrets are hidden.

    Example: jumun settings
    """
    now = Settings()
    values = {name: _hidden(value) for name, value in now}
    if as_json:
        typer.echo(json.dumps(values, indent=1, default=str))
        return
    rows = [
        (f"JUMUN_{name.upper()}", values[name], "" if _is_default(now, name) else "yes") for name in values
    ]
    show.table("Settings", ("setting", "value", "set"), rows, most=len(rows))


def _hidden(value: object) -> object:
    return "(hidden)" if isinstance(value, SecretStr) else value


def _is_default(now: Settings, name: str) -> bool:
    return bool(getattr(now, name) == type(now).model_fields[name].default)
