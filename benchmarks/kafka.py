"""python -m benchmarks.kafka [--orders N] [--rounds N] [--quick] [--json]: through Kafka and PostgreSQL.

One worker of each kind consumes, decides, commits, publishes and folds the messages.  This is compared with a
bare kafka-python loop that reads the same inputs, writes the same outputs and reads them back.  The exit
status is 1 if the ratio is below the bar.  It uses the project's own servers (`make kafka-up postgres-up`),
with fsync on.
"""

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from dataclasses import asdict
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, KafkaProducer

from benchmarks.life_cycles import Market
from benchmarks.measure import Figure, beside
from benchmarks.production import Production, production
from infra.kafka.kafka_python.library import at
from infra.kafka.ports import Record

TOOLS: Final = Path(__file__).parents[1] / "tools"
SELLERS: Final = 8
PARTITIONS: Final = 12
BAR: Final = 0.4
SAMPLE_S: Final = 0.02
"""Interval at which the lag is sampled."""
LAGGING_S: Final = 20.0
"""How long messages are published at half the rate, to measure the lag."""
CLIENTS: Final = ("kafka-python", "confluent-kafka")
KEY: Final = b"acme-0"
BARE: Final = "bare kafka-python loop"


class Done(NamedTuple):
    """The result of one round of one side."""

    orders_a_second: float
    lags_s: list[float]


