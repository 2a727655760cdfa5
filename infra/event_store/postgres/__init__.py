"""The ledger on PostgreSQL: many workers commit, and all commits have one order."""
