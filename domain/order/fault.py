"""Determines who is at fault for a cancel or a return, and who pays the shipping fee of a cancel."""

from typing import Final, Literal

from domain.values import CancelReason, Fault

FAULT_OF: Final[dict[CancelReason, Fault]] = {
    "out_of_stock": "seller",
    "price_error": "seller",
    "address_error": "customer",
    "fraud": "customer",
    "customer_request": "customer",
    "payment_declined": "customer",
    "delivery_delayed": "seller",
    "staff_error": "seller",
    "other": "seller",
}
"""The party at fault for a cancel, by its reason."""

ReturnReason = Literal[
    "changed_mind", "wrong_option_chosen", "cheaper_elsewhere", "defect", "damaged", "not_as_described",
    "wrong_item", "parts_missing", "late_delivery", "carrier_lost", "never_delivered", "other",
]  # fmt: skip
RETURN_FAULT: Final[dict[ReturnReason, Fault]] = {
    "changed_mind": "customer",
    "wrong_option_chosen": "customer",
    "cheaper_elsewhere": "customer",
    "defect": "seller",
    "damaged": "seller",
    "not_as_described": "seller",
    "wrong_item": "seller",
    "parts_missing": "seller",
    "late_delivery": "seller",
    "carrier_lost": "carrier",
    "never_delivered": "carrier",
    "other": "customer",
}
"""The party at fault for a return, by its reason."""


def fault_of_cancel(reason: CancelReason, stated: Fault | None) -> Fault:
    """The fault stated in the message, else by the reason.  Out of stock is always the seller's fault."""
    if reason == "out_of_stock":
        return "seller"
    return stated or FAULT_OF[reason]


def payer_of_cancel(reason: CancelReason, fault: Fault, stated: Fault | None) -> Fault:
    """The payer stated in the message, else the party at fault.  For out of stock always the seller."""
    if reason == "out_of_stock":
        return "seller"
    return stated or fault


def fault_of_return(reason: ReturnReason, stated: Fault | None) -> Fault:
    """The fault stated in the message, else by the reason."""
    return stated or RETURN_FAULT[reason]
