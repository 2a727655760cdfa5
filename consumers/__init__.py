"""Turns messages into decisions: validation, deduplication, the batch loop, parking, and the converters."""
