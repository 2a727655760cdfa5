"""Benchmarks: what is measured, and what it is compared with.  Run them with `python -m benchmarks`."""
