"""URLs of databases, checked before the driver sees them: its errors quote what it took for the host."""

import re
from dataclasses import dataclass, field
from typing import Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

_URL: Final = re.compile(r"postgres(ql)?://([^:@/?#\s]*(:[^:@/?#\s]*)?@)?[^@\s]+")


class NoUrl(Exception):
    """This is no URL of PostgreSQL.  It is not shown, because it may hold a password."""

    def __init__(self) -> None:
        super().__init__(
            "what names the database is no URL postgresql://USER:PASSWORD@HOST:PORT/DATABASE;"
            " in a password @ : / ? # and % are written %40 %3A %2F %3F %23 and %25"
        )


def checked(url: str) -> str:
    """The URL.  Raises: NoUrl."""
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise NoUrl from None
    if _URL.fullmatch(url) is None:
        raise NoUrl
    return url


@dataclass(frozen=True, slots=True)
class Target:
    """Where a ledger and its read models lie.  Its text shows no URL: it holds a password.

    Raises: NoUrl.
    """

    ledger_url: str = field(repr=False)
    ledger_schema: str
    read_models_url: str = field(repr=False)
    read_models_schema: str

    def __post_init__(self) -> None:
        for url in self.servers:
            checked(url)

    @property
    def servers(self) -> list[str]:
        """The read models may lie on a server of their own, which has roles of its own."""
        return list(dict.fromkeys((self.ledger_url, self.read_models_url)))
