"""The ledger on PostgreSQL: many workers, one order of commits."""
