"""Versioned policies as data (`documents`, `defaults`, `rule_sets`) and pure functions that apply them."""
