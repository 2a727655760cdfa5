"""The return policy.  The law that it must keep is in `domain/adoption.py`."""

from typing import Annotated, Literal

from pydantic import Field

from domain.policies.head import CalendarId, Days, Document, Key, LeadDays, Part, Payer, Share, Units
from domain.values import InputCurrency, InputMinor, Text

Resolution = Literal["refund", "exchange"]
Proof = Literal["notice", "written_consent"]


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
    """Goods that a buyer who changed their mind cannot return, if the seller has the proof it `needs`."""

    category: Key
    needs: Proof
    skus: Annotated[tuple[Text, ...], Field(max_length=10_000)] = ()
    """The SKUs that are such goods.  Of others the return request says so, for example if opened."""


class AutoApprove(Part):
    """Returns that are approved when they are requested: of up to this value, for one of these reasons."""

    max_value_minor: InputMinor
    currency: InputCurrency | None = None
    reasons: Annotated[tuple[Key, ...], Field(max_length=40)]
    max_per_customer_90_days: Units | None = None


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
    resolutions: Annotated[tuple[Resolution, ...], Field(min_length=1, max_length=2)] = ("refund",)
    auto_approve: AutoApprove | None = None
