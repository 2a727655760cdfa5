"""Builds messages from rows of order data, and adds ticks between them; all converters share it.

A data set lies in the past, so its sellers are opened in mode `history`: only ticks move their clocks.  A
tick is added whenever a seller's next message falls on a later day, and one more per seller at the end.
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
"""The rows of a data set by table name; the files of one table are read one after the other."""
Message = dict[str, Any]
Part = tuple[int, int]

WHOLE: Final[Part] = (1, 1)


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message with its arrival time, which may be later than the business time in the message."""

    arrives_at: datetime
    message: Message


@dataclass(frozen=True, slots=True)
class Market:
    """The source of a data set: its name, its time zone with a fixed UTC offset, and its currency."""

    name: str
    zone: str
    clock: timezone
    currency: str

    def at(self, text: str) -> datetime | None:
        """The instant in a column; None if the column is empty.

        Raises: Unusable.
        """
        return instant(text.strip(), self.clock) if text else None

    def must_be_at(self, text: str) -> datetime:
        """The instant in a column that must not be empty.

        Raises: Unusable.
        """
        if (at := self.at(text)) is None:
            msg = "a row has no time"
            raise Unusable(msg)
        return at

    def minor(self, amount: Decimal) -> int:
        return minor_units(amount, self.currency)

    def timed_message(  # noqa: PLR0913  every attribute of a message, by name
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
        """Builds a message.

        `name` is unique within its kind; `arrives_at` is given if it differs from `at`.
        """
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
        """Inferred receipts of stock.  No data set contains stock, but these pieces must have been there."""
        for number, start in enumerate(range(0, pieces, MAX_PIECES), 1):
            receipt_name = f"{name}/{sku}" if pieces <= MAX_PIECES else f"{name}/{sku}/{number}"
            receipt: Message = {
                "receipt_id": self.id_of("stock-received", receipt_name),
                "sku": sku,
                "pieces": min(MAX_PIECES, pieces - start),
                "reason": "opening",
            }
            yield self.timed_message(
                "stock-received",
                seller,
                at,
                receipt_name,
                receipt,
                inferred=True,
                arrives_at=arrives_at or at,
            )

    def with_clocks(self, timed_messages: Iterable[TimedMessage]) -> Iterator[Message]:
        """Adds messages that open the sellers, and ticks that move their clocks.

        `timed_messages` must be sorted by `arrives_at`.
        """
        clock_days: dict[str, datetime] = {}
        day: datetime | None = None
        for timed in timed_messages:
            if day is None or not timedelta(0) <= timed.arrives_at - day < timedelta(days=1):
                day = self.midnight(timed.arrives_at)
            seller = timed.message["sellerid"]
            clock_day = clock_days.get(seller)
            if clock_day is None:
                yield self._opened(seller, day)
            elif clock_day < day:
                yield self._tick(seller, day)
            clock_days[seller] = day if clock_day is None else max(clock_day, day)
            yield timed.message
        end = max(clock_days.values(), default=None)
        for seller in clock_days:
            assert end is not None
            yield self._tick(seller, end + timedelta(days=1))

    def midnight(self, at: datetime) -> datetime:
        """The midnight, in the market's time zone, at which the day of `at` begins."""
        return datetime.combine(at.astimezone(self.clock).date(), time(), self.clock)

    def _opened(self, seller: str, day: datetime) -> Message:
        data = {"zone": self.zone, "currency": self.currency, "mode": "history"}
        name = f"{seller}/{day.date()}"
        opened = self.timed_message("seller-open-requested", seller, day, name, data).message
        return {**opened, "actor": "converter"}

    def _tick(self, seller: str, to: datetime) -> Message:
        kind = TIME_PASSED.removeprefix("jumun.inbound.").removesuffix(".v1")
        return self.timed_message(kind, seller, to, f"{seller}/{to.date()}", {"to": to.isoformat()}).message


def sorted_by_arrival(timed_messages: Iterable[TimedMessage]) -> list[TimedMessage]:
    """Sorts messages by arrival time; messages with the same arrival time keep their order."""
    return sorted(timed_messages, key=lambda timed: timed.arrives_at)
