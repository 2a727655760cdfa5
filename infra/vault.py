"""Reads and erases the personal texts in the vault: a table beside the ledger, with a token as its key.

The commit of a message stores its texts (`consumers.personal_data` replaces them by tokens).  To erase a text
is to delete its row.  The ledger and its hash chain hold only the token, so they stay intact.  The same
message sent again is a duplicate and does not bring the text back.
"""

from infra.event_store.reader import LedgerReader


def text_of(reader: LedgerReader, token: str) -> str | None:
    """The text of a token; None if it was erased or never stored."""
    rows = reader.rows("SELECT text FROM vault WHERE token = :token", token=token)
    return rows[0][0] if rows else None


def erase(writer: LedgerReader, token: str) -> bool:
    """Erases the text; returns whether there was one.  The transaction of `writer` must commit."""
    return bool(writer.rows("DELETE FROM vault WHERE token = :token RETURNING token", token=token))