def server(tool: str) -> str:
    done = subprocess.run([TOOLS / tool, "up"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def of_sellers(market: Market) -> list[bytes]:
    """The market's messages, with the orders distributed over the sellers."""
    lines: list[bytes] = []
    for wave in market.messages():
        for line in wave:
            number = int(json.loads(line)["data"]["order_id"][-6:]) % SELLERS
            lines.append(line.replace(b'"sellerid": "acme"', b'"sellerid": "acme-%d"' % number))
    return lines


def receipts(market: Market) -> list[bytes]:
    return [
        line.replace(b'"sellerid": "acme"', b'"sellerid": "acme-%d"' % number)
        for number in range(SELLERS)
        for line in market.receipts()
    ]


def through(system: Production, market: Market, *, lagging_s: float) -> Done:
    """Measures orders per second with all messages waiting, then the lag at half of that rate."""
    workers = [system.start(role) for role in ("engine", "relay", "projector")]
    sent = system.publish(receipts(market))
    system.wait_decided(sent)
    system.wait_folded()
    workers[0].send_signal(signal.SIGSTOP)
    sent += system.publish(of_sellers(market))
    workers[0].send_signal(signal.SIGCONT)
    began = time.monotonic()
    system.wait_decided(sent)
    system.wait_folded()
    speed = market.orders / (time.monotonic() - began)
    return Done(speed, _lags(system, market, speed / 2, lagging_s))


def _lags(system: Production, market: Market, rate: float, lagging_s: float) -> list[float]:
    """Seconds from the publishing of a message until the read models contain its events."""
    later = Market(max(SELLERS, int(rate * lagging_s)), market.skus)
    lines = [line.replace(b'"2026030900', b'"2026031000').replace(b'", "source"', b' later", "source"')
             for line in of_sellers(later)]  # fmt: skip
    sampler = Sampler(system)
    published: dict[str, float] = {}
    begun = time.monotonic()
    each = max(1, int(5 * rate / 20))  # twenty times a second
    for start in range(0, len(lines), each):
        time.sleep(max(0.0, begun + start / (5 * rate) - time.monotonic()))
        some = lines[start : start + each]
        published.update((json.loads(line)["id"], time.monotonic()) for line in some)
        system.publish(some)
    system.wait_folded()
    time.sleep(4 * SAMPLE_S)
    return sampler.lags(published)


class Sampler:
    """Samples the position up to which the read models have folded each partition, in a thread."""

    def __init__(self, system: Production) -> None:
        self._system = system
        self._seen: dict[int, tuple[list[int], list[float]]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        with self._system.read_models() as models:
            while not self._over.wait(SAMPLE_S):
                now = time.monotonic()
                for partition, position in models.positions().items():
                    positions, instants = self._seen.setdefault(partition, ([], []))
                    if not positions or position > positions[-1]:
                        positions.append(position)
                        instants.append(now)

    def lags(self, published: dict[str, float]) -> list[float]:
        self._over.set()
        self._thread.join()
        with self._system.ledger() as ledger:
            rows = ledger.rows(
                "SELECT o.message_id, o.last_position, c.partition FROM outcomes o"
                " JOIN commits c ON c.number = o.commit_number WHERE o.last_position IS NOT NULL"
            )
        lags: list[float] = []
        for identity, position, partition in rows:
            if identity in published:
                positions, instants = self._seen[partition]
                lags.append(instants[bisect_left(positions, position)] - published[identity])
        return lags


class Outputs(NamedTuple):
    """The records that Jumun read, and those that it wrote."""

    inbound: list[Record]
    ledger: list[Record]
    outcomes: list[Record]


def outputs(system: Production) -> Outputs:
    return Outputs(system.records("inbound"), system.records("ledger"), system.records("outcomes"))


def bare(system: Production, wrote: Outputs, orders: int) -> Done:
    """Only reads the same inputs, writes the same outputs and reads them back, in one process."""
    servers = system.settings.kafka
    inbound = [at(system.settings.topic("inbound"), p) for p in range(PARTITIONS)]
    with production(system.setting_texts["database_url"], servers, partitions=PARTITIONS) as other:
        topics = [other.settings.topic(name) for name in ("ledger", "outcomes")]
        back = [at(topic, p) for topic in topics for p in range(PARTITIONS)]
        reader, reader_back = (_reader(servers, some) for some in (inbound, back))
        producer = KafkaProducer(
            bootstrap_servers=servers, acks="all", enable_idempotence=True, compression_type="lz4",
            linger_ms=5, batch_size=65_536, delivery_timeout_ms=10**9,
        )  # fmt: skip
        began = time.monotonic()
        _loop(reader, reader_back, producer, topics, wrote)
        took = time.monotonic() - began
        for client in (reader, reader_back, producer):
            client.close()
    return Done(orders / took, [])


def _reader(servers: str, partitions: list[Any]) -> Any:
    reader: Any = KafkaConsumer(
        bootstrap_servers=servers, enable_auto_commit=False, isolation_level="read_committed",
        auto_offset_reset="earliest", max_partition_fetch_bytes=4 * 1024 * 1024,
    )  # fmt: skip
    reader.assign(partitions)
    return reader


def _loop(reader: Any, reader_back: Any, producer: Any, topics: list[str], wrote: Outputs) -> None:
    queues = [(topic, iter(records), len(records) / len(wrote.inbound))
              for topic, records in zip(topics, (wrote.ledger, wrote.outcomes), strict=True)]  # fmt: skip
    left, due, back = len(wrote.inbound), [0.0, 0.0], len(wrote.ledger) + len(wrote.outcomes)
    while left or back:
        read = (
            sum(map(len, reader.poll(timeout_ms=0 if back else 100, max_records=500).values())) if left else 0
        )
        left -= read
        for number, (topic, records, each) in enumerate(queues):
            due[number] += read * each
            while due[number] >= 1 or (not left and due[number] > -1):
                record = next(records, None)
                due[number] -= 1
                if record is None:
                    break
                headers = list(record.headers)
                producer.send(topic, record.value, key=KEY, headers=headers, partition=record.partition)
        if not left:
            producer.flush()
        back -= sum(map(len, reader_back.poll(timeout_ms=10, max_records=2_000).values()))


def measured(orders: int, rounds: int, lagging_s: float) -> dict[str, list[Done]]:
    postgres, kafka = server("postgres"), server("kafka")
    market = Market(orders, skus=40)
    runs: dict[str, list[Done]] = {}
    for _ in range(rounds):
        for client in CLIENTS:
            with production(postgres, kafka, partitions=PARTITIONS, client=client) as system:
                runs.setdefault(client, []).append(through(system, market, lagging_s=lagging_s))
                if client == CLIENTS[0]:
                    wrote = outputs(system)
                    share = len(wrote.inbound) / (5 * orders)  # includes the orders of the lag test
                    runs.setdefault(BARE, []).append(bare(system, wrote, round(orders * share)))
    return runs


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kafka", description=__doc__)
    parser.add_argument("--orders", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--quick", action="store_true", help="few orders and one round, only to see that it runs"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    quick: bool = options.quick
    runs = measured(200, 1, 2.0) if quick else measured(options.orders, options.rounds, LAGGING_S)
    figures = [_beside(runs, client) for client in CLIENTS]
    lags = {client: _quantiles([lag for done in runs[client] for lag in done.lags_s]) for client in CLIENTS}
    _print(figures, lags, as_json=options.json)
    return int(any(figure.passed is False for figure in figures) and not quick)


def _beside(runs: dict[str, list[Done]], client: str) -> Figure:
    speeds = [[done.orders_a_second for done in runs[name]] for name in (client, BARE)]
    bar = BAR if client == CLIENTS[0] else None
    return beside("e", f"Jumun by {client} / {BARE}", "orders/s", *speeds, bar=bar)


def _quantiles(lags: list[float]) -> tuple[float, float]:
    return median(lags), quantiles(lags, n=100)[98]


def _print(figures: list[Figure], lags: dict[str, tuple[float, float]], *, as_json: bool) -> None:
    if as_json:
        rows = [{**asdict(figure), "passed": figure.passed} for figure in figures]
        print(json.dumps({"figures": rows, "lag_s": lags}, indent=1))
        return
    for figure in figures:
        low, high = figure.spread
        bar = (
            ""
            if figure.bar is None
            else f"  bar: at least {figure.bar:g}  {'PASS' if figure.passed else 'FAIL'}"
        )
        print(f"{figure.what:<50} {figure.value:>7,.0f} / {figure.beside:>7,.0f} orders/s"
              f" = {figure.ratio:.2f} ({low:.2f} to {high:.2f}){bar}")  # fmt: skip
    for client, (middle, worst) in lags.items():
        print(f"lag at half of that rate, {client}: p50 {middle:.2f} s, p99 {worst:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
