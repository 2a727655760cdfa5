"""Rules for buyers' reviews of an order."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.state import Order, OrderCommand
from domain.values import PersonalText, Text

rules = Rules[Order]()


def _key(review_id: str, score: int, at: datetime) -> str:
    """A buyer may change a review: the same id with another score is another statement."""
    return f"review:{review_id}:{score}:{at.isoformat()}"


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
    if _key(command.review_id, command.score, context.at) in order.seen_keys:
        return []
    return [ReviewPosted(at=context.at, review_id=command.review_id, score=command.score, text=command.text)]


@rules.on_event
def reviewed(order: Order, event: ReviewPosted) -> Order:
    return order._replace(seen_keys=order.seen_keys | {_key(event.review_id, event.score, event.at)})
