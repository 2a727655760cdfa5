"""An engine worker that kills itself while it decides certain commands.

These are commands for the SKU `KILLER`, and the missed ship-by instant of an order with the SKU `FUSE`.
"""

import os
import signal
from dataclasses import replace
from typing import Any

from domain.catalogue import DECIDERS
from infra.clock import SYSTEM
from infra.logging import set_up
from infra.settings import Settings
from infra.wiring.workers import engine
from infra.workers.process import run
from tests.bugs import deadline_of

_ORDER, _STOCK = DECIDERS["order"], DECIDERS["stock"]
_is_fuse_deadline = deadline_of("FUSE")


def _kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _order(state: Any, command: Any, context: Any) -> Any:
    if _is_fuse_deadline(command, state):
        _kill_myself()
    return _ORDER.decide(state, command, context)


def _stock(state: Any, command: Any, context: Any) -> Any:
    if getattr(command, "sku", "") == "KILLER":
        _kill_myself()
    assert _STOCK.decide_with_states is not None
    return _STOCK.decide_with_states(state, command, context)


if __name__ == "__main__":
    settings = Settings()
    set_up(settings)
    deadly = {
        **DECIDERS,
        "order": replace(_ORDER, decide=_order),
        "stock": replace(_STOCK, decide_with_states=_stock),
    }
    run(lambda: engine(settings, deciders=deadly), settings, SYSTEM)
