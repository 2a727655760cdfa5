"""The timeline of an order: the events of it and its returns, and what the same messages did elsewhere."""

import json
from typing import Any

from domain.streams import StreamId, order_stream
from infra.event_store.reader import LedgerReader
from infra.event_store.reading import events
from infra.event_store.reading.events import StoredEvent


def story(ledger: LedgerReader, head: Any, limit: int = 1 << 31) -> list[dict[str, Any]]:
    """The first `limit` events of an order's timeline, by position; `head`: its row in `order_status`."""
    stream = order_stream(head.seller_id, head.channel, head.account, head.order_id)
    return [_row(event) for event in events.story(ledger, stream, limit)]


def _row(event: StoredEvent) -> dict[str, Any]:
    cloud_event: dict[str, Any] = json.loads(event.state)
    stream = StreamId(cloud_event["subject"])
    return {
        "at": cloud_event["time"],
        "id": cloud_event["id"],
        "stream": "order" if stream.kind == "order" else f"{stream.kind} {stream.key}",
        "event": event.topic.removeprefix("jumun.").removesuffix(".v1").partition(".")[2],
        "cause": cloud_event.get("causationid") or cloud_event["correlationid"],
        "data": cloud_event["data"],
    }
