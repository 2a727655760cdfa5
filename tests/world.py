"""All aggregates of a seller in memory.  Each command runs with its follow-ups, breadth first."""

import heapq
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from domain.cascade import cascade
from domain.catalogue import DECIDERS
from domain.deadlines import Timer, due_step, timers
from domain.decider import MessageContext
from domain.message import Command, Event
from domain.order.state import Order
from domain.policies.documents import Policy
from domain.returns.state import Return
from domain.seller import AdoptPolicy, OpenSeller, Seller
from domain.stock.state import StockItem
from domain.streams import StreamId, order_stream, return_stream, seller_stream, stock_stream
from tests.given import NOON

SELLER = "acme"


class World:
    """Handles commands as the engine does, but without parsing, inbox and ledger."""

    def __init__(self, *policies: Policy) -> None:
        self.states: dict[StreamId, Any] = {}
        self.events: list[tuple[StreamId, Event]] = []
        self._timers: list[tuple[datetime, str, Timer]] = []
        self.handle(OpenSeller())
        for policy in policies:
            self.handle(AdoptPolicy(policy=policy))

    def handle(self, command: Command, at: datetime = NOON, by: str = "operator:kim") -> list[Event]:
        """Returns the events of `command` and its follow-ups.  A refused command changes nothing."""
        return self._carry_out(command.stream(SELLER), command, self.context(at, by))

    def pass_time(self, until: datetime) -> list[Event]:
        """Runs the timers that are due up to `until`, and returns their events."""
        events: list[Event] = []
        while self._timers and self._timers[0][0] <= until:
            due, _, timer = heapq.heappop(self._timers)
            events += self._carry_out(timer.stream, due_step(timer), self.context(due, "time"))
        return events

    def context(self, at: datetime, by: str = "operator:kim") -> MessageContext:
        return MessageContext(at, by, self.seller.zone, self.seller.policies)

    def _carry_out(self, stream: StreamId, command: Any, context: MessageContext) -> list[Event]:
        events, states = cascade(self.states.get, stream, command, context)
        self.states.update(states)
        self.events += [(to, event) for to, event, _ in events]
        for to, event, _ in events:
            for timer in timers(to, event):
                heapq.heappush(self._timers, (timer.due, timer.key, timer))
        return [event for _, event, _ in events]

    @property
    def seller(self) -> Seller:
        state: Seller = self.states.get(seller_stream(SELLER), Seller())
        return state

    def order(self, order_id: str, channel: str = "naver") -> Order:
        state: Order = self.states[order_stream(SELLER, channel, "main", order_id)]
        return state

    def stock(self, sku: str = "CHAIR") -> StockItem:
        state: StockItem = self.states.get(stock_stream(SELLER, sku), StockItem())
        return state

    def back(self, return_id: str = "r1") -> Return:
        state: Return = self.states[return_stream(SELLER, return_id)]
        return state


def replay(events: Iterable[tuple[StreamId, Event]]) -> dict[StreamId, Any]:
    """Folds the states of all streams from the events alone."""
    states: dict[StreamId, Any] = {}
    for stream, event in events:
        decider = DECIDERS[stream.kind]
        states[stream] = decider.evolve(states.get(stream, decider.start), event)
    return states
