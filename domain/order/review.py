"""Rules for buyers' reviews of an order."""

from typing import Annotated

from pydantic import Field

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.state import Order, OrderCommand
from domain.values import PersonalText, Text

rules = Rules[Order]()


class PostReview(OrderCommand):
    """Fact: the buyer rated the order, 1 (worst) to 5."""

    review_id: Text
    score: Annotated[int, Field(strict=True, ge=1, le=5)]
    text: PersonalText | None = None


class ReviewPosted(Event):
    """The buyer rated the order."""

    review_id: str
    score: int
    text: str | None


@rules.on_command
def post_review(order: Order, command: PostReview, context: MessageContext) -> list[Event]:
    if f"review:{command.review_id}" in order.seen_keys:
        return []
    return [ReviewPosted(at=context.at, review_id=command.review_id, score=command.score, text=command.text)]


@rules.on_event
def reviewed(order: Order, event: ReviewPosted) -> Order:
    return order._replace(seen_keys=order.seen_keys | {f"review:{event.review_id}"})
