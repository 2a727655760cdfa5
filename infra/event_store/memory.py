"""A ledger in memory, for tests, what-if runs and simulations; its data is lost when the process ends."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Self

from consumers.ports import Batch, Committed, Decided, Loaded, Stale, State, Waiting
from domain.catalogue import DECIDERS
from domain.deadlines import Timer
from domain.streams import StreamId
from infra.event_store.fence import check_offset
from infra.event_store.rows import Origin

NO_SECRET: Final = bytes(32)
"""A fixed secret, so that every run gives the same tokens; safe because nobody else sees them."""


class MemoryCommit(NamedTuple):
    """One written commit."""

    partition: int
    batch: Batch
    committed: Committed


class SellerRow(NamedTuple):
    """A seller's partition, the sequence of the seller's newest event, and whether the seller is live."""

    partition: int
    sequence: int
    live: bool


@dataclass(slots=True)
class Tables:
    """The tables that all partitions share."""

    commits: list[MemoryCommit] = field(default_factory=list[MemoryCommit])
    events: list[Decided] = field(default_factory=list[Decided])
    """By position, the first at index 0."""
    streams: dict[StreamId, list[Decided]] = field(default_factory=dict[StreamId, list[Decided]])
    """By version, the first at index 0."""
    inbox: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    sellers: dict[str, SellerRow] = field(default_factory=dict[str, SellerRow])
    snapshots: dict[tuple[StreamId, int], Loaded] = field(default_factory=dict[tuple[StreamId, int], Loaded])
    """By stream and version of its evolve function."""
    parked: dict[tuple[int, int], Waiting] = field(default_factory=dict[tuple[int, int], Waiting])
    """By partition and number."""
    timers: dict[str, Timer] = field(default_factory=dict[str, Timer])
    failed: set[str] = field(default_factory=set[str])
    """Keys of the timers that have failed."""
    clocks: dict[tuple[int, str], datetime] = field(default_factory=dict[tuple[int, str], datetime])
    vault: dict[str, str] = field(default_factory=dict[str, str])


class MemoryLedger:
    """Keeps events and states as objects, which are never changed in place."""

    def __init__(self, origin: Origin | None = None, partition: int = 0, secret: bytes = NO_SECRET) -> None:
        self._origin = origin or Origin()
        self._partition = partition
        self._secret = secret
        self._tables = Tables()

    def of(self, partition: int) -> Self:
        """The same ledger for another partition."""
        other = copy.copy(self)
        other._partition = partition
        return other

    def close(self) -> None:
        """Nothing to do: there is no connection."""

    @property
    def secret(self) -> bytes:
        return self._secret

    @property
    def commits(self) -> Sequence[MemoryCommit]:
        """The commits of all partitions, in the order in which they were written."""
        return self._tables.commits

    @property
    def events(self) -> Sequence[Decided]:
        """The events of all partitions, by position."""
        return self._tables.events

    @property
    def vault(self) -> Mapping[str, str]:
        """Personal texts by token."""
        return self._tables.vault

    def next_offset(self) -> int:
        own = (commit for commit in reversed(self.commits) if commit.partition == self._partition)
        last = next(own, None)
        return last.batch.next_offset if last else 0

    def seen_digests(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        inbox = self._tables.inbox
        return {key: inbox[key] for key in keys if key in inbox}

    def load(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Loaded]:
        return {stream: self._loaded(stream) for stream in streams if stream in self._tables.streams}

    def _loaded(self, stream: StreamId) -> Loaded:
        decider = DECIDERS[stream.kind]
        snapshot = self._tables.snapshots.get((stream, decider.evolves)) or Loaded(0, decider.start)
        state = snapshot.state
        events = self._tables.streams[stream]
        for decided in events[snapshot.version :]:
            state = decider.evolve(state, decided.event)
        return Loaded(len(events), state, snapshot.version)

    def sequences(self, sellers: Sequence[str]) -> Mapping[str, int]:
        rows = self._tables.sellers
        return {seller: rows[seller].sequence for seller in sellers if seller in rows}

    # --- waiting messages ----------------------------------------------------------------------------

    def _parked(self) -> list[Waiting]:
        """The waiting messages of this partition, by number."""
        rows = self._tables.parked.items()
        return [entry for (partition, _), entry in sorted(rows) if partition == self._partition]

    def waits(self) -> Mapping[StreamId, State]:
        states: dict[StreamId, State] = {}
        for entry in self._parked():
            failed = entry.state == "failed" or states.get(entry.waits_at) == "failed"
            states[entry.waits_at] = "failed" if failed else "parked"
        return states

    def waiting(self, stream: StreamId, limit: int) -> list[Waiting]:
        return [entry for entry in self._parked() if entry.waits_at == stream][:limit]

    def waiting_count(self, seller_id: str) -> int:
        return sum(entry.seller_id == seller_id for entry in self._tables.parked.values())

    def next_number(self) -> int:
        return max((entry.number for entry in self._parked()), default=0) + 1

    # --- time ----------------------------------------------------------------------------------------

    def clock(self, name: str) -> datetime | None:
        return self._tables.clocks.get((self._partition, name))

    def next_due(self, seller_id: str | None, after: datetime | None) -> datetime | None:
        return next((timer.due for timer in self._pending(seller_id) if not _past(timer, after)), None)

    def due(self, seller_id: str | None, after: datetime | None, to: datetime, limit: int) -> list[Timer]:
        pending = self._pending(seller_id)
        return [timer for timer in pending if timer.due <= to and not _past(timer, after)][:limit]

    def failed_timers(self, seller_id: str | None) -> list[Timer]:
        """Timers that could not fire because of a bug, earliest first."""
        tables = self._tables
        failed = sorted((tables.timers[key] for key in tables.failed), key=_firing_order)
        return [
            timer
            for timer in failed
            if self._is_mine(timer.stream.seller) and seller_id in {None, timer.stream.seller}
        ]

    def _pending(self, seller_id: str | None) -> list[Timer]:
        """Timers of this seller, or of all live sellers of the partition if None, in the order of firing."""
        timers = [timer for key, timer in self._tables.timers.items() if key not in self._tables.failed]
        if seller_id is None:
            rows = self._tables.sellers
            return sorted(
                (t for t in timers if self._is_mine(t.stream.seller) and rows[t.stream.seller].live),
                key=_firing_order,
            )
        return sorted((t for t in timers if t.stream.seller == seller_id), key=_firing_order)

    def _is_mine(self, seller_id: str) -> bool:
        row = self._tables.sellers.get(seller_id)
        return row is not None and row.partition == self._partition

    # --- commit --------------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> Committed:
        """Writes the whole batch or nothing.

        Raises: Stale, when the batch does not begin at the ledger's next offset, a stream has another
        version, or the inbox already holds one of its messages.
        """
        self._origin.at("ledger.before")
        self._check(batch)
        tables = self._tables
        now = self._origin.clock.now()
        if tables.commits:  # recorded_at never goes backwards
            now = max(now, tables.commits[-1].committed.recorded_at)
        committed = Committed(len(tables.events) + 1 if batch.events else 0, now)
        self._write_events(batch)
        self._write_waiting(batch)
        self._write_timers(batch)
        tables.commits.append(MemoryCommit(self._partition, batch, committed))
        self._origin.at("ledger.after")
        return committed

    def _check(self, batch: Batch) -> None:
        tables = self._tables
        check_offset(self.next_offset(), batch.from_offset)
        versions: dict[StreamId, int] = {}
        for decided in batch.events:
            stream = decided.stream
            current = versions.get(stream, len(tables.streams.get(stream, ())))
            if decided.version != current + 1:
                msg = f"{stream} has version {current}, this batch adds version {decided.version}"
                raise Stale(msg)
            versions[stream] = decided.version
        if any(key in tables.inbox for key, _ in batch.inbox):
            msg = "the inbox already holds a message of this batch"
            raise Stale(msg)

    def _write_events(self, batch: Batch) -> None:
        tables = self._tables
        tables.events += batch.events
        for decided in batch.events:
            tables.streams.setdefault(decided.stream, []).append(decided)
        tables.inbox.update(batch.inbox)
        tables.vault.update((token, text) for token, text in batch.vaulted if token not in tables.vault)
        for seller, sequence in batch.sequences.items():
            row = tables.sellers.get(seller) or SellerRow(self._partition, 0, batch.live.get(seller, True))
            tables.sellers[seller] = row._replace(sequence=sequence)
        for stream, loaded in batch.snapshots.items():
            tables.snapshots[stream, DECIDERS[stream.kind].evolves] = loaded

    def _write_waiting(self, batch: Batch) -> None:
        parked = self._tables.parked
        for number in batch.unparked:
            parked.pop((self._partition, number), None)
        for entry in batch.parked:
            parked[self._partition, entry.number] = entry

    def _write_timers(self, batch: Batch) -> None:
        tables = self._tables
        for timer in batch.fired:
            tables.timers.pop(timer.key, None)
            tables.failed.discard(timer.key)
        tables.failed |= {timer.key for timer in batch.failed_timers if timer.key in tables.timers}
        for timer in batch.timers:
            tables.timers.setdefault(timer.key, timer)
        for name, at in batch.clocks.items():
            tables.clocks[self._partition, name] = at


def _firing_order(timer: Timer) -> tuple[datetime, str, str]:
    return timer.due, timer.stream.seller, timer.key


def _past(timer: Timer, after: datetime | None) -> bool:
    return after is not None and timer.due <= after
