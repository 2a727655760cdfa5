"""Apache Kafka: a port for what the workers need, and an adapter each for kafka-python and
confluent-kafka."""
