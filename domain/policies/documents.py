"""The policy documents that a seller can adopt, and the set of adopted policies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Final, Literal, Self, TypeVar, assert_never

from pydantic import Field, model_validator

from domain.policies.calendar import MIDNIGHT
from domain.policies.head import (
    AnyChannel,
    CalendarId,
    Clock,
    Confidence,
    Day,
    Document,
    Key,
    LeadDays,
    Part,
    Share,
    Units,
    ZoneName,
)
from domain.policies.return_policy import ReturnPolicy
from domain.values import InputChannel, InputShop

HoldMinutes = Annotated[int, Field(strict=True, ge=0, le=43_200)]
Value = TypeVar("Value")


class DeliveryLead(Part):
    """Business days from hand-over to delivery, for one delivery zone."""

    zone: Key
    days: LeadDays


class SameDay(Part):
    cut_off: Clock
    handover: Clock
    max_distance_km: Annotated[int, Field(strict=True, ge=0, le=20_000)]


class CutOffOn(Part):
    """Another cut-off time on one date."""

    date: Day
    cut_off: Clock


class PromisePolicy(Document):
    """Sets when an order must be handed over and delivered, from the time of its payment."""

    kind: Literal["promise_policy"] = "promise_policy"
    channel: AnyChannel = "*"
    dispatch_type: Key | None = None
    due_date_from: Literal["payment", "channel"] = "payment"
    """channel: the order has no due date but the one that its channel gives, as preorders have."""
    zone: ZoneName
    calendar: CalendarId
    cut_off: Clock
    handover: Clock
    lead_business_days: LeadDays
    after_cut_off_add: Annotated[int, Field(strict=True, ge=0, le=1)] = 1
    """Extra business days after the cut-off.  With 2, paying the next morning would ship earlier."""
    delivery_lead: Annotated[tuple[DeliveryLead, ...], Field(max_length=200)] = ()
    same_day: SameDay | None = None
    overrides: Annotated[tuple[CutOffOn, ...], Field(max_length=400)] = ()

    @model_validator(mode="after")
    def _is_due_after_payment(self) -> Self:
        if self.lead_business_days == 0:
            latest = max([self.cut_off, *(day.cut_off for day in self.overrides)])
            if latest > self.handover or (self.after_cut_off_add == 0 and self.handover != MIDNIGHT):
                msg = "an order could be due before it is paid: hand-over lies before the cut-off"
                raise ValueError(msg)
        if self.same_day and self.same_day.cut_off > self.same_day.handover:
            msg = "same-day hand-over lies before its cut-off"
            raise ValueError(msg)
        return self


class LowStock(Part):
    """Low stock is detected at `units` or fewer; it has recovered at `clear_at` or more."""

    units: Units
    clear_at: Units

    @model_validator(mode="after")
    def _clears_above(self) -> Self:
        if self.clear_at < self.units:
            msg = "clear_at lies below units"
            raise ValueError(msg)
        return self


class StockPolicy(Document):
    """How much of the stock may be sold, and where."""

    kind: Literal["stock_policy"] = "stock_policy"
    safety_stock: Units
    alerts: bool = True
    """Whether to report sold out, low stock and recovery.  Without `low_stock` nothing is low."""
    low_stock: LowStock | None = None
    channel_shares: Annotated[Mapping[InputShop, Share], Field(max_length=40)] = {}
    default_share: Share = Decimal(1)
    hold_unpaid_minutes: HoldMinutes = 0
    """0: reserve at payment.  Else: reserve when the order is placed, and release after so many minutes."""
    channel_holds: Annotated[Mapping[InputShop, HoldMinutes], Field(max_length=40)] = {}
    """The same for a channel or one account of it."""

    def share_of(self, channel: str, account: str) -> Decimal:
        """The share of the sellable stock that is offered there, 0 to 1."""
        return _of_shop(self.channel_shares, channel, account, self.default_share)

    def hold_of(self, channel: str, account: str) -> int:
        """Minutes for which pieces of an unpaid order are reserved; 0: not before payment."""
        return _of_shop(self.channel_holds, channel, account, self.hold_unpaid_minutes)


def _of_shop(by_shop: Mapping[str, Value], channel: str, account: str, default: Value) -> Value:
    """What is stated for the account, else for its channel."""
    return by_shop.get(f"{channel}:{account}", by_shop.get(channel, default))


class Mark(Part):
    """The rates that a metric must reach.  Null: not published; the seller enters the channel's value."""

    pass_mark: Share | None = None
    caution: Share | None = None
    warning: Share | None = None
    confidence: Confidence = "high"

    @model_validator(mode="after")
    def _gets_worse_downwards(self) -> Self:
        marks = [mark for mark in (self.warning, self.caution, self.pass_mark) if mark is not None]
        if marks != sorted(marks):
            msg = "warning <= caution <= pass_mark"
            raise ValueError(msg)
        return self


class ScoreMarks(Document):
    """A channel's marks for the seller score."""

    kind: Literal["score_marks"] = "score_marks"
    channel: InputChannel
    marks: Annotated[Mapping[Key, Mark], Field(max_length=40)]


Policy = Annotated[PromisePolicy | StockPolicy | ReturnPolicy | ScoreMarks, Field(discriminator="kind")]


NOT_ADOPTED: Final = "no policy adopted"
"""Stands for the name of a policy in events that would have needed one."""


def ref(policy: Document) -> str:
    """The name and version of a policy as events store it, for example `kr-std@1`."""
    return f"{policy.id}@{policy.version}"


@dataclass(frozen=True, slots=True)
class Policies:
    """The adopted policies of a seller: one of each kind.  Tuples have one per channel and are sorted."""

    promise: tuple[PromisePolicy, ...]
    stock: StockPolicy
    returns: ReturnPolicy
    marks: tuple[ScoreMarks, ...] = ()

    def promise_for(self, channel: str, dispatch_type: str | None = None) -> PromisePolicy | None:
        """The most specific policy: channel and dispatch type, else channel, else dispatch type, else any.

        None: the seller has adopted none of these.
        """
        policies = {(policy.channel, policy.dispatch_type): policy for policy in self.promise}
        precedence = ((channel, dispatch_type), (channel, None), ("*", dispatch_type), ("*", None))
        return next((policies[key] for key in precedence if key in policies), None)

    def marks_for(self, channel: str) -> ScoreMarks | None:
        return next((marks for marks in self.marks if marks.channel == channel), None)


def adopt(policies: Policies, policy: Policy) -> Policies:
    """`policies` with `policy` instead of its predecessor.  It never refuses, because `evolve` calls it."""
    match policy:
        case PromisePolicy():
            promise = {(p.channel, p.dispatch_type or ""): p for p in (*policies.promise, policy)}
            return replace(policies, promise=tuple(promise[key] for key in sorted(promise)))
        case StockPolicy():
            return replace(policies, stock=policy)
        case ReturnPolicy():
            return replace(policies, returns=policy)
        case ScoreMarks():
            marks = {m.channel: m for m in (*policies.marks, policy)}
            return replace(policies, marks=tuple(marks[key] for key in sorted(marks)))
        case _:
            assert_never(policy)
