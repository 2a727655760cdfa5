"""POST /messages: taken in by an engine in this process, or through Kafka."""
