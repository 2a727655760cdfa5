"""Which partition is a seller's: the formula is contract, because clients of Kafka differ in theirs."""

from typing import Final

_SEED: Final = 0x9747B28C
_MIX: Final = 0x5BD1E995
_32_BITS: Final = 0xFFFF_FFFF


def partition_of(seller_id: str, partitions: int) -> int:
    """As the default partitioner of Kafka's Java client has it: positive(murmur2(key)) mod partitions."""
    return (_murmur2(seller_id.encode()) & 0x7FFF_FFFF) % partitions


def _murmur2(data: bytes) -> int:
    mixed = _SEED ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * _MIX & _32_BITS
        word = (word ^ word >> 24) * _MIX & _32_BITS
        mixed = mixed * _MIX & _32_BITS ^ word
    if rest := data[whole:]:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * _MIX & _32_BITS
    mixed = (mixed ^ mixed >> 13) * _MIX & _32_BITS
    return mixed ^ mixed >> 15
