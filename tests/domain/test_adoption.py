"""Every field of a policy is used by a decision, or its adoption is refused with the reason."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import TypeAdapter

from domain.adoption import EU, adoption_problems
from domain.policies.calendar import EVERY_DAY, WEEKDAYS
from domain.policies.defaults import ABROAD, DEFAULTS, EU_DEFAULT, HISTORY, KR_DEFAULT, KR_STD, STOCK_STD
from domain.policies.documents import Policies, Policy
from domain.policies.head import Document, Part
from domain.seller import documents as documents_of

POLICY: TypeAdapter[Policy] = TypeAdapter(Policy)
ROOT: Final = Path(__file__).parents[2]
NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)

DESCRIBES: Final = {"id", "version", "kind", "source", "confidence", "region"}
"""They say which document it is and where its numbers are from."""
REFUSED: Final = {
    "PromisePolicy.valid_to",
    "StockPolicy.valid_to",
    "ReturnPolicy.valid_to",
    "ScoreMarks.valid_to",
    "AutoApprove.max_per_customer_90_days",
}
"""Whatever is stated in them is refused."""
READERS: Final[dict[str, str]] = {
    "valid_from": "domain/adoption.py",
    "PromisePolicy.channel": "domain/policies/documents.py",
    "PromisePolicy.dispatch_type": "domain/policies/documents.py",
    "PromisePolicy": "domain/policies/promise.py",
    "DeliveryLead": "domain/policies/promise.py",
    "SameDay": "domain/policies/promise.py",
    "CutOffOn": "domain/policies/promise.py",
    "StockPolicy.safety_stock": "domain/stock/sellable.py",
    "StockPolicy.alerts": "domain/stock/alerts.py",
    "StockPolicy.low_stock": "domain/stock/alerts.py",
    "StockPolicy.channel_shares": "domain/policies/documents.py",
    "StockPolicy.default_share": "domain/policies/documents.py",
    "StockPolicy.hold_unpaid_minutes": "domain/policies/documents.py",
    "StockPolicy.channel_holds": "domain/policies/documents.py",
    "LowStock": "domain/stock/alerts.py",
    "ScoreMarks.channel": "projections/questions/score.py",
    "ScoreMarks.marks": "projections/questions/score.py",
    "Mark": "domain/policies/seller_score.py",
    "ReturnPolicy.calendar": "domain/order/returns.py",
    "ReturnPolicy.window_days": "domain/policies/return_window.py",
    "ReturnPolicy.window_starts_at": "domain/order/returns.py",
    "ReturnPolicy.roll_to_next_business_day": "domain/policies/return_window.py",
    "ReturnPolicy.second_window": "domain/policies/return_window.py",
    "ReturnPolicy.refund_trigger": "domain/returns/receive.py",
    "ReturnPolicy.refund_within_business_days": "domain/policies/refunds.py",
    "ReturnPolicy.late_interest_apr": "domain/order/refund.py",
    "ReturnPolicy.payer": "domain/order/returns.py",
    "ReturnPolicy.non_returnable": "domain/order/returns.py",
    "ReturnPolicy.resolutions": "domain/order/returns.py",
    "ReturnPolicy.auto_approve": "domain/returns/request.py",
    "SecondWindow": "domain/policies/return_window.py",
    "WhoPays": "domain/order/returns.py",
    "NonReturnable": "domain/order/returns.py",
    "AutoApprove": "domain/returns/request.py",
}
"""By field or model: the file whose decisions read it."""


def parts(kind: type[Part]) -> Iterator[type[Part]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("domain."):
            yield one
            yield from parts(one)


FIELDS: Final = [
    (kind.__name__, field)
    for kind in sorted(set(parts(Part)) - {Document}, key=lambda kind: kind.__name__)
    for field in kind.model_fields
    if field not in DESCRIBES
]


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=lambda text: text)
def test_every_field_of_a_policy_is_read_by_a_decision_or_refused(kind: str, field: str) -> None:
    name = f"{kind}.{field}"
    if name in REFUSED:
        return
    reader = READERS.get(name) or READERS.get(field) or READERS[kind]
    assert f".{field}" in (ROOT / reader).read_text("utf-8")


def test_what_is_listed_here_exists() -> None:
    names = {f"{kind}.{field}" for kind, field in FIELDS}
    kinds = {kind for kind, _ in FIELDS} | {"valid_from"}
    assert names >= REFUSED
    assert set(READERS) <= names | kinds


def problems(policy: Policy, **changes: Any) -> list[str]:
    """The fields with a problem if `policy` is adopted with these changes."""
    changed = POLICY.validate_python(policy.model_dump() | changes)
    return [problem.field for problem in adoption_problems(changed, NOW)]


@pytest.mark.parametrize("policies", [DEFAULTS, ABROAD, HISTORY])
def test_the_policies_of_a_new_seller_could_be_adopted(policies: Policies) -> None:
    assert [problems(policy) for policy in documents_of(policies) if problems(policy)] == []


SECOND: Final = {"reasons": ["defect"], "days_from_delivery": 90, "days_from_knowing": 30}
PAYER: Final = {"customer_fault": "customer", "seller_fault": "customer", "carrier_fault": "seller"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"window_days": 7}, []),
        ({"window_days": 6}, ["window_days"]),
        ({"second_window": None}, ["second_window"]),
        ({"second_window": {**SECOND, "days_from_delivery": 89}}, ["second_window"]),
        ({"second_window": {**SECOND, "days_from_knowing": 29}}, ["second_window"]),
        ({"second_window": SECOND}, []),
        ({"window_starts_at": "ordered"}, ["window_starts_at"]),
        ({"window_starts_at": "last_item_delivered"}, []),
        ({"refund_within_business_days": 4}, ["refund_within_business_days"]),
        ({"payer": PAYER}, ["payer.seller_fault"]),
        ({"resolutions": ["exchange"]}, ["resolutions"]),
    ],
)
def test_a_korean_return_policy_below_the_law_is_not_adopted(
    changes: dict[str, Any], fields: list[str]
) -> None:
    assert problems(KR_DEFAULT, **changes) == fields


@pytest.mark.parametrize("region", EU)
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"window_days": 13}, ["window_days"]),
        ({"window_days": 14}, []),
        ({"window_starts_at": "delivered"}, ["window_starts_at"]),
        ({"roll_to_next_business_day": False}, ["roll_to_next_business_day"]),
        ({"roll_to_next_business_day": False, "window_days": 21}, []),
        ({"calendar": EVERY_DAY, "refund_within_business_days": 14}, []),
        ({"calendar": EVERY_DAY, "refund_within_business_days": 15}, ["refund_within_business_days"]),
        ({"calendar": WEEKDAYS, "refund_within_business_days": 10}, []),
        ({"calendar": WEEKDAYS, "refund_within_business_days": 11}, ["refund_within_business_days"]),
    ],
)
def test_a_european_return_policy_below_the_law_is_not_adopted(
    region: str, changes: dict[str, Any], fields: list[str]
) -> None:
    assert problems(EU_DEFAULT, region=region, **changes) == fields


def test_a_problem_names_the_law_and_what_to_do() -> None:
    (problem,) = adoption_problems(EU_DEFAULT.model_copy(update={"region": "IT", "window_days": 3}), NOW)
    assert str(problem) == (
        "window_days: the return window in IT is at least 14 days, not 3 "
        "(Directive 2011/83/EU, articles 9 and 13); give 14 or more"
    )


def test_the_same_terms_are_free_elsewhere() -> None:
    assert problems(KR_DEFAULT, region="US", window_days=0) == []


def test_a_policy_is_adopted_when_its_day_has_come_and_has_no_end() -> None:
    assert problems(KR_STD, valid_from="2026-03-01") == []
    assert problems(KR_STD, valid_from="2026-03-02") == ["valid_from"]
    assert problems(STOCK_STD, valid_to="2027-01-01") == ["valid_to"]


APPROVAL: Final = {"max_value_minor": 50_000, "currency": "KRW", "reasons": ["changed_mind"]}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"reasons": ["changemind"]}, ["reasons"]),
        ({"currency": None}, ["currency"]),
        ({"max_per_customer_90_days": 3}, ["max_per_customer_90_days"]),
        ({"max_per_customer_90_days": 0}, ["max_per_customer_90_days"]),
    ],
)
def test_an_approval_whose_limits_cannot_be_checked_is_not_adopted(
    changes: dict[str, Any], fields: list[str]
) -> None:
    expected = [f"auto_approve.{field}" for field in fields]
    assert problems(KR_DEFAULT, auto_approve=APPROVAL | changes) == expected


def test_a_second_window_for_a_reason_that_no_return_has_is_not_adopted() -> None:
    second = {"reasons": ["broken"], "days_from_delivery": 90, "days_from_knowing": 30}
    assert problems(KR_DEFAULT, second_window=second) == ["second_window.reasons"]


def test_a_mark_for_a_metric_that_nothing_computes_is_not_adopted() -> None:
    mark = {"pass_mark": "0.9"}
    assert problems(DEFAULTS.marks[0], marks={"on_time_delivery": mark}) == []
    assert problems(DEFAULTS.marks[0], marks={"on_time_delivry": mark}) == ["marks.on_time_delivry"]
