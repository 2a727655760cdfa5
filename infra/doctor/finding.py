"""The findings of checks, and how checks run with a time limit: a server that hangs is a finding, too."""

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
"""The time limit of a check; all checks run in parallel."""


class Finding(NamedTuple):
    """The result of one check."""

    what: str
    how: str
    """The state, or the problem."""
    state: State = "ok"
    todo: str = ""


Check = Callable[[], Iterable[Finding]]
EXPECTED: Final = (
    Error, DBAPIError, PersistenceError, NoUrl, Misconfigured, Unreachable, TooFewBrokers, OSError,
)  # fmt: skip
"""Errors of the environment.  Any other error is a bug of the check, and is reported as one."""


def wrong(what: str, how: str, todo: str) -> Finding:
    return Finding(what, how, "wrong", todo)


def warning(what: str, how: str, todo: str) -> Finding:
    return Finding(what, how, "warning", todo)


class _Running:
    """A check on a thread of its own; if it hangs, the thread is left alone."""

    def __init__(self, what: str, check: Check) -> None:
        self._what, self._check = what, check
        self.findings: list[Finding] = []
        self.thread = threading.Thread(target=self._run, name=what, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        todo = "check that the server runs, and that its address and login in the settings are right"
        findings: list[Finding] = []
        try:
            for one in self._check():
                findings.append(one)  # noqa: PERF402  keeps the findings before an error
        except EXPECTED as error:
            findings.append(wrong(self._what, _first_line(error), todo))
        except Exception as error:
            findings.append(wrong(self._what, f"the check failed: {type(error).__name__}", "report this bug"))
        self.findings = findings


def _first_line(error: Exception) -> str:
    """The first line of the error.  None of the drivers puts a password into it."""
    return str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]


def run_checks(checks: Mapping[str, Check], limit_s: float = LIMIT_S) -> list[Finding]:
    """Runs all checks in parallel.  Returns their findings, in the order of the checks."""
    running = {what: _Running(what, check) for what, check in checks.items()}
    findings: list[Finding] = []
    for what, one in running.items():
        one.thread.join(limit_s)
        if one.thread.is_alive():
            findings.append(
                wrong(what, f"no answer within {limit_s:.0f} s", "check whether the server hangs")
            )
        else:
            findings += one.findings
    return findings
