"""What is said when something is refused: RFC 9457, and what happened, what was kept, what to do next."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

MEDIA: Final = "application/problem+json"
NOTHING: Final = "Nothing was kept or changed."
SAME_ID: Final = "Send it again: a message is told by its seller, source and id, so twice is once."


class Wrong(BaseModel):
    """What is wrong with one message, parameter or field."""

    model_config = ConfigDict(extra="forbid")

    index: int | None = None
    """Place of the message in its batch, from 0."""
    rule: str
    field: str | None = None
    byte: int | None = None
    """Where it stopped being readable."""
    error: str


class ProblemDetails(BaseModel):
    """RFC 9457.  `detail`: what happened; `kept`: what was kept; `next`: what to do."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    kept: str
    next: str
    wrong: list[Wrong] = []


_TITLES: Final = {
    400: "Bad request",
    401: "Not known",
    403: "Not allowed",
    404: "Not found",
    405: "No such method here",
    408: "The request came too slowly",
    413: "Too large",
    415: "No such media type here",
    422: "Cannot be read",
    500: "An error in Jumun",
    503: "Not now",
    504: "Not in time",
}


class Problem(Exception):
    """A request that is refused."""

    def __init__(  # noqa: PLR0913  what a problem says
        self,
        status: int,
        detail: str,
        next_step: str,
        *,
        kept: str = NOTHING,
        wrong: Sequence[Wrong] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.next, self.kept = status, detail, next_step, kept
        self.wrong = list(wrong)
        self.retry_after_s = retry_after_s

    def response(self) -> Response:
        said = ProblemDetails(
            title=_TITLES.get(self.status, "Refused"),
            status=self.status,
            detail=self.detail,
            kept=self.kept,
            next=self.next,
            wrong=self.wrong,
        )
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        if self.status == 401:  # noqa: PLR2004
            headers["WWW-Authenticate"] = 'Bearer realm="jumun"'
        body = orjson.dumps(said.model_dump(mode="json"))
        return Response(body, self.status, headers, media_type=MEDIA)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: answers of these statuses are problems."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": _TITLES[status], "content": {MEDIA: {"schema": schema}}}
        for status in statuses
    }
