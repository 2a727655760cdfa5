"""The protocol of a readable ledger, for the functions in `reading/`."""

from contextlib import AbstractContextManager
from typing import Any, Protocol


class LedgerReader(Protocol):
    """Runs queries in SQL that SQLite and PostgreSQL both understand; parameters are written `:name`."""

    def rows(self, statement: str, /, **params: Any) -> list[Any]: ...


class OpenLedger(LedgerReader, Protocol):
    """A ledger opened for reading."""

    ledger_id: str

    def reading(self) -> AbstractContextManager[LedgerReader]:
        """A consistent view: a read transaction that does not see later commits."""
        ...
