"""The vault: personal texts, apart from the ledger, each under the token that stands for it everywhere else.

Texts come in with the commit of their message (`consumers.personal_data` takes them out of it).  Erasing one
is deleting its row: the ledger and its chain of hashes hold only the token and stay whole, and the same
message sent again is a duplicate, which brings nothing back.
"""

from infra.event_store.reader import LedgerReader


def text_of(reader: LedgerReader, token: str) -> str | None:
    """None where it was erased, or never came in."""
    rows = reader.rows("SELECT text FROM vault WHERE token = :token", token=token)
    return rows[0][0] if rows else None


def erase(writer: LedgerReader, token: str) -> bool:
    """Erases the text for good; whether there was one.  `writer`: in a transaction that is kept."""
    return bool(writer.rows("DELETE FROM vault WHERE token = :token RETURNING token", token=token))
