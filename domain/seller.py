"""The seller aggregate: time zone, currency and the adopted policies."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from domain.adoption import adoption_problems
from domain.decider import Decider, MessageContext, Rules
from domain.errors import Refused
from domain.message import Command, Event
from domain.policies.defaults import DEFAULTS, defaults
from domain.policies.documents import Policies, Policy, adopt, ref
from domain.policies.head import ZoneName
from domain.streams import StreamId, seller_stream
from domain.values import InputChange, InputCurrency, InputPrice, Text

Mode = Literal["live", "history"]


class OpenedDifferently(Refused):
    """The seller was opened before with another time zone, currency or mode."""


class OlderThanAdopted(Refused):
    """This version of the policy or a newer one has been adopted; give the change a higher version."""


class PolicyBelowTheLaw(Refused):
    """The return policy gives the buyer less than the law of its region."""


class PolicyNotCarriedOut(Refused):
    """The policy has a field or value that no decision uses, so adopting it would promise too much."""


class SellerCommand(Command):
    """A message about the seller itself."""

    def stream(self, seller_id: str) -> StreamId:
        return seller_stream(seller_id)


class OpenSeller(SellerCommand):
    """Wish: open a seller.  Mode `history` (for imports): only ticks that name the seller move its clock."""

    is_wish: ClassVar[bool] = True

    zone: ZoneName = "Asia/Seoul"
    currency: InputCurrency = "KRW"
    mode: Mode = "live"


class AdoptPolicy(SellerCommand):
    """Wish: from now on this policy document applies to the seller."""

    is_wish: ClassVar[bool] = True

    policy: Policy


class RecordValueAdjustment(SellerCommand):
    """Fact: the value of the seller's sales was corrected without moving goods, for example a bad debt."""

    business_key: ClassVar[str | None] = "adjustment_id"

    adjustment_id: Text
    channel: Text
    code: Text
    pieces: InputChange
    unit_price: InputPrice
    currency: InputCurrency
    reason: Text


class SellerOpened(Event):
    """The seller was opened.  These policies apply until the seller adopts others."""

    zone: str
    currency: str
    mode: str
    policies: list[Policy]


class PolicyAdopted(Event):
    """The seller adopted a policy.  `replaces`: the policies that no longer apply."""

    policy: Policy
    replaces: list[str]
    by: str


class ValueAdjusted(Event):
    """The value of the seller's sales was corrected without moving goods."""

    adjustment_id: str
    channel: str
    code: str
    pieces: int
    unit_price: str
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class Seller:
    """The state of a seller: only what decisions about the seller's orders and stock need."""

    opened: bool = False
    zone: str = "Asia/Seoul"
    currency: str = "KRW"
    mode: Mode = "live"
    policies: Policies = DEFAULTS
    size: ClassVar[int] = 1


rules = Rules[Seller]()


def documents(policies: Policies) -> list[Policy]:
    return [*policies.promise, policies.stock, policies.returns, *policies.marks]


@rules.on_command
def open_seller(seller: Seller, command: OpenSeller, context: MessageContext) -> list[Event]:
    requested = (command.zone, command.currency, command.mode)
    if seller.opened:
        current = (seller.zone, seller.currency, seller.mode)
        if requested != current:
            raise OpenedDifferently(known=" ".join(current), asked=" ".join(requested))
        return []
    policies = defaults(command.zone, history=command.mode == "history")
    return [
        SellerOpened(
            at=context.at,
            zone=command.zone,
            currency=command.currency,
            mode=command.mode,
            policies=documents(policies),
        )
    ]


@rules.on_command
def adopt_policy(seller: Seller, command: AdoptPolicy, context: MessageContext) -> list[Event]:
    policy = command.policy
    adopted = documents(seller.policies)
    if policy in adopted:
        return []
    versions = [other for other in adopted if other.id == policy.id]
    if any(other.version >= policy.version for other in versions):
        raise OlderThanAdopted(asked=ref(policy), adopted=ref(versions[0]))
    if problems := adoption_problems(policy, context.at):
        refusal = PolicyBelowTheLaw if problems[0].law else PolicyNotCarriedOut
        raise refusal(policy=ref(policy), problems="; ".join(map(str, problems)))
    left = documents(adopt(seller.policies, policy))
    replaced = [ref(other) for other in adopted if other not in left]
    return [PolicyAdopted(at=context.at, policy=policy, replaces=replaced, by=context.by)]


@rules.on_command
def adjust_value(_: Seller, command: RecordValueAdjustment, context: MessageContext) -> list[Event]:
    return [
        ValueAdjusted(
            at=context.at,
            adjustment_id=command.adjustment_id,
            channel=command.channel,
            code=command.code,
            pieces=command.pieces,
            unit_price=command.unit_price,
            currency=command.currency,
            reason=command.reason,
        )
    ]


@rules.on_event
def opened(_: Seller, event: SellerOpened) -> Seller:
    """The policies of the event hold, and not those of a newer release."""
    mode: Mode = event.mode  # type: ignore[assignment]
    policies = defaults(event.zone, history=event.mode == "history")
    if event.policies:
        policies = replace(policies, promise=(), marks=())
    for policy in event.policies:
        policies = adopt(policies, policy)
    return Seller(True, event.zone, event.currency, mode, policies)


@rules.on_event
def policy_adopted(seller: Seller, event: PolicyAdopted) -> Seller:
    return replace(seller, policies=adopt(seller.policies, event.policy))


@rules.on_event
def value_adjusted(seller: Seller, _: ValueAdjusted) -> Seller:
    return seller


SELLER = Decider(start=Seller(), rules=rules, decide=rules.decide, evolve=rules.evolve, evolves=3)
