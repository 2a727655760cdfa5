"""The default policies of a new seller, by time zone, and those of one in mode `history` (imports)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from domain.policies.calendar import EVERY_DAY, KR_PUBLIC, MIDNIGHT
from domain.policies.documents import (
    DeliveryLead,
    LowStock,
    Mark,
    Policies,
    PromisePolicy,
    SameDay,
    ScoreMarks,
    StockPolicy,
)
from domain.policies.return_policy import NonReturnable, ReturnPolicy, SecondWindow, WhoPays

KR_STD: Final = PromisePolicy(
    id="kr-std",
    version=1,
    valid_from=date(2009, 1, 1),
    region="KR",
    source="one seller's practice: paid before 13:00, packed at once, taken by 15:00 or 17:00",
    confidence="medium",
    zone="Asia/Seoul",
    calendar=KR_PUBLIC,
    cut_off="13:00",
    handover="17:00",
    lead_business_days=0,
    delivery_lead=(DeliveryLead(zone="metro", days=1), DeliveryLead(zone="remote", days=3)),
    same_day=SameDay(cut_off="13:00", handover="15:00", max_distance_km=100),
)

# For a payment on a weekend, Monday is the first of the three days.  The sources do not say whether it is;
# this is the stricter reading, so a warning comes too early rather than too late.
NAVER_NORMAL: Final = PromisePolicy(
    id="naver-normal",
    version=1,
    valid_from=date(2021, 1, 1),
    region="KR",
    source="seller blogs 2021: normal dispatch is due 3 business days after payment, at 24:00",
    confidence="medium",
    channel="naver",
    zone="Asia/Seoul",
    calendar=KR_PUBLIC,
    cut_off=MIDNIGHT,
    handover=MIDNIGHT,
    lead_business_days=3,
    after_cut_off_add=0,
)

# "Today's dispatch" (오늘출발).  Each seller sets the time of day; 13:00 is a usual one.
NAVER_SAME_DAY: Final = NAVER_NORMAL.model_copy(
    update={
        "id": "naver-same-day",
        "dispatch_type": "same_day",
        "source": "seller blogs 2021: paid before the seller's set time, due the same day; else a day later",
        "cut_off": "13:00",
        "lead_business_days": 0,
        "after_cut_off_add": 1,
    }
)


def _by_channel_date(dispatch_type: str, *, naver: bool) -> PromisePolicy:
    policy = {
        "id": f"{'naver-' if naver else ''}{dispatch_type.replace('_', '-')}",
        "dispatch_type": dispatch_type,
        "due_date_from": "channel",
        "source": "ours: such goods are not in stock; the date agreed with the buyer counts",
    }
    return (NAVER_NORMAL if naver else KR_STD).model_copy(update=policy)


NAVER: Final = (
    NAVER_NORMAL,
    _by_channel_date("made_to_order", naver=True),
    _by_channel_date("preorder", naver=True),
    NAVER_SAME_DAY,
)
"""Naver's due dates are Naver's, wherever the seller is."""

STOCK_STD: Final = StockPolicy(
    id="stock-std",
    version=1,
    valid_from=date(2009, 1, 1),
    region="*",
    source="ours: everything on hand may be sold, everywhere",
    confidence="high",
    safety_stock=0,
    low_stock=LowStock(units=10, clear_at=15),
)

KR_DEFAULT: Final = ReturnPolicy(
    id="kr-default",
    version=1,
    valid_from=date(2015, 9, 25),
    region="KR",
    source="KR E-Commerce Act, articles 17 and 18; late interest: press release of 2015-09-25",
    confidence="medium",
    calendar=KR_PUBLIC,
    window_days=7,
    window_starts_at="delivered",
    second_window=SecondWindow(
        reasons=("defect", "not_as_described"), days_from_delivery=90, days_from_knowing=30
    ),  # the law says 3 months, so a window in Korea never ends before them
    refund_trigger="on_receipt",
    refund_within_business_days=3,
    late_interest_apr=Decimal("0.15"),
    payer=WhoPays(customer_fault="customer", seller_fault="seller", carrier_fault="seller"),
    non_returnable=(
        NonReturnable(category="custom_made", needs="written_consent"),
        NonReturnable(category="media_opened", needs="notice"),
        NonReturnable(category="fresh", needs="notice"),
    ),
    resolutions=("refund", "exchange"),
)

# Coupang does not publish its marks.  They are null until the seller enters those that Wing shows.
COUPANG_SCORE: Final = ScoreMarks(
    id="coupang-score",
    version=1,
    valid_from=date(2019, 11, 20),
    region="KR",
    source="press 2019: on-time delivery at least 99 %; the other marks are shown in Wing only",
    confidence="medium",
    channel="coupang",
    marks={
        "order_fulfilment": Mark(),
        "on_time_shipment": Mark(),
        "on_time_delivery": Mark(pass_mark=Decimal("0.99"), confidence="medium"),
        "answer_24h": Mark(),
    },
)

EU_DEFAULT: Final = ReturnPolicy(
    id="eu-default",
    version=1,
    valid_from=date(2014, 6, 13),
    region="EU",
    source="Directive 2011/83/EU, articles 9, 13 and 14: 14 days each; the strictest law at hand",
    confidence="medium",
    calendar=EVERY_DAY,
    window_days=14,
    window_starts_at="last_item_delivered",
    roll_to_next_business_day=True,
    refund_trigger="earlier_of_received_or_proof_of_dispatch",
    refund_within_business_days=14,
    late_interest_apr=Decimal(0),
    payer=WhoPays(customer_fault="customer", seller_fault="seller", carrier_fault="seller"),
)

DEFAULTS: Final = Policies(
    promise=(
        KR_STD,
        _by_channel_date("made_to_order", naver=False),
        _by_channel_date("preorder", naver=False),
        *NAVER,
    ),
    stock=STOCK_STD,
    returns=KR_DEFAULT,
    marks=(COUPANG_SCORE,),
)
"""Those of a seller in Korea."""

ABROAD: Final = replace(DEFAULTS, promise=NAVER, returns=EU_DEFAULT)
"""Those of a seller elsewhere: no cut-off and no due date, except a channel's own, until one is adopted."""

HISTORY: Final = Policies(
    promise=(
        PromisePolicy(
            id="history-promise",
            version=1,
            valid_from=date(1970, 1, 1),
            region="*",
            source="ours: for imports that name no term of their own",
            confidence="low",
            zone="UTC",
            calendar=EVERY_DAY,
            cut_off=MIDNIGHT,
            handover=MIDNIGHT,
            lead_business_days=3,
            after_cut_off_add=0,
        ),
    ),
    stock=StockPolicy(
        id="history-stock",
        version=1,
        valid_from=date(1970, 1, 1),
        region="*",
        source="ours: an import holds nothing back and warns of nothing",
        confidence="high",
        safety_stock=0,
        alerts=False,
    ),
    returns=ReturnPolicy(
        id="history-returns",
        version=1,
        valid_from=date(1970, 1, 1),
        region="*",
        source="ours: an import says what happened; nothing is decided by this",
        confidence="low",
        calendar=EVERY_DAY,
        window_days=30,
        window_starts_at="delivered",
        refund_trigger="on_receipt",
        refund_within_business_days=14,
        late_interest_apr=Decimal(0),
        payer=WhoPays(customer_fault="customer", seller_fault="seller", carrier_fault="seller"),
    ),
)


def defaults(zone: str, *, history: bool) -> Policies:
    """The policies of a new seller in this time zone."""
    if history:
        return HISTORY
    return DEFAULTS if zone == "Asia/Seoul" else ABROAD
