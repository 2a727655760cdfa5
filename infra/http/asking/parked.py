"""GET /parked and GET /outcomes: the messages that wait, and the number of messages in each state."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from consumers.ports import STATES
from infra.access.tokens import ALL, Token
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.outcomes import message_counts
from infra.event_store.reading.waiting import ParkedMessage, parked_messages
from infra.http import models
from infra.http.asking.paging import check_seller
from infra.http.asking.parameters import OutcomesParameters, ParkedParameters, after_cursor, cursor_of
from infra.http.forms import CSV_ANSWER, page
from infra.http.messages import ledger_as_of
from infra.http.problems import documented
from infra.http.services import Reader, Served

FAILED: Final = "a bug in Jumun; an operator sees the error with `jumun parked show`"
ANSWERS: Final = {**documented(401, 403, 422, 500, 503, 504), **CSV_ANSWER}

router = APIRouter()


def _sellers(token: Token, seller: str | None) -> Sequence[str] | None:
    """The seller in the request; without one, the sellers of the token; None: all sellers."""
    if seller is not None:
        return [seller]
    return None if token.sellers == ALL else token.sellers


@router.get("/parked", response_model=models.Page[models.WaitingRow], responses=ANSWERS)
async def parked(
    request: Request, served: Served, token: Reader, parameters: Annotated[ParkedParameters, Query()]
) -> Response:
    """The messages that wait, and what each waits for."""
    check_seller(token, parameters.seller)
    number, partition = after_cursor(parameters.cursor)
    at = int(partition) if partition.isdecimal() else -1
    ledger, sellers = served.reads.ledger, _sellers(token, parameters.seller)
    waiting, as_of = await served.reads.ask(
        lambda: (parked_messages(ledger, sellers, (at, number), parameters.limit + 1), ledger_as_of(ledger))
    )
    rows = [_row(message) for message in waiting[: parameters.limit]]
    more = len(waiting) > parameters.limit
    following = cursor_of(rows[-1]["number"], str(rows[-1]["partition"])) if more else None
    return page(request, as_of, rows, following)


def _row(message: ParkedMessage) -> dict[str, Any]:
    reason = FAILED if message.state == "failed" else message.reason
    return {**message._asdict(), "reason": reason, "since": message.since.isoformat()}


@router.get("/outcomes", response_model=models.Page[models.OutcomeCounts], responses=ANSWERS)
async def outcomes(
    request: Request, served: Served, token: Reader, parameters: Annotated[OutcomesParameters, Query()]
) -> Response:
    """The number of messages in each state.  Every message ever sent is in exactly one state."""
    check_seller(token, parameters.seller)
    together = parameters.seller is not None or token.sellers == ALL
    scope = [parameters.seller] if together else list(token.sellers)
    ledger = served.reads.ledger
    rows, as_of = await served.reads.ask(
        lambda: ([_counts(ledger, token, seller) for seller in scope], ledger_as_of(ledger))
    )
    return page(request, as_of, rows)


def _counts(ledger: LedgerReader, token: Token, seller: str | None) -> dict[str, Any]:
    sums = message_counts(ledger, _sellers(token, seller))
    counts: dict[str, int] = {state: sums.get(state, 0) for state in STATES}
    return {"seller_id": seller, "sent": sum(sums.values()), **counts}
