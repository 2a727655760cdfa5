"""Lists all read models.  To add one, write a module and add its name to the list."""

from typing import Any, Final

from projections import activity, kpis, penalty_risk, returns, sellers, stock
from projections.derived_rows import DerivedRows
from projections.event_cells import EventCells
from projections.fold import Fold
from projections.orders import fold as orders
from projections.shared_cells import SharedCells
from projections.tables import Table

ReadModel = Fold[Any] | DerivedRows | SharedCells[Any] | EventCells[Any]
READ_MODELS: Final[tuple[ReadModel, ...]] = tuple(
    module.READ_MODEL for module in (sellers, stock, orders, returns, penalty_risk, kpis, activity)
)
TABLES: Final[tuple[Table[Any], ...]] = tuple(table for model in READ_MODELS for table in model.tables)
