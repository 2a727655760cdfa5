"""The hash chain of commits.  These hashes must never change."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest

from infra.event_store.chain import GENESIS, Commit, commit_hash, content_hash, message_bytes
from infra.wire.stored_outcomes import OutcomeContent

ACCEPTED = OutcomeContent(
    "accepted", None, "acme", "shop", "m1", "in", None, None, 0, 7, "ab", "acme:1", "acme:2", 0, 1
)
DATA = '{"open": 1, "sku": "의자"}'
REFUSED = OutcomeContent(
    "refused", "parked", "acme", "shop", "m2", "in", "more_than_open", DATA, 1,
    None, None, None, None, None, None,
)  # fmt: skip
JSON = (
    b'[["accepted",null,"acme","shop","m1","in",null,null,0,7,"ab","acme:1","acme:2",0,1],'
    b'["refused","parked","acme","shop","m2","in","more_than_open","{\\"open\\": 1, \\"sku\\": \\"'
    + "의자".encode()
    + b'\\"}",1,null,null,null,null,null,null]]'
)
KEPT = b'{"a":1}\n{"b":2}'
STATES = [b'{"x":1}', b'{"y":2}']
COMMIT = Commit(5, 3, "topic", 10, 12, "worker", "build", "batch", 1_700_000_000_000_000, 41, 42, 8, 9)
LINES = b"5\n3\ntopic\n10\n12\nworker\nbuild\nbatch\n1700000000000000\n41\n42\n8\n9"


def test_the_content_is_hashed_from_messages_outcomes_as_json_and_events() -> None:
    parts = [KEPT, JSON, b"".join(STATES)]
    by_hand = sha256(b"".join(sha256(part).digest() for part in parts)).digest()
    assert content_hash(KEPT, [ACCEPTED, REFUSED], STATES) == by_hand
    assert by_hand.hex() == "b260552308ad9acf62cae0eb484dcd6f41425ea178efff0ce3d4d44c2c009b48"


def test_a_commit_is_hashed_from_the_one_before_it_its_content_and_its_row() -> None:
    content = content_hash(KEPT, [ACCEPTED, REFUSED], STATES)
    first = commit_hash(GENESIS, COMMIT, content)
    assert first == sha256(bytes(32) + content + LINES).digest()
    assert first.hex() == "469d8267e89aa36bf8df5b13faaddcc7635c6903fd37e6d9f351cf1b6c3b9da4"


@pytest.mark.parametrize(
    ("kept", "outcomes", "states"),
    [
        (b'{"a":2}', [ACCEPTED], STATES),
        (KEPT, [ACCEPTED._replace(rule="other")], STATES),
        (KEPT, [], STATES),
        (KEPT, [ACCEPTED], STATES[:1]),
    ],
)
def test_every_change_of_the_content_changes_its_hash(
    kept: bytes, outcomes: Sequence[OutcomeContent], states: Sequence[bytes]
) -> None:
    assert content_hash(kept, outcomes, states) != content_hash(KEPT, [ACCEPTED], STATES)


@pytest.mark.parametrize("field", Commit._fields[:-1])
def test_every_column_of_a_commit_is_covered(field: str) -> None:
    changed: dict[str, Any] = {field: 99}
    other = COMMIT._replace(**changed)
    assert commit_hash(GENESIS, other, b"") != commit_hash(GENESIS, COMMIT, b"")


def test_messages_that_cannot_be_unpacked_have_another_hash() -> None:
    assert content_hash(message_bytes([b"no zlib"]), [], []) != content_hash(message_bytes([]), [], [])
