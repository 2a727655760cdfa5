"""The workers of production mode: engine, relay, projector, timekeeper.  Any can be killed at any time."""
