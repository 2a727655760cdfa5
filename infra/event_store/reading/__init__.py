"""Queries over the ledger's tables, except those that the engine needs to decide (`../sql_ledger.py`).

The functions return typed rows and work on SQLite and PostgreSQL alike.  No module outside `event_store`
names a table of the ledger in SQL.
"""

from typing import Final

NO_LIMIT: Final = (1 << 63) - 1
