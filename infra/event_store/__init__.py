"""The ledger: a batch as rows, and how SQLite and PostgreSQL keep them."""
