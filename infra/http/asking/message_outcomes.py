"""GET /messages: what became of one, and which were recorded in an hour."""

from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from infra.http import models
from infra.http.asking.parameters import HourParameters, MessageParameters
from infra.http.forms import CSV_ANSWER, answer, page
from infra.http.messages import Became, became, hour, now, outcome_of
from infra.http.problems import Problem, documented
from infra.http.services import Reader, Served, other_seller
from projections.instants import micros_of

_REFUSALS = documented(401, 403, 422, 500, 503, 504)
MOST_TEXT = 1_000
PathText = Annotated[str, Path(min_length=1, max_length=MOST_TEXT, description="Percent-encoded, `/` too.")]

router = APIRouter()


def decoded(text: str) -> str:
    """A part of the path; paths reach us as they were written, so that `%2F` is not taken for `/`.

    Raises: Problem.
    """
    try:
        found = unquote(text, errors="strict")
    except UnicodeDecodeError:
        found = ""
    if not found or not found.isprintable():
        raise Problem(422, "A part of the path is no such name.", "Percent-encode its UTF-8, `/` as %2F.")
    return found


@router.get(
    "/messages/{source}/{id}", response_model=models.MessageState, responses={**_REFUSALS, **documented(404)}
)
async def message(
    served: Served,
    token: Reader,
    source: PathText,
    id: PathText,  # noqa: A002  the attribute's name
    parameters: Annotated[MessageParameters, Query()],
) -> Response:
    """What became of one message: its state now, and all that led to it."""
    if not token.sees(parameters.seller):
        raise other_seller(parameters.seller)
    names = decoded(source), decoded(id)
    ledger = served.reads.ledger
    found, (position, at) = await served.reads.ask(
        lambda: (became(ledger, parameters.seller, *names), now(ledger))
    )
    if found is None:
        raise Problem(
            404, "No such message is known (yet).", "Ask again if it was just sent; else send it again."
        )
    named = {"source": names[0], "id": names[1], "seller": parameters.seller}
    return answer({"as_of_position": position, "as_of": at, **named, **_state(found)})


def _state(found: Became) -> dict[str, Any]:
    last = outcome_of(found.history[-1])
    return {
        "type": found.type,
        **{name: last[name] for name in ("state", "rule", "data", "retryable", "caused")},
        "history": [outcome_of(one) for one in found.history],
        "duplicates": found.duplicates,
        "conflicts": found.conflicts,
    }


@router.get(
    "/messages", response_model=models.Page[models.ListedMessage], responses={**_REFUSALS, **CSV_ANSWER}
)
async def messages(
    request: Request, served: Served, token: Reader, parameters: Annotated[HourParameters, Query()]
) -> Response:
    """The outcomes of a seller's messages recorded in one UTC hour, to be compared with what was sent.

    A message that waited and was decided in another hour stands in both.  A page may be short: go by `next`.
    """
    if not token.sees(parameters.seller):
        raise other_seller(parameters.seller)
    since, until = parameters.span()
    span = micros_of(since), micros_of(until)
    ledger, after = served.reads.ledger, int(parameters.cursor or 0)
    found, as_of = await served.reads.ask(
        lambda: (hour(ledger, parameters.seller, span, after, parameters.limit), now(ledger))
    )
    following = None if found.next is None else str(found.next)
    rows = [{**one._asdict(), "recorded_at": one.recorded_at.isoformat()} for one in found.listed]
    return page(request, as_of, rows, following)
