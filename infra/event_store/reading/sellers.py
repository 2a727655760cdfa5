"""Reads the ledger's sellers, and builds the SQL condition that limits a query to some of them."""

from collections.abc import Sequence

from infra.event_store.reader import LedgerReader


def seller_partitions(reader: LedgerReader) -> dict[str, int]:
    """The partition of each seller in the ledger."""
    return dict(reader.rows("SELECT seller_id, partition FROM sellers"))


def of_sellers(sellers: Sequence[str] | None) -> tuple[str, dict[str, str]]:
    """An SQL condition on `seller_id` and its parameters; `sellers`: None for all."""
    if sellers is None:
        return "1 = 1", {}
    params = {f"seller_{index}": seller for index, seller in enumerate(sellers)}
    return f"seller_id IN ({', '.join(f':{name}' for name in params)})", params
