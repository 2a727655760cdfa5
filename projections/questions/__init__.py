"""Questions: pure functions over the rows of the read models, wherever these are kept."""
