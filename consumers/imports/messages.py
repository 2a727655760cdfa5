"""What the converters of order data share: how a row becomes a message, and the ticks between them.

A set tells of the past, so its sellers are opened as `history`: their clocks stand still but for the ticks
put here, one whenever a seller's next message falls on a later day, and a last one for each at the end.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from consumers.imports.texts import Unusable, bounded, instant
from domain.catalogue import TIME_PASSED
from domain.values import MAX_PIECES, minor_units

Row = Mapping[str, str]
Tables = Mapping[str, Iterable[Row]]
"""A set's rows by the name of their table; several files of one table follow on each other."""
Message = dict[str, Any]
Part = tuple[int, int]

WHOLE: Final[Part] = (1, 1)


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message and when it is told, which may be later than the time that it tells of."""

    arrives_at: datetime
    message: Message


@dataclass(frozen=True, slots=True)
class Market:
    """Where a set comes from: its name, its clock of a fixed offset, and its money."""

    name: str
    zone: str
    clock: timezone
    currency: str

    def at(self, text: str) -> datetime | None:
        """The instant that a column names; none when it is empty.

        Raises: Unusable.
        """
        return instant(text.strip(), self.clock) if text else None

    def must_be_at(self, text: str) -> datetime:
        """The instant that a column must name.

        Raises: Unusable.
        """
        if (at := self.at(text)) is None:
            msg = "a row has no time"
            raise Unusable(msg)
        return at

    def minor(self, amount: Decimal) -> int:
        return minor_units(amount, self.currency)

    def tell(  # noqa: PLR0913  the attributes of a message are all named
        self,
        kind: str,
        seller: str,
        at: datetime,
        name: str,
        data: Message,
        *,
        inferred: bool = False,
        part: Part = WHOLE,
        arrives_at: datetime | None = None,
        reported: datetime | None = None,
    ) -> TimedMessage:
        """`name` tells it apart from other messages of its kind.  `arrives_at`: when it is not `at`."""
        message: Message = {
            "specversion": "1.0",
            "id": self.id_of(kind, name),
            "source": self.name,
            "type": f"jumun.inbound.{kind}.v1",
            "time": at.isoformat(),
            "sellerid": seller,
        }
        if reported is not None:
            message["reportedat"] = reported.isoformat()
        if inferred:
            message["inferred"] = True
        if part != WHOLE:
            message["part"], message["of"] = part
        message["data"] = data
        return TimedMessage(arrives_at or at, message)

    def id_of(self, kind: str, name: str) -> str:
        return bounded(f"{self.name}:{kind}:{name}")

    def receipts(  # noqa: PLR0913, PLR0917
        self, seller: str, at: datetime, name: str, sku: str, pieces: int, arrives_at: datetime | None = None
    ) -> Iterator[TimedMessage]:
        """No set tells what lay in stock: these pieces must have been there."""
        for number, start in enumerate(range(0, pieces, MAX_PIECES), 1):
            named = f"{name}/{sku}" if pieces <= MAX_PIECES else f"{name}/{sku}/{number}"
            receipt: Message = {
                "receipt_id": self.id_of("stock-received", named),
                "sku": sku,
                "pieces": min(MAX_PIECES, pieces - start),
                "reason": "opening",
            }
            yield self.tell(
                "stock-received", seller, at, named, receipt, inferred=True, arrives_at=arrives_at or at
            )

    def clocked(self, told: Iterable[TimedMessage]) -> Iterator[Message]:
        """The messages of `told`, which is sorted by `arrives_at`, with sellers opened and clocks moved."""
        days: dict[str, datetime] = {}
        day: datetime | None = None
        for one in told:
            if day is None or not timedelta(0) <= one.arrives_at - day < timedelta(days=1):
                day = self.midnight(one.arrives_at)
            seller = one.message["sellerid"]
            known = days.get(seller)
            if known is None:
                yield self._opened(seller, day)
            elif known < day:
                yield self._tick(seller, day)
            days[seller] = day if known is None else max(known, day)
            yield one.message
        end = max(days.values(), default=None)
        for seller in days:
            assert end is not None
            yield self._tick(seller, end + timedelta(days=1))

    def midnight(self, at: datetime) -> datetime:
        """The beginning of the set's day on which `at` falls."""
        return datetime.combine(at.astimezone(self.clock).date(), time(), self.clock)

    def _opened(self, seller: str, day: datetime) -> Message:
        wish = {"zone": self.zone, "currency": self.currency, "mode": "history"}
        name = f"{seller}/{day.date()}"
        opened = self.tell("seller-open-requested", seller, day, name, wish).message
        return {**opened, "actor": "converter"}

    def _tick(self, seller: str, to: datetime) -> Message:
        kind = TIME_PASSED.removeprefix("jumun.inbound.").removesuffix(".v1")
        return self.tell(kind, seller, to, f"{seller}/{to.date()}", {"to": to.isoformat()}).message


def in_time(told: Iterable[TimedMessage]) -> list[TimedMessage]:
    """Sorted by when they are told; what is told at the same instant keeps its order."""
    return sorted(told, key=lambda one: one.arrives_at)
