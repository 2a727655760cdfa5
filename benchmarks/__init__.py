"""What is measured, beside what: `python -m benchmarks`."""
