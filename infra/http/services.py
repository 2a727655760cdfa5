"""What the handlers need, and who may use them."""

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
    """`open_metrics`: whether /metrics is for everybody, because only this machine can ask."""

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


def known(served: Services, bearer: HTTPAuthorizationCredentials | None) -> Token:
    """Raises: Problem, when nobody is named or nobody of that token is known."""
    if bearer is None:
        said, todo = "No token was sent.", "Send the header Authorization: Bearer TOKEN."
        raise Problem(401, said, todo)
    token = served.tokens.find(bearer.credentials)
    if token is None:
        said, todo = "This token is not known.", "Use one that `jumun token new` has made for this server."
        raise Problem(401, said, todo)
    return token


def allowed(*rights: Right) -> Callable[[Services, HTTPAuthorizationCredentials | None], Awaitable[Token]]:
    """The token, if it has one of these rights."""

    async def check(served: Served, bearer: Bearer) -> Token:
        token = known(served, bearer)
        if not any(token.may(right) for right in rights):
            raise lacks(" or ".join(rights))
        return token

    return check


def lacks(right: str) -> Problem:
    return Problem(
        403, f"This token lacks the right: {right}.", "Use a token that has it (`jumun token new --right`)."
    )


def other_seller(seller: str | None) -> Problem:
    whose = "all sellers" if seller is None else f"seller {seller}"
    return Problem(403, f"This token is not for {whose}.", "Use a token of that seller, or name another.")


Reader = Annotated[Token, Depends(allowed("read"))]
