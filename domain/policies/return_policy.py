"""The return policy, and the legal minimum that it must meet."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.policies.head import CalendarId, Days, Document, Key, LeadDays, Part, Payer, Share, Units
from domain.values import InputMinor


class SecondWindow(Part):
    """A longer return window for some reasons.  In Korea: for all goods that differ from the contract."""

    reasons: Annotated[tuple[Key, ...], Field(min_length=1, max_length=40)]
    days_from_delivery: Days
    days_from_knowing: Days


class WhoPays(Part):
    """Who pays for the return shipping, by who is at fault."""

    customer_fault: Payer
    seller_fault: Payer
    carrier_fault: Payer


class NonReturnable(Part):
    category: Key
    needs: Literal["notice", "written_consent"]


class AutoApprove(Part):
    max_value_minor: InputMinor
    reasons: Annotated[tuple[Key, ...], Field(max_length=40)]
    max_per_customer_90_days: Units


class ReturnPolicy(Document):
    """Sets when goods may be returned, who pays the shipping, and when the refund is due."""

    kind: Literal["return_policy"] = "return_policy"
    calendar: CalendarId
    window_days: Days
    window_starts_at: Literal["ordered", "delivered", "last_item_delivered"]
    roll_to_next_business_day: bool = False
    second_window: SecondWindow | None = None
    refund_trigger: Literal["on_receipt", "on_inspection", "earlier_of_received_or_proof_of_dispatch"]
    refund_within_business_days: LeadDays
    late_interest_apr: Share
    payer: WhoPays
    non_returnable: Annotated[tuple[NonReturnable, ...], Field(max_length=200)] = ()
    resolutions: Annotated[tuple[Literal["refund", "exchange"], ...], Field(min_length=1, max_length=2)] = (
        "refund",
    )
    auto_approve: AutoApprove | None = None

    @model_validator(mode="after")
    def _keeps_the_law(self) -> Self:
        """A Korean policy must meet the law.  Source: E-Commerce Act, articles 17 (1), 18 (2), 18 (10)."""
        if self.region != "KR":
            return self
        broken = {
            "KR law: window_days is at least 7": self.window_days < 7,  # noqa: PLR2004
            "KR law: the window starts at delivery, not at the order": self.window_starts_at == "ordered",
            "KR law: the seller pays for the seller's fault": self.payer.seller_fault == "customer",
            "KR law: refund within 3 business days": self.refund_within_business_days > 3,  # noqa: PLR2004
        }
        if any(broken.values()):
            raise ValueError("; ".join(rule for rule, is_broken in broken.items() if is_broken))
        return self
