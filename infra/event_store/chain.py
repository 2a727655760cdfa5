"""Computes the hash chain of commits: each hash covers the previous one, so tampering can be detected.

On PostgreSQL the function `commit_batch` in `postgres/commit.sql` computes the same hash.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import orjson

from infra.wire.stored_outcomes import OutcomeContent

GENESIS: Final = bytes(32)
"""The previous hash of a partition's first commit."""


class Commit(NamedTuple):
    """A row of `commits`, with its columns in order.  Times are microseconds since 1970."""

    number: int
    partition: int
    topic_id: str
    from_offset: int
    next_offset: int
    worker: str
    build: str
    batch_id: str
    recorded_at: int
    first_position: int
    """`last_position + 1` if the commit holds no event."""
    last_position: int
    first_outcome: int
    last_outcome: int
    hash: bytes = b""
    """The hash over all other columns; empty until it is computed."""

    @property
    def event_count(self) -> int:
        return self.last_position - self.first_position + 1

    @property
    def outcome_count(self) -> int:
        return self.last_outcome - self.first_outcome + 1


def commit_hash(previous: bytes, commit: Commit, content: bytes) -> bytes:
    """The hash over the partition's previous hash, this commit's other columns and its content hash.

    The columns are joined as text, one per line, so that SQL can compute the same hash.
    """
    return hashlib.sha256(previous + content + "\n".join(map(str, commit[:-1])).encode()).digest()


def content_hash(messages: bytes, outcomes: Iterable[OutcomeContent], states: Sequence[bytes]) -> bytes:
    """The hash over a commit's messages, outcomes and events, without their numbers and positions."""
    digest = hashlib.sha256(hashlib.sha256(messages).digest())
    digest.update(hashlib.sha256(orjson.dumps([tuple(outcome) for outcome in outcomes])).digest())
    digest.update(hashlib.sha256(b"".join(states)).digest())
    return digest.digest()


def message_bytes(bodies: Iterable[bytes]) -> bytes:
    """The messages of a commit, decompressed and joined."""
    try:
        return b"".join(zlib.decompress(body) for body in bodies)
    except zlib.error:
        return b"damaged"  # so the hash will differ from the commit's
