"""The OpenAPI document is complete and right: its operations are tested on a running server."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks

from domain.catalogue import COMMANDS
from infra.access import tokens
from infra.http.request_limits import Limits
from tests.infra.http.conftest import BATCH, Server, batch, embedded, running
from tests.messages import life_cycles, paid

CHECKS: list[Any] = [
    getattr(checks, f"{what}_conformance")
    for what in ("status_code", "content_type", "response_headers", "response_schema")
]


SLOW = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much)


@pytest.fixture(scope="module")
def module_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a short wait, because generated positions are never reached."""
    with running(embedded(tmp_path_factory.mktemp("http")), limits=Limits(folded_within_s=0.02)) as started:
        yield started


@pytest.fixture(scope="module")
def filled(module_served: Server) -> httpx.Client:
    client = module_served.client(*tokens.RIGHTS)
    body = batch(*life_cycles(["N-1", "N-2"]), paid("N-9"))
    assert client.post("/messages?wait=10", content=body, headers=BATCH).status_code == 200
    return client


@pytest.fixture(scope="module")
def described(module_served: Server, filled: httpx.Client) -> Any:
    assert filled is not None
    return schemathesis.openapi.from_url(f"{module_served.url}/openapi.json")


OPERATIONS = (
    "POST /messages", "GET /messages", "GET /messages/{source}/{id}", "GET /stock", "GET /penalty",
    "GET /kpi", "GET /orders", "GET /orders/{order_id}", "GET /returns", "GET /refunds", "GET /activity",
    "GET /parked", "GET /outcomes", "GET /healthz", "GET /readyz", "GET /metrics",
)  # fmt: skip
TRIED = [
    (operation, mode)
    for operation in OPERATIONS
    for mode in schemathesis.GenerationMode
    if mode.is_positive or operation not in {"GET /healthz", "GET /readyz"}  # without parameters
]


@pytest.mark.parametrize(("operation", "mode"), TRIED)
@settings(max_examples=30, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(data=st.data())
def test_every_response_conforms_to_the_document(
    described: Any, filled: httpx.Client, operation: str, mode: Any, data: st.DataObject
) -> None:
    method, path = operation.split()
    case = data.draw(described[path][method].as_strategy(generation_mode=mode))
    answer = case.call(headers={"authorization": filled.headers["authorization"]})
    assert answer.status_code < 500 or (answer.status_code == 504 and "min_position" in case.query)
    case.validate_response(answer, checks=CHECKS)


def test_all_operations_of_the_document_are_tested(filled: httpx.Client) -> None:
    paths = filled.get("/openapi.json").json()["paths"]
    assert {f"{method.upper()} {path}" for path in paths for method in paths[path]} == set(OPERATIONS)


PATHS = (
    "/stock", "/penalty", "/kpi", "/orders", "/orders/N-1", "/returns", "/refunds", "/activity", "/parked",
    "/outcomes", "/messages/shop/paid-N-9?seller=acme", "/messages/shop/paid-N-1?seller=acme",
    "/healthz", "/readyz",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_responses_with_data_conform_to_the_document(
    module_served: Server, filled: httpx.Client, path: str
) -> None:
    described: Any = schemathesis.openapi.from_url(f"{module_served.url}/openapi.json")
    template = {"/orders/N-1": "/orders/{order_id}"}.get(path, path.partition("?")[0])
    template = "/messages/{source}/{id}" if template.startswith("/messages/") else template
    answer = filled.get(path)
    assert answer.status_code == 200
    described[template]["GET"].validate_response(answer)


def test_the_document_has_each_message_of_the_contract(filled: httpx.Client) -> None:
    document = filled.get("/openapi.json").json()
    body = document["paths"]["/messages"]["post"]["requestBody"]["content"]
    assert set(body) == {
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json",
    }
    assert set(COMMANDS) <= document["components"]["schemas"].keys()
    assert "HTTPValidationError" not in str(document)
