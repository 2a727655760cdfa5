"""The services that the handlers use, and the checks of tokens and rights."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from infra.access.tokens import Right, Token, Tokens
from infra.clock import Clock
from infra.http.intake import Intake
from infra.http.problems import Problem
from infra.http.reads import Reads
from infra.http.request_limits import Limits


@dataclass(frozen=True, slots=True)
class Services:
    """What the handlers need.  `open_metrics`: /metrics needs no token: only this machine can connect."""

    intake: Intake
    reads: Reads
    tokens: Tokens
    open_metrics: bool
    limits: Limits
    clock: Clock


def services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


Served = Annotated[Services, Depends(services)]
_BEARER = HTTPBearer(auto_error=False, description="A token made by `jumun token new`.")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


def authenticate(served: Services, bearer: HTTPAuthorizationCredentials | None) -> Token:
    """The token of the request.  Raises: Problem, when there is no token or it is unknown."""
    if bearer is None:
        detail, todo = "No token was sent.", "Send the header Authorization: Bearer TOKEN."
        raise Problem(401, detail, todo)
    token = served.tokens.find(bearer.credentials)
    if token is None:
        detail, todo = "This token is unknown.", "Use a token that `jumun token new` made for this server."
        raise Problem(401, detail, todo)
    return token


def allowed(*rights: Right) -> Callable[[Services, HTTPAuthorizationCredentials | None], Awaitable[Token]]:
    """A dependency that returns the token of the request.

    It raises Problem, when the token has none of these rights.
    """

    async def check(served: Served, bearer: Bearer) -> Token:
        token = authenticate(served, bearer)
        if not any(token.may(right) for right in rights):
            raise lacks(" or ".join(rights))
        return token

    return check


def lacks(right: str) -> Problem:
    return Problem(
        403,
        f"This token lacks the right: {right}.",
        "Use a token that has this right (`jumun token new --right`).",
    )


def other_seller(seller: str | None) -> Problem:
    scope = "all sellers" if seller is None else f"seller {seller}"
    return Problem(403, f"This token is not for {scope}.", "Use a token for that seller, or name another.")


Reader = Annotated[Token, Depends(allowed("read"))]
