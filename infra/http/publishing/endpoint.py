"""POST /messages: accepts one message or a batch, and waits for the outcomes if the request asks for it."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from domain.catalogue import TIME_PASSED
from infra.access.tokens import Right, Token
from infra.event_store.reading.outcomes import last_outcome_number
from infra.http import models
from infra.http.forms import answer
from infra.http.intake import Busy, IntakeBatch, Sent, Unsure
from infra.http.messages import MessageResult, OutcomeEntry, outcome_of, result_of
from infra.http.problems import SAME_ID, Problem, Wrong, documented
from infra.http.publishing.message_schemas import MESSAGES
from infra.http.publishing.request_body import incoming
from infra.http.services import Served, Services, allowed

POLICY: Final = "jumun.inbound.policy-adoption-requested.v1"
MOST_WAIT_S: Final = 30
SAFE_WITHIN_S: Final = 30.0
_RIGHTS: Final[dict[str, Right]] = {TIME_PASSED: "tick", POLICY: "policy"}
Sender = Annotated[Token, Depends(allowed("publish", "tick", "policy"))]

router = APIRouter()


class PublishParameters(BaseModel):
    """`wait`: how long to wait for the outcomes.  Unit: seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait: Annotated[float, Field(ge=0, le=MOST_WAIT_S, allow_inf_nan=False)] = 0


@router.post(
    "/messages",
    response_model=models.Receipt,
    responses={
        202: {"model": models.Receipt, "description": "Accepted; not all outcomes are known yet"},
        **documented(401, 403, 408, 413, 415, 422, 500, 503, 504),
    },
    openapi_extra={"requestBody": MESSAGES},
)
async def publish(
    request: Request, served: Served, token: Sender, parameters: Annotated[PublishParameters, Query()]
) -> Response:
    """Publish messages.  200: all outcomes are known; 202: the messages are stored and will be decided.

    A batch is accepted as a whole or not at all; each of its messages is then decided separately.
    """
    messages = await incoming(request)
    _permit(token, messages)
    after = (
        await served.reads.ask(lambda: last_outcome_number(served.reads.ledger)) if parameters.wait else None
    )
    batch = await _accept(served, messages, after)
    if parameters.wait:
        await asyncio.wait({asyncio.wrap_future(batch.done)}, timeout=parameters.wait)
    return await _receipt(served, batch, waited=bool(parameters.wait))


def _permit(token: Token, messages: Sequence[Sent]) -> None:
    """Raises: Problem, which lists each message that the token may not send."""
    wrong: list[Wrong] = []
    for index, message in enumerate(messages):
        right: Right = _RIGHTS.get(message.type, "publish")
        if not token.may(right):
            error = f"the token lacks the right: {right}"
            wrong.append(Wrong(index=index, rule="right_missing", field="type", error=error))
        elif not token.sees(message.seller):
            error = f"the token is not for {message.seller or 'all sellers'}"
            wrong.append(Wrong(index=index, rule="other_seller", field="sellerid", error=error))
    if wrong:
        raise Problem(
            403,
            f"This token may not send {len(wrong)} of these messages.",
            "Use a token for that seller with that right, or leave these messages out.",
            wrong=wrong,
        )


async def _accept(served: Services, messages: Sequence[Sent], after: int | None) -> IntakeBatch:
    """Passes the messages to the intake and waits until they are safe.  Raises: Problem."""
    try:
        batch = served.intake.take(messages, after)
    except Busy:
        detail = "The queue of the server is full."
        raise Problem(503, detail, "Send them again in a moment.", retry_after_s=1) from None
    await _wait_until_safe(batch.safe)
    return batch


async def _wait_until_safe(safe: Future[None]) -> None:
    """Raises: Problem, where the intake does not confirm that the messages are stored."""
    done, _ = await asyncio.wait({asyncio.wrap_future(safe)}, timeout=SAFE_WITHIN_S)
    kept = "It is unknown whether these messages were stored."
    if not done:
        detail = f"It was not confirmed within {SAFE_WITHIN_S:g} s that the messages are stored."
        raise Problem(504, detail, SAME_ID, kept=kept, retry_after_s=5)
    try:
        done.pop().result()
    except Unsure:
        detail = "An error interrupted the storing of the messages."
        raise Problem(503, detail, SAME_ID, kept=kept, retry_after_s=2) from None


async def _receipt(served: Services, batch: IntakeBatch, *, waited: bool) -> Response:
    outcomes = batch.outcomes if waited else [None] * len(batch.messages)
    again = [
        message
        for message, outcome in zip(batch.messages, outcomes, strict=True)
        if outcome is not None and outcome.state in {"duplicate", "conflict"}
    ]
    before = await served.reads.ask(lambda: _before(served, again)) if again else {}
    rows = [
        published(message, outcome, before.get(message))
        for message, outcome in zip(batch.messages, outcomes, strict=True)
    ]
    results = [row[name] for row in rows for name in ("outcome", "before") if row[name] is not None]
    positions = [one["caused"]["last_position"] for one in results if one["caused"] is not None]
    receipt = {"messages": rows, "min_position": max(positions, default=None)}
    complete = waited and all(row["outcome"] or row["location"] is None for row in rows)
    headers = {"Location": rows[0]["location"]} if len(rows) == 1 and rows[0]["location"] else {}
    return answer(receipt, 200 if complete else 202, headers)


def _before(served: Services, messages: Sequence[Sent]) -> dict[Sent, OutcomeEntry]:
    previous: dict[Sent, MessageResult | None] = {
        message: result_of(served.reads.ledger, message.seller or "", message.source, message.id)
        for message in messages
    }
    return {message: one.history[-1] for message, one in previous.items() if one is not None}


def published(message: Sent, outcome: OutcomeEntry | None, before: OutcomeEntry | None) -> dict[str, Any]:
    return {
        "source": message.source,
        "id": message.id,
        "seller": message.seller,
        "location": None if message.is_tick else location(message),
        "outcome": None if outcome is None else outcome_of(outcome),
        "before": None if before is None else outcome_of(before),
    }


def location(message: Sent) -> str:
    source, name, seller = (
        quote(part or "", safe="") for part in (message.source, message.id, message.seller)
    )
    return f"/messages/{source}/{name}?seller={seller}"
