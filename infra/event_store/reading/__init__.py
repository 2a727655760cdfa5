"""All SQL that reads the ledger's tables, but for what the engine reads to decide (`../sql_ledger.py`).

Named functions with typed rows, the same for SQLite and PostgreSQL.  No module outside `event_store` names a
table of the ledger in SQL.
"""

from typing import Final

NO_LIMIT: Final = (1 << 63) - 1
