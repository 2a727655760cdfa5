"""Encodes and decodes events, outcomes and messages: as bytes, as rows and as Kafka records."""
