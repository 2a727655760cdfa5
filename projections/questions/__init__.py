"""Questions: pure functions that query the read models, in a database or in memory."""
