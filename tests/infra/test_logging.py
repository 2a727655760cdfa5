"""Log records of our code and of libraries go to standard error, and logging never fails."""

import io
import logging
import sys
import uuid

import pytest
import structlog

from infra.logging import set_up
from infra.settings import Settings


def say() -> tuple[str, str]:
    """Logs a line of our own and one of a library; both are unique, as repeated lines are suppressed."""
    ours, theirs = uuid.uuid4().hex, uuid.uuid4().hex
    structlog.get_logger().warning(ours)
    logging.getLogger("kafka.net").warning(theirs)
    return ours, theirs


def test_our_own_lines_and_those_of_libraries_go_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up(Settings())
    lines = say()
    written = capsys.readouterr().err
    assert all(line in written for line in lines)


def test_where_standard_error_is_closed_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", closed)
    set_up(Settings())
    closed.close()
    say()
