"""The kinds of discrepancies: facts that were recorded although they contradict what was recorded before."""

from typing import Final, NamedTuple


class Discrepancy(NamedTuple):
    """What one kind of discrepancy means, for the person who looks into it."""

    believed: str
    observed: str
    remedy: str


_STATED: Final = "find out which statement is right; if the new one is, send it under an id of its own"


def _again(what: str) -> Discrepancy:
    return Discrepancy(f"what the {what} stated before", f"another {what} under the same id", _STATED)


def _restocked(condition: str) -> Discrepancy:
    return Discrepancy(
        f"{condition} pieces are not sold",
        f"the inspection puts {condition} pieces back on sale; they stay in quarantine",
        "scrap them, or inspect them again with the condition they are in",
    )


DISCREPANCIES: Final[dict[str, Discrepancy]] = {
    "placed_again_differently": _again("order"),
    "amended_again_differently": _again("amendment"),
    "request_again_differently": _again("cancel request"),
    "cancel_again_differently": _again("cancel"),
    "pack_again_differently": _again("packing"),
    "dispatch_again_differently": _again("dispatch"),
    "fulfilment_again_differently": _again("fulfilment"),
    "payment_again_differently": _again("payment"),
    "reversal_again_differently": _again("reversal"),
    "refund_again_differently": _again("refund"),
    "inspection_again_differently": _again("inspection"),
    "address_changed_after_pack": Discrepancy(
        "the address of the parcel that is packed",
        "the channel states another address",
        "stop the parcel, or pack it again with the new address",
    ),
    "claimed_from_the_future": Discrepancy(
        "a time that has come",
        "a time in the future; the fact was recorded at a credible time",
        "correct the clock or the time zone of the source",
    ),
    "tracked_without_dispatch": Discrepancy(
        "the parcel has not left",
        "the carrier has it",
        "report its packing and its dispatch",
    ),
    "packed_other_than_dispatched": Discrepancy(
        "the contents that the dispatch stated",
        "the packing states other contents",
        "count what was sent, and correct the stock",
    ),
    "packed_more_than_open": Discrepancy(
        "the pieces that wait to be packed", "more pieces were packed", "open the parcel, and count"
    ),
    "dispatched_more_than_ordered": Discrepancy(
        "the pieces of the order", "more pieces were sent", "ask the warehouse what is in the parcel"
    ),
    "fulfilled_more_than_open": Discrepancy(
        "the pieces that wait", "more pieces were handed over", "ask the warehouse what was handed over"
    ),
    "dispatched_nothing_left": Discrepancy(
        "nothing is left to send", "another parcel left", "ask the warehouse what is in the parcel"
    ),
    "dispatched_after_cancel": Discrepancy(
        "the pieces are cancelled", "the parcel left", "stop the parcel, or expect it back as a return"
    ),
    "dispatched_with_cancel_pending": Discrepancy(
        "a cancel request waits for its answer", "the parcel left", "answer the request; stop the parcel"
    ),
    "cancelled_after_handover": Discrepancy(
        "the pieces were handed over", "the channel cancelled them", "expect the pieces back as a return"
    ),
    "paid_after_cancel": Discrepancy(
        "the order is cancelled", "a payment was captured", "refund the payment"
    ),
    "paid_more_than_owed": Discrepancy(
        "what the buyer owes", "more was captured", "refund the rest, or correct the prices"
    ),
    "payment_reversed_after_dispatch": Discrepancy(
        "the payment is kept, the goods were sent",
        "the payment was reversed",
        "dispute it, or get the goods back",
    ),
    "reversed_more_than_captured": Discrepancy(
        "the captured amount", "more was reversed", "compare with the payment provider"
    ),
    "refunded_more_than_captured": Discrepancy(
        "the captured amount that is left", "more was refunded", "compare with the payment provider"
    ),
    "refund_of_unknown_return": Discrepancy(
        "a return of this order",
        "a refund for another one",
        "open the return, or name the right one",
    ),
    "late_interest_not_paid": Discrepancy(
        "the interest that the late refund owes", "less was paid", "pay the difference"
    ),
    "returned_more_than_sent": Discrepancy(
        "the pieces that were sent", "more came back", "find the order that the pieces belong to"
    ),
    "several_returns_have_this_id": Discrepancy(
        "one return with this id",
        "returns of several channels or accounts have it; no return changed",
        "send the message again under another id, with the channel and the account",
    ),
    "receipt_differs": Discrepancy(
        "the pieces that the return expects", "others arrived", "ask the buyer; inspect what arrived"
    ),
    "receipt_again_differently": _again("receipt"),
    "receipt_at_another_location": Discrepancy(
        "the location where the pieces arrived",
        "the same receipt at another location",
        "find out where they are, and correct the stock of both locations",
    ),
    "received_after_closing": Discrepancy(
        "the return is rejected or withdrawn", "pieces arrived", "inspect them, or send them back"
    ),
    "approved_after_closing": Discrepancy(
        "the return is rejected or withdrawn", "the channel approved it later", "open a new return"
    ),
    "rejected_after_inspection": Discrepancy(
        "the pieces are back and inspected", "the channel rejected the return", "settle it with the channel"
    ),
    "withdrawn_after_inspection": Discrepancy(
        "the pieces are back and inspected",
        "the buyer withdrew the return",
        "send the pieces back to the buyer",
    ),
    "inspected_more_than_received": Discrepancy(
        "the pieces that arrived", "more were inspected", "report the receipt of the others, or count"
    ),
    "damaged_restocked": _restocked("damaged"),
    "defective_restocked": _restocked("defective"),
    "wrong_item_restocked": _restocked("wrong"),
    "refunded_more_than_returned": Discrepancy(
        "the value of the returned pieces", "more was refunded", "compare the refund with the return"
    ),
    "reservation_shortfall": Discrepancy(
        "the pieces promised to orders", "fewer are left", "buy more, or cancel the orders at risk"
    ),
    "more_released_than_quarantined": Discrepancy(
        "the pieces in quarantine", "more were released", "count the location"
    ),
    "less_on_hand_than_taken": Discrepancy(
        "the pieces on hand",
        "more were taken; the book was corrected",
        "report the receipt that is missing, or count the location",
    ),
    "counted_too_late": Discrepancy(
        "the changes of the book that are kept",
        "the count is older than they are; the book was not changed",
        "count the location again",
    ),
    "more_inspected_than_quarantined": Discrepancy(
        "the pieces in quarantine", "more were inspected", "count the location"
    ),
    "packed_unreserved": Discrepancy(
        "the pieces that are free", "more were packed", "count the location; other orders may be short"
    ),
    "shipped_unreserved": Discrepancy(
        "pieces that were reserved", "others left", "count the location; other orders may be short"
    ),
}
"""By kind.  A kind that events have is never removed."""


def registered(kind: str) -> str:
    """`kind`, if the registry explains it: a discrepancy that nobody can look up helps nobody."""
    assert kind in DISCREPANCIES, kind
    return kind
