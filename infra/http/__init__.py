"""The HTTP API: publish messages, read their outcomes, and ask the same questions as on the command line."""
