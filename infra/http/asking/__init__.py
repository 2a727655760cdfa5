"""GET: the questions of the command line, and what became of messages."""
