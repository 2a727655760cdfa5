"""The states that decisions are made on: cached, seen through one overlay per batch and one per message.

A message is decided on an overlay that is merged when it succeeds, so one refused at its last step leaves
no trace; a batch's overlay joins the cache only when the ledger has it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from consumers.ports import Carried, Decided, Ledger, Loaded
from domain.cascade import Deciders, cascade
from domain.catalogue import DECIDERS
from domain.decider import Told
from domain.streams import StreamId, stock_stream

CACHED_STREAMS: Final = 60_000
SNAPSHOT_AFTER: Final = 300


class World:
    """Streams by id, as the ledger and the batch so far leave them."""

    def __init__(self, ledger: Ledger, cached: int = CACHED_STREAMS) -> None:
        self._ledger = ledger
        self._cached = cached
        self._cache: OrderedDict[StreamId, Loaded] = OrderedDict()
        self._batch: dict[StreamId, Loaded] = {}
        self._sequences: dict[str, int] = {}
        self._batch_sequences: dict[str, int] = {}

    def prefetch(self, streams: Iterable[StreamId]) -> None:
        """Loads what is not cached in one query."""
        missing = sorted({name for name in streams if name not in self._cache and name not in self._batch})
        if not missing:
            return
        found = self._ledger.load(missing)
        for name in missing:
            self._cache[name] = found.get(name) or _start(name)

    def prefetch_sequences(self, sellers: Iterable[str]) -> None:
        missing = sorted({seller for seller in sellers if seller not in self._sequences})
        if missing:
            found = self._ledger.sequences(missing)
            self._sequences.update({seller: found.get(seller, 0) for seller in missing})

    def get(self, stream: StreamId) -> Loaded:
        found = self._batch.get(stream) or self._cache.get(stream)
        if found is None:
            self.prefetch([stream])
            found = self._cache[stream]
        return found

    def sequence(self, seller_id: str) -> int:
        found = self._batch_sequences.get(seller_id)
        if found is None:
            self.prefetch_sequences([seller_id])
            found = self._sequences[seller_id]
        return found

    def merge(self, decision: "Decision") -> None:
        """What one message decided becomes part of the batch."""
        self._batch.update(decision.states)
        self._batch_sequences[decision.seller_id] = decision.sequence

    def snapshots(self) -> dict[StreamId, Loaded]:
        """The batch's streams that have grown by more than their size since their last one."""
        taken: dict[StreamId, Loaded] = {}
        for stream, loaded in self._batch.items():
            since = loaded.version - loaded.snapshot
            if since > SNAPSHOT_AFTER and since > loaded.state.size:
                taken[stream] = Loaded(loaded.version, loaded.state, loaded.version)
        self._batch.update(taken)
        return taken

    def batch_sequences(self) -> Mapping[str, int]:
        return self._batch_sequences

    def committed(self) -> None:
        """The ledger has the batch: its states join the cache, and the longest unused ones leave it."""
        cache = self._cache
        for stream, loaded in self._batch.items():
            cache[stream] = loaded
            cache.move_to_end(stream)
        self._sequences.update(self._batch_sequences)
        self._batch, self._batch_sequences = {}, {}
        while len(cache) > self._cached:
            cache.popitem(last=False)

    def drop(self) -> None:
        """Forget everything: after a failed commit no cached state can be trusted."""
        self._cache.clear()
        self._sequences.clear()
        self._batch, self._batch_sequences = {}, {}


def _start(stream: StreamId) -> Loaded:
    return Loaded(0, DECIDERS[stream.kind].start)


class Decision:
    """One message with its whole cascade, decided on an overlay of its own."""

    def __init__(
        self, world: World, seller_id: str, told: Told, carried: Carried, deciders: Deciders
    ) -> None:
        self._world = world
        self._told = told
        self._carried = carried
        self._deciders = deciders
        self.seller_id = seller_id
        self.sequence = world.sequence(seller_id)
        self.states: dict[StreamId, Loaded] = {}
        self.events: list[Decided] = []

    def decide(self, stream: StreamId, command: Any) -> None:
        """Carries out `command` and what follows from it.

        Raises: Refused, TooEarly, when the command itself may not or cannot yet be carried out.
        """
        loaded: dict[StreamId, Loaded] = {}

        def state_of(to: StreamId) -> Any:
            before = loaded[to] = self.states.get(to) or self._world.get(to)
            return before.state

        events, states = cascade(state_of, stream, command, self._told, self._deciders)
        versions = {to: loaded[to].version for to in states}
        seller_id, carried, inferred, first = (
            self.seller_id,
            self._carried,
            self._told.inferred,
            len(self.events),
        )
        for to, event, cause in events:
            version = versions[to] = versions[to] + 1
            self.sequence += 1
            follows = None if cause is None else self.events[first + cause].id
            self.events.append(
                Decided(seller_id, self.sequence, to, version, event, carried, follows, inferred)
            )
        for to, state in states.items():
            self.states[to] = Loaded(versions[to], state, loaded[to].snapshot)


def skus_of(state: Any, seller_id: str) -> list[StreamId]:
    """The stock streams that a decision on this order is likely to need."""
    lines = getattr(state, "lines", {})
    return [stock_stream(seller_id, line.sku) for line in lines.values()]
