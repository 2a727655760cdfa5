"""POST /messages: an engine in this process decides the messages, or they are published to Kafka."""
