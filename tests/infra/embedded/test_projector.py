"""The projector in a process of its own: it keeps up, and if it is killed nothing is lost."""

import os
import signal
from pathlib import Path

import pytest

from infra.audit.verify import verify
from infra.demo import market
from infra.embedded.projector import Stopped
from infra.embedded.writer import Embedded
from infra.settings import Settings
from infra.wiring.embedded import writing

LINES = market.messages(150, seed=11)


def projector() -> int:
    """The process id of the projector, a child of this process."""
    started = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    return next(
        int(pid)
        for pid in started
        if b"infra.embedded.projector" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )


def proven(embedded: Embedded) -> bool:
    return verify(embedded.ledger, embedded.read_models).holds


def test_when_all_is_decided_all_is_folded(tmp_path: Path) -> None:
    with writing(Settings(home=tmp_path), beside=True) as embedded:
        embedded.ingest(LINES)
        assert proven(embedded)


def test_a_killed_projector_is_reported_and_the_next_one_catches_up(tmp_path: Path) -> None:
    chosen = Settings(home=tmp_path, batch=50)
    with writing(chosen, beside=True) as embedded:
        embedded.ingest(LINES[:100])
        os.kill(projector(), signal.SIGKILL)
        with pytest.raises(Stopped):
            embedded.ingest(LINES[100:])
    with writing(chosen, beside=True) as embedded:
        embedded.ingest(LINES)
        assert proven(embedded)


def test_a_projector_in_another_process_and_one_in_this_process_continue_each_other(tmp_path: Path) -> None:
    for beside, lines in ((True, LINES[:300]), (False, LINES[300:600]), (True, LINES[600:])):
        with writing(Settings(home=tmp_path), beside=beside) as embedded:
            embedded.ingest(lines)
            assert proven(embedded)
