"""Loads the streams that a batch will probably need, before its first message is decided."""

from collections.abc import Sequence

from consumers.envelope import Inbound
from consumers.state_cache import StateCache
from domain.order.place import AmendOrder, PlaceOrder
from domain.order.state import Order
from domain.streams import StreamId, seller_stream, stock_stream


def prefetch(messages: Sequence[Inbound], states: StateCache) -> None:
    """Runs two queries: for the streams that the messages name, and for the stock of those orders' lines."""
    sellers = {message.envelope.sellerid for message in messages}
    named = {message.command.stream(message.envelope.sellerid) for message in messages}
    lines = {
        stock_stream(message.envelope.sellerid, line.sku)
        for message in messages
        if isinstance(message.command, PlaceOrder | AmendOrder)
        for line in message.command.lines
    }
    states.prefetch_sequences(sellers)
    states.prefetch(named | lines | {seller_stream(seller) for seller in sellers})
    ordered: set[StreamId] = set()
    for stream in named:
        state = states.get(stream).state
        if isinstance(state, Order):
            ordered.update(stock_stream(stream.seller, line.sku) for line in state.lines.values())
    states.prefetch(ordered)
