"""The embedded way: one process that writes, on two SQLite files."""
