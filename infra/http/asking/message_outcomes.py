"""GET /messages: the state of one message, and the outcomes recorded in one hour."""

from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from infra.http import models
from infra.http.asking.parameters import HourParameters, MessageParameters
from infra.http.forms import CSV_ANSWER, answer, page
from infra.http.messages import MessageResult, ledger_as_of, outcome_of, outcomes_in_hour, result_of
from infra.http.problems import Problem, documented
from infra.http.services import Reader, Served, other_seller
from projections.instants import micros_of

_REFUSALS = documented(401, 403, 422, 500, 503, 504)
MOST_TEXT = 1_000
PathText = Annotated[
    str, Path(min_length=1, max_length=MOST_TEXT, description="Percent-encoded, also `/` as %2F.")
]

router = APIRouter()


def decoded(text: str) -> str:
    """A percent-decoded part of the path.

    The server does not decode paths, because a decoded `%2F` could not be told from a `/`.

    Raises: Problem.
    """
    try:
        name = unquote(text, errors="strict")
    except UnicodeDecodeError:
        name = ""
    if not name or not name.isprintable():
        raise Problem(
            422, "A part of the path is not a valid name.", "Percent-encode it as UTF-8, also `/` as %2F."
        )
    return name


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
    """The current state of one message, and the history of its outcomes."""
    if not token.sees(parameters.seller):
        raise other_seller(parameters.seller)
    names = decoded(source), decoded(id)
    ledger = served.reads.ledger
    message_result, (position, at) = await served.reads.ask(
        lambda: (result_of(ledger, parameters.seller, *names), ledger_as_of(ledger))
    )
    if message_result is None:
        raise Problem(
            404,
            "No message with this seller, source and id has been decided (yet).",
            "If you have just sent it, ask again; otherwise send it again.",
        )
    identity = {"source": names[0], "id": names[1], "seller": parameters.seller}
    return answer({"as_of_position": position, "as_of": at, **identity, **_state(message_result)})


def _state(message_result: MessageResult) -> dict[str, Any]:
    last = outcome_of(message_result.history[-1])
    return {
        "type": message_result.type,
        **{name: last[name] for name in ("state", "rule", "data", "retryable", "caused")},
        "history": [outcome_of(one) for one in message_result.history],
        "duplicates": message_result.duplicates,
        "conflicts": message_result.conflicts,
    }


@router.get(
    "/messages", response_model=models.Page[models.ListedMessage], responses={**_REFUSALS, **CSV_ANSWER}
)
async def messages(
    request: Request, served: Served, token: Reader, parameters: Annotated[HourParameters, Query()]
) -> Response:
    """The outcomes of a seller's messages that were recorded in one UTC hour, to compare with what was sent.

    A message that was parked in one hour and decided in another is listed in both.  A page may have fewer
    rows than `limit`, or none: continue until `next` is null.
    """
    if not token.sees(parameters.seller):
        raise other_seller(parameters.seller)
    since, until = parameters.span()
    span = micros_of(since), micros_of(until)
    ledger, after = served.reads.ledger, int(parameters.cursor or 0)
    listing, as_of = await served.reads.ask(
        lambda: (
            outcomes_in_hour(ledger, parameters.seller, span, after, parameters.limit),
            ledger_as_of(ledger),
        )
    )
    following = None if listing.next is None else str(listing.next)
    rows = [{**one._asdict(), "recorded_at": one.recorded_at.isoformat()} for one in listing.listed]
    return page(request, as_of, rows, following)
