"""Generates the messages of an invented marketplace, for trying Jumun.  The same seed gives the same
messages."""
