"""Reads the ledger from its beginning: verification, rebuilds, and the timeline of an order."""
