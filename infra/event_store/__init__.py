"""The ledger: stores each batch as rows, on SQLite, on PostgreSQL or in memory."""
