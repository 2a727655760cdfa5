"""How a message becomes a decision: the door, the inbox, the batch loop, parking, and the translators."""
