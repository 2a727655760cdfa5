"""The embedded mode: one process writes to two SQLite files."""
