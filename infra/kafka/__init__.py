"""Apache Kafka: what the workers need of it, by kafka-python or confluent-kafka."""
