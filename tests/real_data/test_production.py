"""Runs real data sets through Kafka and PostgreSQL: the read models equal those of an embedded run."""

import json
import os
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from benchmarks.production import Production, production
from tests.real_data.real import LEFT_OUT, lines, no_tick, run, say

SETS = ("scms", "ocel", "olist", *(("online-retail",) if os.environ.get("JUMUN_TORTURE") else ()))
"""The half a million lines of online-retail take three minutes, so only `make torture` runs them."""
PATIENCE_S = 900


def share_the_secret(system: Production, secret: bytes) -> None:
    """Gives the system the secret of the embedded run: the same secret gives the same vault tokens."""
    with psycopg.connect(system.setting_texts["database_url"]) as connection:
        ledger = sql.Identifier(system.setting_texts["ledger_schema"], "ledger")
        connection.execute(sql.SQL("UPDATE {} SET secret = %s").format(ledger), [secret])


@pytest.mark.parametrize("name", SETS)
def test_both_ways_make_the_same_read_models(
    name: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = lines(name)
    postgres_url, kafka = (request.getfixturevalue(server) for server in ("postgres_url", "kafka"))
    with run(tmp_path, messages) as embedded, production(postgres_url, kafka) as system:
        embedded.ingest(messages)
        share_the_secret(system, embedded.embedded.ledger.secret)
        for role in ("engine", "relay", "projector"):
            system.start(role)
        system.publish(messages)
        took = system.wait_decided(no_tick(messages), PATIENCE_S) + system.wait_folded(PATIENCE_S)
        say(f"{name}: {len(messages):,} messages through Kafka in {took:.1f} s after the last was sent")
        with system.read_models() as models:
            digests = models.digest(without=LEFT_OUT)
        expected = embedded.embedded.read_models.digest(without=LEFT_OUT)
    assert digests == expected
    with capsys.disabled():
        whole = sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
        print(f"\n  {name}: {len(messages):,} messages, both ways {whole[:16]}", end="")
