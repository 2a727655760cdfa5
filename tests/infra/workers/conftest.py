"""A fixture with a new ledger in a real PostgreSQL and new topics in a real Kafka for each test."""

from collections.abc import Iterator

import pytest

from benchmarks.production import Production, production


@pytest.fixture
def system(postgres_url: str, kafka: str) -> Iterator[Production]:
    with production(postgres_url, kafka) as running:
        yield running
