"""Runs the production system for tests and benchmarks: real processes, a real broker, a real database."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from infra.database_upgrade import upgrade
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.postgres.url import Target
from infra.kafka import topics
from infra.kafka.client import connect
from infra.kafka.partitions import partition_of
from infra.kafka.ports import Kafka, Outgoing, Record
from infra.read_models.store import ReadModels
from infra.settings import Settings, TopicName
from infra.wire.kafka_records import ledger_position
from infra.wiring.stores import open_ledger, open_read_models
from infra.workers.process import STUCK

ROOT = Path(__file__).parents[1]
PATIENCE_S = 240.0


class Production:
    """One ledger with its topics and read models, and the workers that a test starts."""

    def __init__(
        self, postgres_url: str, kafka: str, *, partitions: int = 6, client: str = "kafka-python"
    ) -> None:
        name = f"t{uuid.uuid4().hex[:12]}"
        self.setting_texts = {
            "database_url": postgres_url,
            "ledger_schema": name,
            "read_models_schema": f"{name}_read",
            "kafka": kafka,
            "kafka_client": client,
            "topics": name,
            "partitions": str(partitions),
            "log_level": "info",
            "log_format": "json",
        }
        self.settings = Settings(**self.setting_texts)  # type: ignore[arg-type]  # texts, as in the environment
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.keeps_alive = False
        self.revived = 0
        self._started: dict[str, tuple[str, str]] = {}
        self.logs = Path(f"/tmp/jumun-{name}")
        upgrade(Target(postgres_url, name, postgres_url, f"{name}_read"))
        self.make_topics()

    def make_topics(self) -> None:
        with self.cluster() as cluster:
            topics.create(cluster, self.settings)

    @contextmanager
    def cluster(self) -> Generator[Any]:
        with closing(connect(self.settings).cluster()) as cluster:
            yield cluster

    # --- workers -------------------------------------------------------------------------------------

    def start(
        self, role: str, name: str | None = None, *, module: str = "infra.cli.main", **environment: str
    ) -> subprocess.Popen[bytes]:
        name = name or role
        self._started[name] = role, name
        variables = {f"JUMUN_{key.upper()}": value for key, value in self.setting_texts.items()}
        self.logs.mkdir(exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            self.workers[name] = subprocess.Popen(
                [sys.executable, "-m", module, "run", *role.split()],
                env={**os.environ, **variables, "PYTHONPATH": str(ROOT), **environment},
                stderr=log,
                stdout=log,
                cwd=ROOT,
            )
        return self.workers[name]

    def revive(self) -> None:
        """Starts workers again that died, as a supervisor does.

        librdkafka may abort its process by a failed assertion, if a requested offset does not arrive in time.
        """
        for name, process in list(self.workers.items()):
            if process.poll() is not None and (process.returncode < 0 or process.returncode == STUCK):
                self.revived += 1
                self.start(*self._started[name])

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> int:
        process = self.workers.pop(name)
        process.send_signal(how)
        return process.wait(60)

    def log(self, name: str) -> list[dict[str, Any]]:
        """The log records of a worker."""
        lines = (self.logs / f"{name}.log").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def close(self) -> None:
        for process in self.workers.values():
            process.kill()
        for process in self.workers.values():
            process.wait()
        url = self.setting_texts["database_url"]
        with psycopg.connect(url, autocommit=True) as connection:
            for schema in (self.setting_texts["ledger_schema"], self.setting_texts["read_models_schema"]):
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))

    # --- messages ------------------------------------------------------------------------------------

    def partition(self, line: bytes) -> int:
        """The partition of the seller, as publishers choose it; without a seller, any partition."""
        try:
            return partition_of(json.loads(line)["sellerid"], self.settings.partitions)
        except (ValueError, TypeError, KeyError):
            return zlib.crc32(line) % self.settings.partitions

    def publish(self, lines: Iterable[bytes], kafka: Kafka | None = None) -> int:
        """Publishes the lines, by default as our own user; returns their number when all are acknowledged."""
        topic = self.settings.topic("inbound")
        count = 0
        with closing((kafka or connect(self.settings)).publisher()) as publisher:
            for line in lines:
                publisher.send(Outgoing(topic, self.partition(line), b"", line))
                count += 1
            publisher.flush(60)
        return count

    # --- results --------------------------------------------------------------------------------------

    @contextmanager
    def ledger(self) -> Generator[PostgresLedger]:
        with closing(open_ledger(self.settings)) as ledger:
            yield ledger

    @contextmanager
    def read_models(self) -> Generator[ReadModels]:
        with closing(open_read_models(self.settings)) as models:
            yield models

    def decided(self) -> dict[str, int]:
        """The number of messages in each state."""
        with self.ledger() as ledger:
            rows = ledger.rows(
                "SELECT state, sum(n) FROM (SELECT state, count(*) AS n FROM outcomes GROUP BY state"
                " UNION ALL SELECT was, -count(*) FROM outcomes WHERE was IS NOT NULL GROUP BY was) s"
                " GROUP BY state"
            )
        return {state: int(count) for state, count in rows if count}

    def wait_until(self, what: Callable[[], bool], patience_s: float = PATIENCE_S) -> float:
        """Waits until `what` returns True.  Returns the seconds that it waited."""
        began = time.monotonic()
        while not what():
            if self.keeps_alive:
                self.revive()
            if time.monotonic() - began > patience_s:
                tails = {name: self.log(name)[-3:] for name in self.workers}
                raise AssertionError(
                    f"not within {patience_s} s; the last log records of the workers: {tails}"
                )
            time.sleep(0.1)
        return time.monotonic() - began

    def wait_decided(self, sent: int, patience_s: float = PATIENCE_S) -> float:
        """Waits until every message has an outcome."""
        with self.ledger() as ledger:
            query = "SELECT count(*) FROM outcomes WHERE was IS NULL"
            return self.wait_until(lambda: ledger.rows(query)[0][0] >= sent, patience_s)

    def wait_folded(self, patience_s: float = PATIENCE_S) -> float:
        """Waits until the read models have folded the whole ledger."""
        ends = (
            "SELECT partition, max(last_position) FROM commits WHERE first_position <= last_position"
            " GROUP BY partition"
        )
        with self.ledger() as ledger, self.read_models() as models:

            def folded() -> bool:
                return models.positions() == dict(ledger.rows(ends))

            return self.wait_until(folded, patience_s)

    def records(self, name: TopicName) -> list[Record]:
        """All committed records of a topic, partition by partition."""
        topic = self.settings.topic(name)
        with self.cluster() as cluster:
            return [
                record
                for partition in range(self.settings.partitions)
                for record in cluster.tail(topic, partition, 10_000_000)
            ]

    def published_outcomes(self) -> list[Record]:
        """The outcomes of both topics, once all outcomes of the ledger are published.

        It must wait: the records of one Kafka transaction become visible in one partition after another.
        """
        records: list[Record] = []
        with self.ledger() as ledger:
            count: int = ledger.rows("SELECT count(*) FROM outcomes")[0][0]

        def all_published() -> bool:
            records[:] = self.records("outcomes") + self.records("set-aside")
            return len(records) >= count

        self.wait_until(all_published)
        return records

    def published_positions(self) -> list[int]:
        return sorted(ledger_position(record.value).position for record in self.records("ledger"))


@contextmanager
def production(postgres_url: str, kafka: str, **how: Any) -> Generator[Production]:
    system = Production(postgres_url, kafka, **how)
    try:
        yield system
    finally:
        with contextlib.suppress(OSError):
            system.close()
