"""Decides one message with its whole cascade of commands, on an overlay over the cached states.

The overlay is merged only when the message succeeds.  A message refused at its last step leaves no trace.
"""

from datetime import datetime
from typing import Any

from consumers.ports import Carried, Decided, Loaded, event_id
from consumers.state_cache import StateCache
from domain.cascade import Deciders, cascade
from domain.decider import MessageContext
from domain.streams import StreamId


class Decision:
    """The events of one message, each with its stream version, its seller sequence and its cause."""

    def __init__(
        self, cache: StateCache, seller_id: str, context: MessageContext, carried: Carried, deciders: Deciders
    ) -> None:
        self._cache = cache
        self._context = context
        self._carried = carried
        self._deciders = deciders
        self.seller_id = seller_id
        self.sequence = cache.sequence(seller_id)
        self.states: dict[StreamId, Loaded] = {}
        self.events: list[Decided] = []

    @property
    def at(self) -> datetime:
        """When what the message says is taken to have happened."""
        return self._context.at

    def decide(self, stream: StreamId, command: Any) -> None:
        """Carries out `command` and the commands that follow from it.

        Raises: Refused, when a rule forbids the command; TooEarly, when its subject is not yet known.
        """
        loaded: dict[StreamId, Loaded] = {}

        def state_of(to: StreamId) -> Any:
            before = loaded[to] = self.states.get(to) or self._cache.get(to)
            return before.state

        events, states = cascade(state_of, stream, command, self._context, self._deciders)
        versions = {to: loaded[to].version for to in states}
        seller_id, carried, inferred = self.seller_id, self._carried, self._context.inferred
        first = self.sequence + 1
        for sequence, (to, event, cause) in enumerate(events, first):
            version = versions[to] = versions[to] + 1
            follows = None if cause is None else event_id(seller_id, first + cause)
            decided = Decided(seller_id, sequence, to, version, event, carried, follows, inferred)
            self.events.append(decided)
        self.sequence += len(events)
        for to, state in states.items():
            self.states[to] = Loaded(versions[to], state, loaded[to].snapshot)
