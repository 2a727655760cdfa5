"""Derives the status of an order from the states of its pieces."""

from projections.orders.rows import OrderStatus


def derived_status(order: OrderStatus, kept: int) -> str:
    """The status of an order.  Every order has exactly one.  `kept`: delivered pieces that the buyer kept.

    closed: everything was handed over, and nothing is in transit or with the buyer (lost, returned).
    """
    left = order.in_transit + order.delivered + order.lost + order.returned_to_sender
    if order.lines and order.ordered == order.cancelled:
        return "cancelled"
    if left and not order.waiting + order.packed:
        if order.in_transit:
            return "shipped"
        return "delivered" if kept else "closed"
    if left:
        return "partially_shipped"
    if order.cancelled:
        return "partially_cancelled"
    if not order.lines and order.cancel_told_at is not None:
        return "cancelled"
    if order.acknowledged_at is not None:
        return "acknowledged"
    to_fulfil = order.paid_at is not None or order.released_at is not None
    return "new" if to_fulfil else "pending_payment"
