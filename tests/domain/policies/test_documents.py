"""Which policy documents a seller can adopt, and which are refused."""

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.policies.defaults import DEFAULTS, HISTORY, KR_STD, NAVER_NORMAL, STOCK_STD
from domain.policies.documents import Policies, Policy, PromisePolicy, StockPolicy, adopt, ref

POLICIES = TypeAdapter(Policies)
POLICY: TypeAdapter[Policy] = TypeAdapter(Policy)
EVERY_DEFAULT: list[Policy] = [*DEFAULTS.promise, DEFAULTS.stock, DEFAULTS.returns, *DEFAULTS.marks]


def changed(policy: Policy, **fields: Any) -> Policy:
    return POLICY.validate_python(policy.model_dump() | fields)


@pytest.mark.parametrize("policies", [DEFAULTS, HISTORY])
def test_what_is_adopted_survives_json(policies: Policies) -> None:
    assert POLICIES.validate_json(POLICIES.dump_json(policies)) == policies


@pytest.mark.parametrize("policy", EVERY_DEFAULT, ids=ref)
def test_every_document_survives_json(policy: Policy) -> None:
    assert POLICY.validate_json(POLICY.dump_json(policy)) == policy


@pytest.mark.parametrize(
    "broken",
    [
        {"calendar": "kr-public@1999z"},
        {"zone": "Asia/Atlantis"},
        {"zone": "localtime"},
        {"cut_off": "25:00"},
        {"cut_off": "1:00"},
        {"lead_business_days": 61},
        {"version": True},
        {"valid_from": 0},
        {"valid_from": "2026-1-1"},
        {"valid_to": "2001-01-01"},
        {"channel": "Naver!"},
        {"misspelt": 1},
        {"handover": "12:00"},
        {"overrides": [{"date": "2026-02-13", "cut_off": "18:00"}]},
        {"after_cut_off_add": 0},
        {"after_cut_off_add": 2},
        {"same_day": {"cut_off": "15:01", "handover": "15:00", "max_distance_km": 100}},
        {"source": "two\nlines"},
        {"overrides": [{"date": "2026-02-13", "cut_off": "11:00"}] * 401},
    ],
    ids=lambda broken: "-".join(map(str, broken.items()))[:40],
)
def test_a_promise_policy_that_cannot_work_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        changed(KR_STD, **broken)


@pytest.mark.parametrize(
    "broken",
    [
        {"default_share": "1.01"},
        {"default_share": "NaN"},
        {"channel_shares": {"naver": -0.1}},
        {"safety_stock": -1},
        {"low_stock": {"units": 10, "clear_at": 9}},
        {"hold_unpaid_minutes": 43_201},
        {"channel_shares": {"naver:": 1}},
        {"channel_holds": {"naver": -1}},
    ],
    ids=str,
)
def test_a_stock_policy_that_cannot_work_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        changed(STOCK_STD, **broken)


def test_marks_get_worse_downwards() -> None:
    with pytest.raises(ValidationError, match="warning <= caution"):
        changed(DEFAULTS.marks[0], marks={"on_time_delivery": {"pass_mark": "0.9", "warning": "0.95"}})


def test_a_channel_shows_its_share_of_the_stock_and_others_all_of_it() -> None:
    policy = adopt(DEFAULTS, changed(STOCK_STD, channel_shares={"shopify": 0.8})).stock
    shares = [policy.share_of(channel, "main") for channel in ("shopify", "naver")]
    assert shares == [Decimal("0.8"), Decimal(1)]


def test_an_account_has_a_share_and_a_hold_of_its_own_or_those_of_its_channel() -> None:
    shares = {"naver": "0.8", "naver:second": "0.1"}
    policy = changed(
        STOCK_STD, channel_shares=shares, hold_unpaid_minutes=30, channel_holds={"naver:second": 0}
    )
    assert isinstance(policy, StockPolicy)
    shops = [("naver", "main"), ("naver", "second"), ("coupang", "second")]
    assert [policy.share_of(*shop) for shop in shops] == [Decimal("0.8"), Decimal("0.1"), Decimal(1)]
    assert [policy.hold_of(*shop) for shop in shops] == [30, 0, 30]


def test_a_decision_names_policy_and_version() -> None:
    assert ref(KR_STD) == "kr-std@1"


def test_a_new_version_takes_the_place_of_the_old() -> None:
    for policy in EVERY_DEFAULT:
        adopted = adopt(DEFAULTS, changed(policy, version=2))
        now = [*adopted.promise, adopted.stock, adopted.returns, *adopted.marks]
        assert [ref(p) for p in now] == [f"{p.id}@2" if p.id == policy.id else ref(p) for p in EVERY_DEFAULT]


def test_adopting_in_another_order_comes_to_the_same() -> None:
    shop, today = changed(KR_STD, channel="shopify"), changed(KR_STD, channel="naver", dispatch_type="today")
    assert adopt(adopt(DEFAULTS, shop), today) == adopt(adopt(DEFAULTS, today), shop)


def test_the_most_exact_promise_policy_counts() -> None:
    today = changed(KR_STD, id="today", channel="naver", dispatch_type="today")
    assert isinstance(today, PromisePolicy)
    adopted = adopt(DEFAULTS, today)
    assert adopted.promise_for("naver", "today") == today
    assert adopted.promise_for("naver", "normal") == NAVER_NORMAL
    assert adopted.promise_for("shopify", None) == KR_STD
    assert adopted.marks_for("shopify") is None


def test_importing_the_defaults_opens_no_data_file() -> None:
    seen = (
        "import sys, zoneinfo, domain.policies.documents\n"
        "files = []\n"
        "sys.addaudithook(lambda event, args: files.append(str(args[0])) if event == 'open' else None)\n"
        "import domain.policies.defaults, domain.policies.penalty_points, domain.policies.promise\n"
        "print([name for name in files if not name.endswith(('.py', '.pyc')) and '.pyc.' not in name])"
    )
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
