"""What waits, and what became of all messages ever sent."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from consumers.ports import State
from infra.access.tokens import ALL, Token
from infra.event_store.instants import instant
from infra.http import models
from infra.http.asking.paging import see_to
from infra.http.asking.parameters import AskedOutcomes, AskedWaiting, after_cursor, cursor_of
from infra.http.forms import CSV_ANSWER, page
from infra.http.messages import Ledger, now
from infra.http.problems import documented
from infra.http.services import Reader, Served

STATES: Final[tuple[State, ...]] = get_args(State)
FAILED: Final = "a bug in Jumun; `jumun parked show` tells an operator where"
ANSWERS: Final = {**documented(401, 403, 422, 500, 503, 504), **CSV_ANSWER}
_WAITING: Final = """
SELECT partition, number, state, seller_id, place, reason, since FROM parked
WHERE (partition > :at OR (partition = :at AND number > :number)){whose}
ORDER BY partition, number LIMIT :most
"""
_SUMS: Final = """
SELECT state, sum(n) FROM (
    SELECT state, count(*) AS n FROM outcomes WHERE 1 = 1{whose} GROUP BY state
    UNION ALL
    SELECT was, -count(*) FROM outcomes WHERE was IS NOT NULL{whose} GROUP BY was) AS moves
GROUP BY state
"""

router = APIRouter()


def _whose(token: Token, seller: str | None) -> tuple[str, dict[str, str]]:
    """A condition with its parameters: the seller asked for, else the token's."""
    if seller is None and token.sellers == ALL:
        return "", {}
    sellers: Sequence[str] = [seller] if seller is not None else token.sellers
    named = {f"s{at}": one for at, one in enumerate(sellers)}
    return f" AND seller_id IN ({', '.join(f':{name}' for name in named)})", named


@router.get("/parked", response_model=models.Page[models.WaitingRow], responses=ANSWERS)
async def parked(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedWaiting, Query()]
) -> Response:
    """Which messages wait, and for what."""
    see_to(token, asked.seller)
    number, partition = after_cursor(asked.cursor)
    at = int(partition) if partition.isdecimal() else -1
    whose, named = _whose(token, asked.seller)
    ledger, statement = served.reads.ledger, _WAITING.format(whose=whose)
    found, as_of = await served.reads.ask(
        lambda: (
            ledger.rows(statement, at=at, number=number, most=asked.limit + 1, **named),
            now(ledger),
        )
    )
    rows = [_row(row) for row in found[: asked.limit]]
    more = len(found) > asked.limit
    following = cursor_of(rows[-1]["number"], str(rows[-1]["partition"])) if more else None
    return page(request, as_of, rows, following)


def _row(found: Sequence[Any]) -> dict[str, Any]:
    partition, number, state, seller, place, reason, since = found
    return {
        "partition": partition,
        "number": number,
        "state": state,
        "seller_id": seller,
        "place": place,
        "reason": FAILED if state == "failed" else reason,
        "since": instant(since).isoformat(),
    }


@router.get("/outcomes", response_model=models.Page[models.OutcomeCounts], responses=ANSWERS)
async def outcomes(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedOutcomes, Query()]
) -> Response:
    """What became of every message ever sent: each is in exactly one state."""
    see_to(token, asked.seller)
    together = asked.seller is not None or token.sellers == ALL
    scope = [asked.seller] if together else list(token.sellers)
    ledger = served.reads.ledger
    rows, as_of = await served.reads.ask(
        lambda: ([_counts(ledger, token, seller) for seller in scope], now(ledger))
    )
    return page(request, as_of, rows)


def _counts(ledger: Ledger, token: Token, seller: str | None) -> dict[str, Any]:
    whose, named = _whose(token, seller)
    sums = {state: int(count) for state, count in ledger.rows(_SUMS.format(whose=whose), **named)}
    counts: dict[str, int] = {state: sums.get(state, 0) for state in STATES}
    return {"seller_id": seller, "sent": sum(sums.values()), **counts}
