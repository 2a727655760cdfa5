"""The partition of a seller never changes, and equals that of Kafka's Java client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kafka.partitions import partition_of

JAVA = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}
"""murmur2 hashes from Kafka's own test of its Java client (UtilsTest.testMurmur2)."""

GOLDEN = {"acme": 36, "kim&lee": 16, "주문-가게": 30, "seller-1": 44, "unassigned:naver": 26}
"""Seller -> its partition, of 48."""


@pytest.mark.parametrize(("seller_id", "hashed"), JAVA.items())
def test_the_hash_of_a_seller_equals_that_of_the_java_client(seller_id: str, hashed: int) -> None:
    assert partition_of(seller_id, 2**31) == hashed & 0x7FFF_FFFF


@pytest.mark.parametrize(("seller_id", "partition"), GOLDEN.items())
def test_a_seller_keeps_its_partition_for_ever(seller_id: str, partition: int) -> None:
    assert partition_of(seller_id, 48) == partition


@given(st.text(max_size=60), st.integers(1, 1_000))
def test_the_partition_of_a_seller_exists(seller_id: str, partitions: int) -> None:
    assert 0 <= partition_of(seller_id, partitions) < partitions
