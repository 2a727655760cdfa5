"""A seller is opened, and adopts policies, version after version."""

from dataclasses import replace
from decimal import Decimal

import pytest
from pydantic import ValidationError

from domain.message import Event
from domain.policies.defaults import COUPANG_SCORE, DEFAULTS, HISTORY, KR_DEFAULT, KR_STD, NAVER_NORMAL
from domain.policies.documents import Mark, Policies, Policy
from domain.seller import (
    SELLER,
    AdoptPolicy,
    OlderThanAdopted,
    OpenedDifferently,
    OpenSeller,
    PolicyAdopted,
    RecordValueAdjustment,
    SellerOpened,
    ValueAdjusted,
    documents,
)
from tests.domain.messages import stock_policy
from tests.given import Given, happened

a_seller = Given(SELLER)


def opened(mode: str = "live", policies: Policies = DEFAULTS) -> SellerOpened:
    values = {"zone": "Asia/Seoul", "currency": "KRW", "mode": mode}
    return happened(SellerOpened, policies=documents(policies), **values)


def adopted(policy: Policy, *replaces: str) -> PolicyAdopted:
    return happened(PolicyAdopted, policy=policy, replaces=list(replaces), by="operator:kim")


def second(policy: Policy) -> Policy:
    return policy.model_copy(update={"version": 2})


opened_seller = a_seller.given(opened())


def test_a_seller_opens_with_the_policies_of_his_first_day() -> None:
    a_seller.when(OpenSeller()).then(opened())
    assert opened_seller.state.policies == DEFAULTS


def test_an_import_of_history_holds_nothing_back_and_promises_nothing() -> None:
    a_seller.when(OpenSeller(mode="history")).then(opened("history", HISTORY))
    assert a_seller.given(opened("history", HISTORY)).state.policies == HISTORY


@pytest.mark.parametrize(("mode", "policies"), [("live", DEFAULTS), ("history", HISTORY)])
def test_a_seller_of_a_build_that_stored_no_policies_has_those_of_his_mode(
    mode: str, policies: Policies
) -> None:
    event = replace(opened(mode), policies=[])
    assert a_seller.given(event).state.policies == policies


def test_the_stored_policies_hold_and_not_those_of_a_newer_release() -> None:
    before = second(KR_DEFAULT)
    event = replace(opened(), policies=[*documents(DEFAULTS), before])
    assert a_seller.given(event).state.policies.returns == before


def test_a_seller_is_not_opened_twice_on_other_clocks() -> None:
    opened_seller.when(OpenSeller(zone="UTC", currency="EUR")).then_refused(
        OpenedDifferently, known="Asia/Seoul KRW live", asked="UTC EUR live"
    )


@pytest.mark.parametrize("zone", ["localtime", "Mars/Olympus", "utc"])
def test_a_zone_is_a_city_that_every_machine_knows(zone: str) -> None:
    with pytest.raises(ValidationError):
        OpenSeller(zone=zone)


@pytest.mark.parametrize(
    "policy",
    [second(KR_STD), second(NAVER_NORMAL), second(KR_DEFAULT), second(COUPANG_SCORE)],
    ids=lambda policy: policy.id,
)
def test_a_newer_version_takes_the_place_of_the_one_before(policy: Policy) -> None:
    opened_seller.when(AdoptPolicy(policy=policy)).then(adopted(policy, f"{policy.id}@1"))


def test_another_document_of_the_same_kind_takes_its_place_too() -> None:
    policy = stock_policy(safety_stock=3)
    opened_seller.when(AdoptPolicy(policy=policy)).then(adopted(policy, "stock-std@1"))
    assert opened_seller.given(adopted(policy)).state.policies.stock == policy


def test_a_policy_for_one_channel_replaces_nobody_elses() -> None:
    policy = KR_STD.model_copy(update={"id": "coupang-std", "channel": "coupang"})
    opened_seller.when(AdoptPolicy(policy=policy)).then(adopted(policy))
    policies = opened_seller.given(adopted(policy)).state.policies
    adopted_for = [policies.promise_for(channel) for channel in ("coupang", "naver", "shopify")]
    assert [policy and policy.id for policy in adopted_for] == ["coupang-std", "naver-normal", "kr-std"]


def test_marks_are_one_per_channel() -> None:
    naver = COUPANG_SCORE.model_copy(
        update={
            "id": "naver-score",
            "channel": "naver",
            "marks": {"answer_24h": Mark(pass_mark=Decimal("0.9"))},
        }
    )
    opened_seller.when(AdoptPolicy(policy=naver)).then(adopted(naver))


def test_an_older_version_is_refused() -> None:
    opened_seller.given(adopted(second(KR_DEFAULT))).when(AdoptPolicy(policy=KR_DEFAULT)).then_refused(
        OlderThanAdopted, asked="kr-default@1", adopted="kr-default@2"
    )


def test_the_same_version_with_other_numbers_is_refused() -> None:
    changed = KR_DEFAULT.model_copy(update={"window_days": 30})
    opened_seller.when(AdoptPolicy(policy=changed)).then_refused(
        OlderThanAdopted, asked="kr-default@1", adopted="kr-default@1"
    )


def test_what_is_adopted_already_is_nothing_new() -> None:
    opened_seller.when(AdoptPolicy(policy=KR_DEFAULT)).then()


def test_a_value_that_moved_no_goods_is_recorded() -> None:
    values = {
        "adjustment_id": "a1",
        "channel": "shop",
        "code": "B",
        "pieces": 1,
        "unit_price": "-11062.06",
        "currency": "GBP",
        "reason": "bad debt",
    }
    opened_seller.when(RecordValueAdjustment.model_validate(values)).then_once_by_inbox(
        happened(ValueAdjusted, **values)
    )


def test_what_is_recorded_of_a_seller_leaves_his_policies_alone() -> None:
    event: Event = happened(
        ValueAdjusted,
        adjustment_id="a1",
        channel="shop",
        code="B",
        pieces=1,
        unit_price="1",
        currency="KRW",
        reason="bad debt",
    )
    assert opened_seller.given(event).state == opened_seller.state


def test_a_seller_abroad_gets_no_korean_cut_off_and_a_window_of_fourteen_days() -> None:
    policies = a_seller.when(OpenSeller(zone="Europe/Rome", currency="EUR")).after().policies
    naver = policies.promise_for("naver")
    assert (policies.promise_for("shopify"), naver and naver.id) == (None, "naver-normal")
    assert (policies.returns.region, policies.returns.window_days) == ("EU", 14)


def test_a_seller_of_an_earlier_release_keeps_exactly_the_policies_of_his_first_day() -> None:
    stored = [KR_STD, NAVER_NORMAL, *documents(replace(DEFAULTS, promise=()))]
    assert a_seller.given(replace(opened(), policies=stored)).state.policies.promise == (KR_STD, NAVER_NORMAL)
