"""A slow recount of raw messages, from the rules as people state them.  It imports nothing of ours."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

CALENDAR: Final = Path(__file__).parents[2] / "domain/policies/calendars/kr-public-2026a.json"
HOLIDAYS: Final = set(json.loads(CALENDAR.read_text("utf-8"))["holidays"])
Messages = list[dict[str, Any]]
"""Each with `kind`, `at` (in Seoul), `order` and its own fields."""


def business_day_after(day: date, number: int) -> date:
    while number:
        day += timedelta(days=1)
        if day.weekday() < 5 and day.isoformat() not in HOLIDAYS:
            number -= 1
    return day


def of_order(messages: Messages, order: str, kind: str) -> datetime | None:
    for message in messages:
        if message["order"] == order and message["kind"] == kind:
            at: datetime = message["at"]
            return at
    return None


def orders_paid(messages: Messages) -> list[tuple[str, datetime]]:
    return [(message["order"], message["at"]) for message in messages if message["kind"] == "paid"]


def done(messages: Messages, order: str) -> datetime | None:
    """When the order was sent or cancelled."""
    for kind in ("sent", "sold_out", "buyer_cancelled"):
        at = of_order(messages, order, kind)
        if at is not None:
            return at
    return None


def points(messages: Messages, last_day: date) -> int:
    """Naver's points of the thirty days that end with `last_day`."""
    given: list[tuple[date, int]] = []
    for order, paid in orders_paid(messages):
        due_day, at = business_day_after(paid.date(), 3), done(messages, order)
        if at is None or at.date() > due_day:
            given.append((business_day_after(due_day, 1), 1))
        if at is None or at.date() > business_day_after(due_day, 4):
            given.append((business_day_after(due_day, 5), 3))
        sold_out = of_order(messages, order, "sold_out")
        if sold_out is not None:
            given.append((sold_out.date() + timedelta(days=1), 2))
    return sum(count for day, count in given if last_day - timedelta(days=29) <= day <= last_day)


def paid_orders(messages: Messages, last_day: date) -> int:
    first = last_day - timedelta(days=29)
    return sum(first <= paid.date() <= last_day for _, paid in orders_paid(messages))


def on_time_shipment(messages: Messages) -> tuple[int, int]:
    """Orders sent in time, of those that were not cancelled before they were due."""
    in_time = due = 0
    for order, paid in orders_paid(messages):
        at, sent = done(messages, order), of_order(messages, order, "sent")
        early = at is not None and at.date() <= business_day_after(paid.date(), 3)
        if early and sent is None:
            continue
        due += 1
        in_time += early
    return in_time, due


def fill_rate(messages: Messages) -> tuple[int, int]:
    """Pieces sent, of those that buyers still wanted."""
    wanted = [o for o, _ in orders_paid(messages) if of_order(messages, o, "buyer_cancelled") is None]
    return sum(of_order(messages, order, "sent") is not None for order in wanted), len(wanted)


def on_hand(messages: Messages, received: int) -> int:
    return received - len([message for message in messages if message["kind"] == "sent"])
