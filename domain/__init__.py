"""The business rules of order fulfilment as pure functions: no clock, no I/O, no randomness."""
