"""A seller's whole small world in memory: each message with all that follows from it, breadth first."""

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
    """What the engine does with a message, without door, inbox and ledger."""

    def __init__(self, *policies: Policy) -> None:
        self.states: dict[StreamId, Any] = {}
        self.events: list[tuple[StreamId, Event]] = []
        self._timers: list[tuple[datetime, str, Timer]] = []
        self.handle(OpenSeller())
        for policy in policies:
            self.handle(AdoptPolicy(policy=policy))

    def handle(self, command: Command, at: datetime = NOON, by: str = "operator:kim") -> list[Event]:
        """The events that `command` causes, with all that follows.  A refusal leaves no trace."""
        return self._carry_out(command.stream(SELLER), command, self.context(at, by))

    def pass_time(self, until: datetime) -> list[Event]:
        """What falls due up to `until`."""
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
        known: Seller = self.states.get(seller_stream(SELLER), Seller())
        return known

    def order(self, order_id: str, channel: str = "naver") -> Order:
        known: Order = self.states[order_stream(SELLER, channel, "main", order_id)]
        return known

    def stock(self, sku: str = "CHAIR") -> StockItem:
        known: StockItem = self.states.get(stock_stream(SELLER, sku), StockItem())
        return known

    def back(self, return_id: str = "r1") -> Return:
        known: Return = self.states[return_stream(SELLER, return_id)]
        return known


def replay(events: Iterable[tuple[StreamId, Event]]) -> dict[StreamId, Any]:
    """The states of all streams, from nothing but what happened."""
    states: dict[StreamId, Any] = {}
    for stream, event in events:
        decider = DECIDERS[stream.kind]
        states[stream] = decider.evolve(states.get(stream, decider.start), event)
    return states
