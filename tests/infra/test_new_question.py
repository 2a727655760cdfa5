"""A new question needs only its module and its line in the catalogue, shown with an example question."""

import asyncio
import csv
import io
import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from domain.values import Text
from infra.access import tokens
from infra.audit.history import recorded_after
from infra.cli.ask import register
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.http.app import application
from infra.settings import LEDGER, Settings
from infra.wiring.embedded import writing
from infra.wiring.server import opened
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.catalogue import PUBLISHED
from projections.questions.memory import folded
from projections.questions.plain_rows import as_rows
from projections.questions.question import Option, Parameters, Question
from projections.questions.rows import RowReader, count, equal, total
from projections.stock import STOCK_LEVELS
from tests.messages import receipt


class LocationsParameters(Parameters):
    location: Annotated[Text | None, Option("Only this location.")] = None
    at_least: Annotated[int, Option("Only with so many SKUs.")] = 1


@dataclass(frozen=True, slots=True)
class LocationsAnswer(AsOf):
    """The stock at one location."""

    location: str
    skus: int
    on_hand: int


def locations(rows: RowReader, seller: str | None, given: LocationsParameters) -> list[LocationsAnswer]:
    when = as_of_now(rows, seller)
    where = equal(seller_id=seller, location=given.location)
    groups = rows.aggregate(STOCK_LEVELS, [count(), total("on_hand")], where, by=("location",))
    return [
        LocationsAnswer(when.as_of_position, when.as_of, location, skus, on_hand)
        for location, skus, on_hand in groups
        if skus >= given.at_least
    ]


LOCATIONS = Question(
    name="locations",
    help="What lies where.",
    example="jumun locations --location main",
    parameters=LocationsParameters,
    answer=LocationsAnswer,
    row_help="One location of one seller.",
    scope="each seller",
    ask=locations,
)
MAIN = {"location": "main", "skus": 2, "on_hand": 12}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A ledger with twelve pieces of two SKUs."""
    folder = tmp_path_factory.mktemp("question")
    chosen = Settings(home=folder / "home", http_tokens=folder / "tokens.toml")
    with writing(chosen) as embedded:
        embedded.ingest([receipt(1, pieces=5), receipt(2, sku="DESK", pieces=7)])
    return chosen


def without_as_of(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in MAIN}


def test_it_is_answered_from_rows_in_memory(settings: Settings) -> None:
    with closing(SqliteLedger(str(settings.home / LEDGER))) as ledger:
        rows = folded(event for chunk in recorded_after(ledger, 0) for event in chunk)
    answers = LOCATIONS.ask(rows, "acme", LocationsParameters())
    assert [without_as_of(row) for row in as_rows(answers)] == [MAIN]
    assert LOCATIONS.ask(rows, "acme", LocationsParameters(at_least=3)) == []


@pytest.fixture
def app() -> typer.Typer:
    commands = typer.Typer()
    for question in (*PUBLISHED, LOCATIONS):
        register(commands, question)
    return commands


def test_it_is_a_command_with_its_options(app: typer.Typer, settings: Settings) -> None:
    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["locations", *words, "--home", str(settings.home)])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert [without_as_of(row) for row in json.loads(run("--json"))] == [MAIN]
    assert [row["on_hand"] for row in csv.DictReader(io.StringIO(run("--csv", "--location", "main")))] == [
        "12"
    ]
    assert json.loads(run("--json", "--at-least", "3")) == []
    table = run("--seller", "acme")
    assert "Locations" in table
    assert "on hand" in table
    assert "acme" in table


@pytest.fixture
def served(settings: Settings) -> Generator[httpx.AsyncClient]:
    assert settings.http_tokens is not None
    token = tokens.new(settings.http_tokens, "reader", ("*",), ("read",))
    with opened(settings) as services:
        transport = httpx.ASGITransport(app=application(services, (*PUBLISHED, LOCATIONS)))
        headers = {"authorization": f"Bearer {token}"}
        yield httpx.AsyncClient(transport=transport, base_url="http://jumun", headers=headers)


def test_it_is_a_path_with_its_bounds(served: httpx.AsyncClient) -> None:
    async def ask() -> list[httpx.Response]:
        paths = ("/locations?location=main", "/locations?limit=0", "/locations?at_least=3", "/openapi.json")
        responses = [await served.get(path) for path in paths]
        await served.aclose()
        return responses

    answer, refused, nothing, openapi = asyncio.run(ask())
    (row,) = answer.json()["rows"]
    assert (row["seller_id"], without_as_of(row)) == ("acme", MAIN)
    assert refused.json()["wrong"][0]["field"] == "limit"
    assert nothing.json()["rows"] == []
    operation = openapi.json()["paths"]["/locations"]["get"]
    assert operation["description"] == "What lies where."
    names = [parameter["name"] for parameter in operation["parameters"]]
    assert names == ["seller", "min_position", "limit", "cursor", "location", "at_least"]
    assert (
        openapi.json()["components"]["schemas"]["LocationsRow"]["description"]
        == "One location of one seller."
    )
