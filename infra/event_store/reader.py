"""A ledger that is read: what the functions in `reading/` need of it."""

from contextlib import AbstractContextManager
from typing import Any, Protocol


class LedgerReader(Protocol):
    """Answers queries that SQLite and PostgreSQL both understand; their parameters are written `:name`."""

    def rows(self, statement: str, /, **params: Any) -> list[Any]: ...


class OpenLedger(LedgerReader, Protocol):
    """A ledger that was opened to be read."""

    ledger_id: str

    def reading(self) -> AbstractContextManager[LedgerReader]:
        """One consistent view: nothing that is committed meanwhile shows."""
        ...
