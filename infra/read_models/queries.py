"""The questions that users ask of the read models: one function each, on one connection.

Each answer says as of which event and instant it holds; `as_rows` makes plain rows of it for JSON and CSV.
"""

from infra.read_models.asking import AsOf, as_of_now, as_rows
from infra.read_models.history_queries import ActivityAnswer, ReturnsAnswer, activity, returns
from infra.read_models.kpi_queries import KpiAnswer, kpi, score
from infra.read_models.line_queries import LinesSummary
from infra.read_models.order_queries import OrderAnswer, OrdersSummary, find_orders, order, orders
from infra.read_models.penalty_queries import PenaltyAnswer, PenaltyCase, penalty
from infra.read_models.stock_queries import NetUnits, StockAnswer, distinct_skus, net_units, stock

__all__ = [
    "ActivityAnswer",
    "AsOf",
    "KpiAnswer",
    "LinesSummary",
    "NetUnits",
    "OrderAnswer",
    "OrdersSummary",
    "PenaltyAnswer",
    "PenaltyCase",
    "ReturnsAnswer",
    "StockAnswer",
    "activity",
    "as_of_now",
    "as_rows",
    "distinct_skus",
    "find_orders",
    "kpi",
    "net_units",
    "order",
    "orders",
    "penalty",
    "returns",
    "score",
    "stock",
]
