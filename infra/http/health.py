"""GET /healthz, /readyz and /metrics: liveness, readiness, and Prometheus metrics."""

import asyncio
from typing import Any, Final

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from infra.http import models
from infra.http.forms import answer
from infra.http.messages import ledger_as_of
from infra.http.problems import Problem, documented
from infra.http.services import Bearer, Served, Services, authenticate, lacks

CHECKED_WITHIN_S: Final = 5.0

router = APIRouter()


@router.get("/healthz", response_model=models.Alive, responses=documented(503, 504))
async def healthz() -> Response:
    """Liveness: the process answers."""
    return answer({"status": "alive"})


@router.get(
    "/readyz",
    response_model=models.Ready,
    responses={503: {"model": models.Ready, "description": "Not ready"}, **documented(504)},
)
async def readyz(served: Served) -> Response:
    """Readiness: ledger and read models are reachable and up to date, and messages can be published."""
    checks = [
        await _checked("ledger", served.reads.ask(lambda: _check_ledger(served))),
        await _checked("read models", served.reads.ask(served.reads.behind)),
        await _checked("intake", asyncio.to_thread(served.intake.trouble)),
    ]
    ready = all(check["well"] for check in checks)
    headers = {} if ready else {"Retry-After": "5"}
    return answer({"ready": ready, "checks": checks}, 200 if ready else 503, headers)


def _check_ledger(served: Services) -> str:
    ledger_as_of(served.reads.ledger)
    return ""


async def _checked(name: str, check: Any) -> dict[str, Any]:
    try:
        async with asyncio.timeout(CHECKED_WITHIN_S):
            trouble: str = await check
    except TimeoutError:
        trouble = f"no answer within {CHECKED_WITHIN_S:g} s"
    except Problem as problem:
        trouble = problem.detail
    return {"name": name, "well": not trouble, "said": trouble}


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "For Prometheus"},
        **documented(401, 403, 503, 504),
    },
)
async def metrics(served: Served, bearer: Bearer) -> Response:
    """Metrics for Prometheus.  Needs the right `metrics`, unless the server listens only on loopback."""
    if not served.open_metrics and not authenticate(served, bearer).may("metrics"):
        raise lacks("metrics")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
