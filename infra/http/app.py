"""Builds the ASGI application: its routes, its error responses, and its OpenAPI document."""

from collections.abc import Iterable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from infra.build import build
from infra.http import health
from infra.http.asking import message_outcomes as tracing
from infra.http.asking import order
from infra.http.asking import parked as waiting
from infra.http.asking.questions import routes
from infra.http.problems import Problem, Wrong
from infra.http.publishing import endpoint as publishing
from infra.http.publishing.message_schemas import components
from infra.http.request_limits import RequestLimiter, failed
from infra.http.services import Services
from projections.questions.catalogue import PUBLISHED
from projections.questions.question import Question

_ABOUT: Final = """
Publish messages, read their outcomes, and ask the questions of the command line. In every answer,
`as_of_position` is the last event that it includes, and `as_of` the instant for which it holds. To read your
own writes, pass the `min_position` of the receipt to a question. Errors are problem details (RFC 9457):
`detail` says what happened, `kept` what was kept, `next` what to do.
"""


def application(services: Services, questions: Iterable[Question[Any]] = PUBLISHED) -> ASGIApp:
    """The complete application, ready for a server."""
    app = FastAPI(
        title="Jumun",
        version=build(),
        description=_ABOUT,
        docs_url=None,  # the pages of FastAPI load scripts from other servers
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    routers = (
        publishing.router,
        tracing.router,
        routes(questions),
        order.router,
        waiting.router,
        health.router,
    )
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _failed)
    document = _documented(app)
    app.openapi = lambda: document  # type: ignore[method-assign]
    return RequestLimiter(app, services.limits, services.clock)


async def _problem(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response()


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors: list[Any] = list(error.errors())
    wrong = [
        Wrong(rule=one["type"], field=".".join(map(str, one["loc"][1:]))[:200], error=one["msg"][:300])
        for one in errors[:20]
    ]
    detail = "A query parameter is unknown or invalid."
    return Problem(422, detail, "Correct the parameters listed under `wrong`.", wrong=wrong).response()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = "There is no such path." if error.status_code == 404 else "This path does not have that method."  # noqa: PLR2004
    del request
    response = Problem(error.status_code, detail, "GET /openapi.json lists all paths and methods.").response()
    response.headers.update(error.headers or {})
    return response


async def _failed(_: Request, __: Exception) -> Response:
    return failed().response()


def _documented(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of FastAPI, with the schemas of the messages added."""
    document: dict[str, Any] = FastAPI.openapi(app)
    schemas: dict[str, Any] = document["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    added = components()
    assert not schemas.keys() & added.keys()
    schemas |= added
    return document
