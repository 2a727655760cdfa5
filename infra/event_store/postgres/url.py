"""Checks database URLs before the driver sees them: its errors could quote a part of the password."""

import re
from dataclasses import dataclass, field
from typing import Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

_URL: Final = re.compile(r"postgres(ql)?://([^:@/?#\s]*(:[^:@/?#\s]*)?@)?[^@\s]+")


class NoUrl(Exception):
    """The text is not a PostgreSQL URL.  The error does not show it, because it may contain a password."""

    def __init__(self) -> None:
        super().__init__(
            "the database URL must have the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE;"
            " in a password write @ : / ? # and % as %40 %3A %2F %3F %23 and %25"
        )


def checked(url: str) -> str:
    """Returns the URL if it is valid.  Raises: NoUrl."""
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise NoUrl from None
    if _URL.fullmatch(url) is None:
        raise NoUrl
    return url


@dataclass(frozen=True, slots=True)
class Target:
    """The URLs and schemas of a ledger and its read models.  Its repr hides the URLs: they hold passwords.

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
        """The distinct URLs: the read models may be on another server, which has its own roles."""
        return list(dict.fromkeys((self.ledger_url, self.read_models_url)))
