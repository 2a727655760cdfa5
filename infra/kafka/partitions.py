"""Which partition is a seller's: the formula is contract, because clients of Kafka differ in theirs."""

from infra.kafka.kafka_python.library import murmur2


def partition_of(seller_id: str, partitions: int) -> int:
    """As the default partitioner of Kafka's Java client has it: positive(murmur2(key)) mod partitions."""
    return (murmur2(seller_id.encode()) & 0x7FFF_FFFF) % partitions
