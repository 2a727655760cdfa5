"""Computes the partition of a seller.

The formula is part of the public contract: the default partitioners of Kafka clients differ from each other.
"""

from infra.kafka.kafka_python.library import murmur2


def partition_of(seller_id: str, partitions: int) -> int:
    """The formula of the Java client's default partitioner: positive(murmur2(key)) mod partitions."""
    return (murmur2(seller_id.encode()) & 0x7FFF_FFFF) % partitions
