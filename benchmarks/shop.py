"""The application around the library's aggregates.  It saves after each command, or once per batch.

Here a command is plain arguments, while Jumun is given the bytes of a message.
"""

import gc
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from benchmarks.naive import Order, StockItem


class Step(NamedTuple):
    """One step of an order's lifecycle: a command with its arguments."""

    kind: str
    key: str
    order: UUID
    lines: tuple[tuple[str, str, UUID, int], ...]
    """(line, SKU, its stock item, pieces)."""
    at: datetime


class TimedRecorder(SQLiteApplicationRecorder):
    """The library's recorder with the pragmas of Jumun's connection.  WAL is already its default."""

    def __init__(self, datastore: SQLiteDatastore, events_table_name: str = "stored_events") -> None:
        super().__init__(datastore, events_table_name)
        self.commits_ms: list[float] = []
        with datastore.get_connection(
            commit=True
        ) as connection:  # the only thread uses this connection all the time
            connection.cursor().execute("PRAGMA synchronous=FULL")
            connection.cursor().execute("PRAGMA cache_size=-65536")

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        began = time.perf_counter()
        notifications = super().insert_events(stored_events, **kwargs)
        self.commits_ms.append((time.perf_counter() - began) * 1_000)
        return notifications


class Shop:
    """Saves after each command, as in the library's manual."""

    settings: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path) -> None:
        self.app = Application[UUID](
            env={
                "PERSISTENCE_MODULE": "eventsourcing.sqlite",
                "SQLITE_DBNAME": str(folder / "aggregates.sqlite"),
                "APPLICATION_RECORDER_TOPIC": "benchmarks.shop:TimedRecorder",
                **self.settings,
            }
        )

    @property
    def commits_ms(self) -> list[float]:
        recorder = self.app.recorder
        assert isinstance(recorder, TimedRecorder)
        return recorder.commits_ms

    def order(self, name: UUID) -> Order:
        order: Order = self.app.repository.get(name)
        return order

    def item(self, name: UUID) -> StockItem:
        item: StockItem = self.app.repository.get(name)
        return item

    def keep(self, *changed: Order | StockItem) -> None:
        self.app.save(*changed)

    @contextmanager
    def batch(self) -> Generator[None]:
        """A batch of up to 500 commands.  Each command has saved already, so it does nothing."""
        yield

    def carry_out(self, step: Step) -> None:
        _STEPS[step.kind](self, step)

    def close(self) -> None:
        self.app.close()


class BatchedShop(Shop):
    """Saves once per batch of up to 500 commands, and loads each aggregate once per batch."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.aggregates: dict[UUID, Order | StockItem] = {}
        self._changed: dict[UUID, Order | StockItem] = {}

    def order(self, name: UUID) -> Order:
        order = self.aggregates.get(name)
        if order is None:
            order = self.aggregates[name] = super().order(name)
        assert isinstance(order, Order)
        return order

    def item(self, name: UUID) -> StockItem:
        item = self.aggregates.get(name)
        if item is None:
            item = self.aggregates[name] = super().item(name)
        assert isinstance(item, StockItem)
        return item

    def keep(self, *changed: Order | StockItem) -> None:
        for aggregate in changed:
            self.aggregates[aggregate.id] = self._changed[aggregate.id] = aggregate

    @contextmanager
    def batch(self) -> Generator[None]:
        """Saves once, at the end.  Like Jumun's engine, it switches the cyclic garbage collector off."""
        gc.disable()
        try:
            yield
            self.app.save(*self._changed.values())
        finally:
            gc.enable()
        self._changed.clear()
        self._saved()

    def _saved(self) -> None:
        self.aggregates.clear()


class CachingShop(BatchedShop):
    """Keeps the aggregates between batches in the library's own cache.

    The cache makes a deep copy of an aggregate at each `get`, so a failed command cannot change it.
    """

    settings: ClassVar[dict[str, str]] = {"AGGREGATE_CACHE_MAXSIZE": "0", "AGGREGATE_CACHE_FASTFORWARD": "n"}


class KeepingShop(BatchedShop):
    """Keeps the aggregates between batches in a dict, and changes them in place.  Not part of the library.

    Nothing undoes the changes of a failed command or a failed save.
    """

    def _saved(self) -> None:
        return


def _place(shop: Shop, step: Step) -> None:
    lines: list[list[str | int]] = [[line, sku, pieces] for line, sku, _, pieces in step.lines]
    shop.keep(Order(step.key, "KRW", lines, timestamp=step.at))


def _pay(shop: Shop, step: Step) -> None:
    order = shop.order(step.order)
    changed: dict[UUID, StockItem] = {}
    ship_by = (step.at + timedelta(days=1)).isoformat()
    if order.pay(f"pay-{step.key}", 4_000, ship_by, step.at):
        for line, _, name, pieces in step.lines:
            item = changed[name] = changed.get(name) or shop.item(name)
            order.allocate(line, item.reserve(f"{step.key}/{line}", pieces, step.at), step.at)
    shop.keep(order, *changed.values())


def _pack(shop: Shop, step: Step) -> None:
    order = shop.order(step.order)
    order.pack("s1", {line: pieces for line, _, _, pieces in step.lines}, "choi", step.at)
    shop.keep(order)


def _ship(shop: Shop, step: Step) -> None:
    order = shop.order(step.order)
    changed: dict[UUID, StockItem] = {}
    if order.dispatch("s1", "CJGLS", "1", step.at):
        for line, _, name, pieces in step.lines:
            item = changed[name] = changed.get(name) or shop.item(name)
            item.ship(f"{step.key}/{line}", pieces, step.at)
    shop.keep(order, *changed.values())


def _deliver(shop: Shop, step: Step) -> None:
    order = shop.order(step.order)
    order.track("s1", "delivered", step.at)
    shop.keep(order)


_STEPS: dict[str, Callable[[Shop, Step], None]] = {
    "place": _place,
    "pay": _pay,
    "pack": _pack,
    "ship": _ship,
    "deliver": _deliver,
}
KINDS = tuple(_STEPS)
