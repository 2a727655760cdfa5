"""Reads the ledger's id."""

from infra.event_store.reader import LedgerReader


def ledger_id_of(reader: LedgerReader) -> str:
    ledger_id: str = reader.rows("SELECT ledger_id FROM ledger")[0][0]
    return ledger_id
