"""Python's collector of cycles, kept from walking what can hardly hold any."""

import gc
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from typing import Final

SELDOM: Final = 1_000
_times = count(1)


@contextmanager
def without_collector() -> Generator[None]:
    """Deciding and folding make no cycles, yet all that they keep would be walked again and again.

    What is alive afterwards is set aside from the collector; every thousandth time it is walked all the
    same, for the cycles that an exception may have left.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            if next(_times) % SELDOM == 0:
                gc.unfreeze()
                gc.collect()
            gc.freeze()
            gc.enable()
