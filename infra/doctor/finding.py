"""What a check finds, and how checks are bounded in time: a server that hangs is a finding, too."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple

from eventsourcing.persistence import PersistenceError
from psycopg import Error
from sqlalchemy.exc import DBAPIError

from infra.event_store.postgres.url import NoUrl
from infra.kafka.client import Misconfigured
from infra.kafka.ports import Unreachable
from infra.kafka.topics import TooFewBrokers

State = Literal["ok", "warning", "wrong"]
LIMIT_S: Final = 25.0
"""How long one check may take; all of them run at once."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    how: str
    """How it is, or what is the matter with it."""
    state: State = "ok"
    todo: str = ""


Check = Callable[[], Iterable[Finding]]
EXPECTED: Final = (
    Error, DBAPIError, PersistenceError, NoUrl, Misconfigured, Unreachable, TooFewBrokers, OSError,
)  # fmt: skip
"""What may go wrong in the world outside; anything else is a bug, and is told as such."""


def wrong(what: str, how: str, todo: str) -> Finding:
    return Finding(what, how, "wrong", todo)


def warning(what: str, how: str, todo: str) -> Finding:
    return Finding(what, how, "warning", todo)


class _Running:
    """A check on a thread of its own, which nobody waits for when it hangs."""

    def __init__(self, what: str, check: Check) -> None:
        self._what, self._check = what, check
        self.found: list[Finding] = []
        self.thread = threading.Thread(target=self._run, name=what, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        todo = "see that the server runs, and that its address and login in the settings are right"
        found: list[Finding] = []
        try:
            for one in self._check():
                found.append(one)  # noqa: PERF402  what was found before an error counts
        except EXPECTED as error:
            found.append(wrong(self._what, _said(error), todo))
        except Exception as error:
            found.append(wrong(self._what, f"the check failed: {type(error).__name__}", "report this"))
        self.found = found


def _said(error: Exception) -> str:
    """Its first line; no driver of ours puts a password into it."""
    return str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]


def together(checks: Mapping[str, Check], limit_s: float = LIMIT_S) -> list[Finding]:
    """What all checks find, in their order."""
    running = {what: _Running(what, check) for what, check in checks.items()}
    found: list[Finding] = []
    for what, one in running.items():
        one.thread.join(limit_s)
        if one.thread.is_alive():
            found.append(wrong(what, f"no answer within {limit_s:.0f} s", "see whether that server hangs"))
        else:
            found += one.found
    return found
