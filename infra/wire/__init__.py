"""The wire: how events, outcomes and messages are written to bytes, rows and topics, and read from them."""
