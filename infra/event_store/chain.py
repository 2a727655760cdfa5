"""The chain of commits: each commit's hash covers the one before it, so that tampering shows.

On PostgreSQL the function `commit_batch` in `postgres/commit.sql` works out the same hash.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import orjson

from infra.wire.stored_outcomes import OutcomeContent

GENESIS: Final = bytes(32)
"""What stands for the hash of the commit before a partition's first."""


class Commit(NamedTuple):
    """A row of `commits`, its columns in their order.  Instants are microseconds since 1970."""

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
    """`last_position + 1` where the commit holds no event."""
    last_position: int
    first_outcome: int
    last_outcome: int
    hash: bytes = b""
    """Of all the rest; empty until it is worked out."""

    @property
    def event_count(self) -> int:
        return self.last_position - self.first_position + 1

    @property
    def outcome_count(self) -> int:
        return self.last_outcome - self.first_outcome + 1


def commit_hash(previous: bytes, commit: Commit, content: bytes) -> bytes:
    """Of the hash of the partition's commit before, this commit's other columns, and the hash of its content.

    A database works it out as well: the row's values as text, a line each.
    """
    return hashlib.sha256(previous + content + "\n".join(map(str, commit[:-1])).encode()).digest()


def content_hash(kept: bytes, outcomes: Iterable[OutcomeContent], states: Sequence[bytes]) -> bytes:
    """Of a commit's messages, outcomes and events; where the ledger puts them is not part of it."""
    digest = hashlib.sha256(hashlib.sha256(kept).digest())
    digest.update(hashlib.sha256(orjson.dumps([tuple(outcome) for outcome in outcomes])).digest())
    digest.update(hashlib.sha256(b"".join(states)).digest())
    return digest.digest()


def kept_messages(bodies: Iterable[bytes]) -> bytes:
    """The messages of a commit, from their stored bodies."""
    try:
        return b"".join(zlib.decompress(body) for body in bodies)
    except zlib.error:
        return b"damaged"  # whose hash is not the commit's
