"""One order's story: its own events, and those of other streams that follow from the same messages."""

import json
from typing import Any, Final, Protocol

from infra.event_store.codec import attributes


class Rows(Protocol):
    """A ledger that can be asked."""

    def rows(self, statement: str, /, **params: Any) -> list[Any]: ...


def story(ledger: Rows, head: Any, most: int = 1 << 31) -> list[dict[str, Any]]:
    """The first `most` of its events in the order of their positions; `head`: its row in `order_status`."""
    key = f"{head.channel}:{head.account}:{head.order_id}"
    rows = ledger.rows(_STORY, stream=f"order/{head.seller_id}/{key}", most=most)
    return [_told(topic, state) for _, topic, state in rows]


# A commit without events ends where the one before it ended: the first to reach a position holds it.
_STORY: Final = """
WITH own AS (
    SELECT position FROM stored_events WHERE originator_id = :stream),
held AS (
    SELECT position, (SELECT c.number FROM commits c WHERE c.last_position >= own.position
                      ORDER BY c.last_position, c.number LIMIT 1) AS number FROM own),
spans AS (
    SELECT DISTINCT o.first_position AS lo, o.last_position AS hi
    FROM held JOIN commits c ON c.number = held.number
    JOIN outcomes o ON o.number BETWEEN c.first_outcome AND c.last_outcome
    AND held.position BETWEEN o.first_position AND o.last_position)
SELECT DISTINCT e.position, e.topic, e.state FROM stored_events e, spans s
WHERE e.position BETWEEN s.lo AND s.hi AND (e.originator_id = :stream OR e.originator_id NOT LIKE 'seller/%')
UNION SELECT e.position, e.topic, e.state FROM stored_events e WHERE e.originator_id = :stream
ORDER BY 1 LIMIT :most
"""


def _told(topic: str, state: bytes) -> dict[str, Any]:
    said = attributes(state)
    data: dict[str, Any] = json.loads(state)["data"]
    kind, _, key = said["subject"].partition("/")
    return {
        "at": said["time"],
        "id": said["id"],
        "stream": kind if kind == "order" else f"{kind} {key.partition('/')[2]}",
        "event": topic.removeprefix("jumun.").removesuffix(".v1").partition(".")[2],
        "cause": said.get("causationid") or said["correlationid"],
        "data": data,
    }
