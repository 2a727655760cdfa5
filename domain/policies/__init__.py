"""Dated rules as data (`documents`, `defaults`, `rule_sets`) and the pure functions that read them."""
