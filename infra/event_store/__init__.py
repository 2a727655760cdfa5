"""The ledger: eventsourcing's recorder on SQLite, and the one transaction that a batch becomes."""
