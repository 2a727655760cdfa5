"""Caches stream states, with an overlay for the changes of the current batch.

The overlay is merged into the cache only after the ledger has committed the batch.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from consumers.ports import Ledger, Loaded
from consumers.snapshots import is_due
from domain.catalogue import DECIDERS
from domain.seller import Seller
from domain.streams import StreamId, seller_stream

CACHED_STREAMS: Final = 60_000


class StateCache:
    """Stream states and sellers' sequences: as committed, plus the changes of the batch so far."""

    def __init__(self, ledger: Ledger, cached: int = CACHED_STREAMS) -> None:
        self._ledger = ledger
        self._cached = cached
        self._cache: OrderedDict[StreamId, Loaded] = OrderedDict()
        self._batch: dict[StreamId, Loaded] = {}
        self._sequences: dict[str, int] = {}
        self._batch_sequences: dict[str, int] = {}

    def prefetch(self, streams: Iterable[StreamId]) -> None:
        """Loads the streams that are not cached, in one query."""
        missing = sorted({name for name in streams if name not in self._cache and name not in self._batch})
        if not missing:
            return
        loaded = self._ledger.load(missing)
        for name in missing:
            self._cache[name] = loaded.get(name) or _start(name)

    def prefetch_sequences(self, sellers: Iterable[str]) -> None:
        missing = sorted({seller for seller in sellers if seller not in self._sequences})
        if missing:
            loaded = self._ledger.sequences(missing)
            self._sequences.update({seller: loaded.get(seller, 0) for seller in missing})

    def get(self, stream: StreamId) -> Loaded:
        loaded = self._batch.get(stream) or self._cache.get(stream)
        if loaded is None:
            self.prefetch([stream])
            loaded = self._cache[stream]
        return loaded

    def seller(self, seller_id: str) -> Seller:
        """The state of the seller's own stream."""
        seller: Seller = self.get(seller_stream(seller_id)).state
        return seller

    def sequence(self, seller_id: str) -> int:
        sequence = self._batch_sequences.get(seller_id)
        if sequence is None:
            self.prefetch_sequences([seller_id])
            sequence = self._sequences[seller_id]
        return sequence

    def merge(self, states: Mapping[StreamId, Loaded], seller_id: str, sequence: int) -> None:
        """Adds the states that one message decided to the batch's overlay."""
        self._batch.update(states)
        self._batch_sequences[seller_id] = sequence

    def snapshots(self) -> dict[StreamId, Loaded]:
        """The snapshots that are due for streams of this batch."""
        snapshots = {
            stream: Loaded(loaded.version, loaded.state, loaded.version)
            for stream, loaded in self._batch.items()
            if is_due(loaded)
        }
        self._batch.update(snapshots)
        return snapshots

    def batch_sequences(self) -> Mapping[str, int]:
        return self._batch_sequences

    def committed(self) -> None:
        """Merges the committed batch into the cache and evicts the least recently used streams."""
        cache = self._cache
        for stream, loaded in self._batch.items():
            cache[stream] = loaded
            cache.move_to_end(stream)
        self._sequences.update(self._batch_sequences)
        self._batch, self._batch_sequences = {}, {}
        while len(cache) > self._cached:
            cache.popitem(last=False)


def _start(stream: StreamId) -> Loaded:
    return Loaded(0, DECIDERS[stream.kind].start)
