"""HTTP: messages in, what became of them, and the questions of the command line."""
