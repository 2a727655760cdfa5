"""The read models in a database: stores their rows together with checkpoints, and answers queries."""
