"""The ledger read from its beginning: proofs, rebuilds, the story of one order."""
