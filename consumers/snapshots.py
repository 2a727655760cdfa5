"""Decides when a stream gets a snapshot: when it has 300 new events, and more than its state has entries."""

from typing import Final

from consumers.ports import Loaded

SNAPSHOT_AFTER: Final = 300


def is_due(loaded: Loaded) -> bool:
    since = loaded.version - loaded.snapshot
    return since > SNAPSHOT_AFTER and since > loaded.state.size
