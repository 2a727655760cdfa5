"""The processes of the production way: engine, relay, projector, timekeeper.  Any may be killed any time."""
