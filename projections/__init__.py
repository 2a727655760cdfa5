"""Read models as pure folds: they compute rows from events.  No SQL, no clock, no I/O."""
