"""Penalty rules of marketplaces.  No decision uses them, so they change with the code, not by an event."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from domain.policies.calendar import KR_PUBLIC
from domain.policies.head import Confidence

PointKey = Literal[
    "late_dispatch",
    "late_dispatch_long",
    "delay_missed",
    "oos_cancel",
    "late_return",
    "late_exchange",
    "false_invoice",
]


@dataclass(frozen=True, slots=True)
class PointRule:
    """Points accrue on the first business day after the due day, or `grace_business_days` days after that."""

    points: int
    confidence: Confidence
    note: str
    grace_business_days: int = 0
    ignores_suspension: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """A stage is triggered when points and ratio of the last `window_days` both reach these values."""

    window_days: int
    points: int
    ratio: Decimal
    """Points per paid order of the same days."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of sanctions, reached `repeat_within_days` or less after the previous one; None: the first."""

    name: str
    effect: Literal["notice", "no_new_listings", "sales_stopped"]
    repeat_within_days: int | None
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Suspension:
    """No points accrue from `first` to `last` (included)."""

    first: date
    last: date
    source: str


@dataclass(frozen=True, slots=True)
class PenaltyRules:
    id: str
    version: int
    channel: str
    zone: str
    calendar: str
    valid_from: date
    source: str
    confidence: Confidence
    points: dict[PointKey, PointRule]
    trigger: Trigger
    stages: tuple[Stage, ...]
    suspensions: tuple[Suspension, ...]


NAVER_SALES_PENALTY: Final = PenaltyRules(
    id="naver-sales-penalty",
    version=3,
    channel="naver",
    zone="Asia/Seoul",
    calendar=KR_PUBLIC,
    valid_from=date(2021, 1, 1),
    source="seller blogs, 2021 to 2025; the official table was not found",
    confidence="medium",
    points={
        "late_dispatch": PointRule(1, "medium", "not dispatched by ship_by"),
        "late_dispatch_long": PointRule(
            3,
            "low",
            "extra, still not dispatched 4 business days later; unverified: others write '+4' or '5 or more'",
            grace_business_days=4,
        ),
        "delay_missed": PointRule(
            2, "low", "missed the new date of a delay notice too; unverified: older tables say 3"
        ),
        "oos_cancel": PointRule(
            2, "medium", "cancelled by the seller as sold out; given the next day", ignores_suspension=True
        ),
        "late_return": PointRule(1, "medium", "return not handled after collection", grace_business_days=3),
        "late_exchange": PointRule(
            1, "medium", "exchange not handled after collection", grace_business_days=3
        ),
        "false_invoice": PointRule(
            3, "low", "false tracking number; unverified; given by hand, so never predicted"
        ),
    },
    trigger=Trigger(window_days=30, points=10, ratio=Decimal("0.40")),
    stages=(  # the names are certain, the effects are not
        Stage("주의", "notice", None, "low"),
        Stage("경고", "no_new_listings", 7, "low"),
        Stage("이용제한", "sales_stopped", 7, "low"),
    ),
    suspensions=(
        Suspension(
            date(2025, 10, 1), date(2025, 10, 10), "seller news 2025-10: Chuseok, all but sold-out cancels"
        ),
    ),
)

RULES: Final = {rules.channel: rules for rules in (NAVER_SALES_PENALTY,)}
"""The penalty rules by channel.  They are that channel's alone: no other channel has points by them."""

COUPANG_WINDOW_DAYS: Final = {
    "order_fulfilment": 7,
    "on_time_shipment": 7,
    "on_time_delivery": 7,
    "answer_24h": 30,
}
"""The window of each metric of the seller score, in days."""
