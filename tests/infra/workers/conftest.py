"""A ledger on a real PostgreSQL and its topics on a real Kafka, for each test its own."""

from collections.abc import Iterator

import pytest

from benchmarks.production import Production, production


@pytest.fixture
def system(postgres_url: str, kafka: str) -> Iterator[Production]:
    with production(postgres_url, kafka) as running:
        yield running
