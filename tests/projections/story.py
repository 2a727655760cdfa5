"""Builds recorded events for the read models: the real domain decides the commands of a story."""

import heapq
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from domain.cascade import cascade
from domain.deadlines import due_step, timers
from domain.decider import MessageContext
from domain.message import Command, Event
from domain.policies.defaults import DEFAULTS
from domain.seller import OpenSeller, Seller
from domain.streams import StreamId, seller_stream
from projections.fold import Recorded

Subject = TypeVar("Subject", bound=Command)
NOON = datetime(2026, 3, 4, 3, tzinfo=UTC)
"""Wednesday 2026-03-04, 12:00 in Seoul."""


def at(days: float = 0, hours: float = 0) -> datetime:
    return NOON + timedelta(days=days, hours=hours)


@dataclass
class Story:
    """Decides the commands of a seller with their follow-ups, as the engine does, and records the events."""

    seller: str = "acme"
    zone: str = "Asia/Seoul"
    currency: str = "KRW"
    events: list[Recorded] = field(default_factory=list[Recorded])
    states: dict[StreamId, Any] = field(default_factory=dict[StreamId, Any])
    versions: dict[str, int] = field(default_factory=dict[str, int])
    timers: list[tuple[datetime, str, Any]] = field(default_factory=list[tuple[datetime, str, Any]])

    def __post_init__(self) -> None:
        self.handle(OpenSeller(zone=self.zone, currency=self.currency), at(-100))

    def handle(
        self,
        command: Any,
        when: datetime,
        *,
        reported_at: datetime | None = None,
        inferred: bool = False,
        part: int = 1,
        of: int = 1,
        stream: StreamId | None = None,
    ) -> "Story":
        context = self._context(when, reported_at)
        first = stream or command.stream(self.seller)
        events, states = cascade(self.states.get, first, command, context)
        self.states.update(states)
        for to, event, _ in events:
            self._record(to, event, inferred, part, of)
        return self

    def pass_time(self, until: datetime) -> "Story":
        while self.timers and self.timers[0][0] <= until:
            due, _, timer = heapq.heappop(self.timers)
            self.handle(due_step(timer), due, stream=timer.stream)
        return self

    def _context(self, when: datetime, reported_at: datetime | None) -> MessageContext:
        seller: Seller = self.states.get(seller_stream(self.seller), Seller())
        policies = seller.policies if seller.opened else DEFAULTS
        return MessageContext(when, "test", self.zone, policies, reported_at)

    def _record(self, stream: StreamId, event: Event, inferred: bool, part: int, of: int) -> None:
        position = len(self.events) + 1
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        recorded_at = NOON + timedelta(seconds=position)
        self.events.append(
            Recorded(position, recorded_at, self.seller, stream, version, event, inferred, part, of)
        )
        for timer in timers(stream, event):
            heapq.heappush(self.timers, (timer.due, timer.key, timer))


def together(stories: Iterable[Story]) -> list[Recorded]:
    """The events of several sellers in one ledger, one seller after another."""
    events: list[Recorded] = []
    for story in stories:
        for recorded in story.events:
            position = len(events) + 1
            events.append(
                Recorded(
                    position,
                    recorded.recorded_at,
                    recorded.seller_id,
                    recorded.stream,
                    recorded.version,
                    recorded.event,
                    recorded.inferred,
                    recorded.part,
                    recorded.of,
                )
            )
    return events


def parsed(kind: type[Subject], /, **fields: Any) -> Subject:
    """The command, parsed from the JSON of its message."""
    return kind.model_validate_json(json.dumps(fields, default=datetime.isoformat))
