"""Read models as pure folds: what a row becomes by an event.  No SQL, no clock, no I/O."""
