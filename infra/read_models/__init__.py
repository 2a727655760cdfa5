"""The read models in a database: rows and place in one transaction, and the questions users ask."""
