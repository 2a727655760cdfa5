"""Personal texts are read by their token, and can be erased permanently while the ledger stays intact."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from consumers.engine import Engine
from consumers.ports import Batch
from infra import vault
from infra.audit.verify import Verdict, chain_damage
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.sql_ledger import SqlLedger
from infra.event_store.sqlite.ledger import SqliteLedger
from tests.messages import key, message

BUYER, NOTE = "Kim Minji", "leave it at the door of 010-1234"
LINES = [{"line": "1", "sku": "CHAIR", "pieces": 1, "note": NOTE}]
ORDER = message("order-placed", {**key("1"), "currency": "KRW", "lines": LINES, "buyer": BUYER}, id="1")


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlLedger]:
    opened: SqlLedger
    if request.param == "sqlite":
        opened = SqliteLedger(str(tmp_path / "ledger.sqlite"))
    else:
        url, schema = request.getfixturevalue("postgres_schema")
        opened = PostgresLedger(url, schema=schema)
    with closing(opened):
        yield opened


def tokens(ledger: SqlLedger) -> dict[str, str]:
    """Decides the order, and returns the tokens in its stored message."""
    batches: list[Batch] = []
    Engine(ledger, on_commit=lambda batch, _: batches.append(batch)).handle([ORDER])
    order = json.loads(batches[0].bodies[0])["data"]
    return {"buyer": order["buyer"], "note": order["lines"][0]["note"]}


def erased(ledger: SqlLedger, token: str) -> bool:
    with ledger.changing() as writer:
        return vault.erase(writer, token)


def test_a_text_is_read_by_its_token(ledger: SqlLedger) -> None:
    token = tokens(ledger)
    assert vault.text_of(ledger, token["buyer"]) == BUYER
    assert vault.text_of(ledger, token["note"]) == NOTE
    assert vault.text_of(ledger, "vault:unknown") is None


def test_an_erased_text_is_removed_the_others_stay_and_the_hash_chain_is_valid(ledger: SqlLedger) -> None:
    token = tokens(ledger)
    assert erased(ledger, token["note"])
    assert not erased(ledger, token["note"])
    assert vault.text_of(ledger, token["note"]) is None
    assert vault.text_of(ledger, token["buyer"]) == BUYER
    assert list(chain_damage(ledger, Verdict())) == []


def test_the_same_message_sent_again_does_not_bring_an_erased_text_back(ledger: SqlLedger) -> None:
    token = tokens(ledger)
    erased(ledger, token["note"])
    Engine(ledger).handle([ORDER])
    assert vault.text_of(ledger, token["note"]) is None
