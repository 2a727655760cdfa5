"""Error responses as problem details (RFC 9457): what happened, what was kept, and what to do next."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

MEDIA: Final = "application/problem+json"
NOTHING: Final = "Nothing was stored or changed."
SAME_ID: Final = "Send them again with the same ids: a message that arrives twice takes effect once."


class Wrong(BaseModel):
    """What is wrong with one message, parameter or field."""

    model_config = ConfigDict(extra="forbid")

    index: int | None = None
    """Index of the message in its batch, from 0."""
    rule: str
    field: str | None = None
    byte: int | None = None
    """Offset of the first byte that cannot be read."""
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
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "The request arrived too slowly",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid request",
    500: "Internal error in Jumun",
    503: "Temporarily unavailable",
    504: "Timeout",
}


class Problem(Exception):
    """A request is refused; `response` makes the HTTP response."""

    def __init__(  # noqa: PLR0913  the fields of a problem
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
        details = ProblemDetails(
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
        body = orjson.dumps(details.model_dump(mode="json"))
        return Response(body, self.status, headers, media_type=MEDIA)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entry for responses with these statuses: they are problem details."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": _TITLES[status], "content": {MEDIA: {"schema": schema}}}
        for status in statuses
    }
