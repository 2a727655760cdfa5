"""Switches Python's cyclic garbage collector off while a batch is processed."""

import gc
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from typing import Final

FULL_COLLECTION_EVERY: Final = 1_000
_batches = count(1)


@contextmanager
def without_collector() -> Generator[None]:
    """Runs its block without the cyclic garbage collector.

    Deciding and folding create no reference cycles, but the collector would scan their long-lived objects
    again and again.  So objects that are alive afterwards are frozen: the collector skips them.  Every
    thousandth time it scans all of them, because an exception may have left cycles.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if next(_batches) % FULL_COLLECTION_EVERY == 0:
                gc.unfreeze()
                gc.collect()
            gc.freeze()
            gc.enable()
