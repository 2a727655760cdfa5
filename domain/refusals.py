"""When each rule refuses a wish, and what its sender can do then.  The rule's sentence is its docstring."""

from typing import Final, NamedTuple

from domain import seller
from domain.errors import Refused
from domain.order import cancel, dispatch, money, pack
from domain.order import returns as order_returns
from domain.returns import namesakes, state


class Refusal(NamedTuple):
    """`when`: the messages that the rule may refuse, without `jumun.inbound.` and `.v1`."""

    when: tuple[str, ...]
    remedy: str


REFUSALS: Final[dict[type[Refused], Refusal]] = {
    seller.OpenedDifferently: Refusal(("seller-open-requested",), "use another seller id"),
    seller.OlderThanAdopted: Refusal(("policy-adoption-requested",), "give the policy a higher version"),
    seller.PolicyBelowTheLaw: Refusal(
        ("policy-adoption-requested",), "change the fields that `jumun policies check` names"
    ),
    seller.PolicyNotCarriedOut: Refusal(
        ("policy-adoption-requested",), "change the fields that `jumun policies check` names"
    ),
    pack.MoreThanAllocated: Refusal(("pack-requested",), "pack fewer pieces, or answer the cancel request"),
    pack.QualityCheckFailed: Refusal(("pack-requested",), "quarantine the pieces, and pack others"),
    pack.PackedDifferently: Refusal(("pack-requested",), "give the other pieces a shipment id of their own"),
    money.NotPaid: Refusal(
        ("pack-requested", "dispatch-requested"), "wait for the payment, or release the order"
    ),
    dispatch.CancelPending: Refusal(
        ("dispatch-requested",), "answer the cancel request, or state why it is overridden"
    ),
    dispatch.NothingPacked: Refusal(("dispatch-requested",), "pack the shipment first"),
    dispatch.DispatchedElsewhere: Refusal(
        ("dispatch-requested",), "leave the location out, and correct the stock of both locations"
    ),
    dispatch.InvoiceReportedLater: Refusal(("dispatch-requested",), "send the latest tracking number"),
    cancel.NothingOrdered: Refusal(("cancellation-requested", "pack-requested"), "name a line of the order"),
    cancel.MoreThanCancellable: Refusal(
        ("cancellation-requested",),
        "cancel what has not left; request a return for the rest",
    ),
    cancel.CancelledDifferently: Refusal(
        ("cancellation-requested",), "give a further cancel an id of its own"
    ),
    cancel.NoSuchRequest: Refusal(("cancel-decision-requested",), "name a pending request of the order"),
    cancel.RequestAnswered: Refusal(("cancel-decision-requested",), "nothing: the first answer holds"),
    order_returns.ReturnWindowClosed: Refusal(
        ("return-requested",), "as a goodwill, request it with the origin seller"
    ),
    order_returns.MoreThanReturnable: Refusal(("return-requested",), "request what was handed over"),
    order_returns.ReturnOpenedDifferently: Refusal(
        ("return-requested",), "give what is new a return id of its own"
    ),
    order_returns.NotReturnable: Refusal(
        ("return-requested",), "as a goodwill, request it with the origin seller"
    ),
    order_returns.ResolutionNotOffered: Refusal(("return-requested",), "choose a resolution of the policy"),
    namesakes.SeveralReturnsHaveThisId: Refusal(
        ("return-decision-requested",), "name the channel and the account of the return"
    ),
    state.NotInState: Refusal(("return-decision-requested",), "look at the return: it was decided before"),
}
