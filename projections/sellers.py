"""Folds the events of sellers into `sellers`: time zone, currency and policies, which questions need."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import TypeAdapter

from domain.policies.documents import Policy, ScoreMarks, StockPolicy
from domain.seller import PolicyAdopted, SellerOpened
from domain.streams import StreamId, seller_stream
from projections.fold import Fold, Group, Rows, when
from projections.orders.rows import Seller
from projections.tables import INSTANT, Column, Table


@dataclass(slots=True)
class SellerRow:
    """One row per seller."""

    seller_id: Seller
    zone: Annotated[str, Column("The seller's time zone", "IANA name")] = "Asia/Seoul"
    currency: Annotated[str, Column("The seller's currency", "ISO 4217")] = "KRW"
    mode: Annotated[str, Column("live, or history (an import)")] = "live"
    stock_policy: Annotated[str, Column("The adopted stock policy", "JSON; empty: the default")] = ""
    score_marks: Annotated[str, Column("The adopted score marks", "JSON list of documents")] = "[]"
    position: Annotated[int, Column("Ledger position of the last event that changed it")] = 0
    recorded_at: Annotated[int, Column("When that event was recorded", INSTANT)] = 0


SELLERS: Final = Table("sellers", SellerRow, ("seller_id",), 1)
_MARKS: Final = TypeAdapter(list[ScoreMarks])


class Sellers(Fold[SellerRow]):
    """One view per seller.  The view has one row."""

    kinds = frozenset({"seller"})
    tables = (SELLERS,)

    def stream(self, seller_id: str) -> str:
        """The id of the seller's own stream, whose events are folded into the view."""
        return seller_stream(seller_id)

    def group(self, stream: str) -> Group:
        return (StreamId(stream).seller,)

    def currency(self, view: SellerRow) -> str:
        return view.currency

    def opened(self, group: Group, rows: Rows) -> SellerRow:
        (seller,) = group
        stored = rows.get("sellers")
        return stored[0] if stored else SellerRow(seller)

    def rows(self, view: SellerRow) -> Iterable[tuple[Table[Any], Any]]:
        yield SELLERS, view

    @when
    def begun(self, view: SellerRow, event: SellerOpened, at: int) -> None:
        del at
        view.zone, view.currency, view.mode = event.zone, event.currency, event.mode
        for policy in event.policies:
            _adopt(view, policy)

    @when
    def adopted(self, view: SellerRow, event: PolicyAdopted, at: int) -> None:
        del at
        _adopt(view, event.policy)


READ_MODEL: Final = Sellers()


def score_marks(row: SellerRow) -> list[ScoreMarks]:
    """The score marks that a row stores, one document per channel, sorted."""
    return _MARKS.validate_json(row.score_marks)


def _adopt(view: SellerRow, policy: Policy) -> None:
    if isinstance(policy, StockPolicy):
        view.stock_policy = policy.model_dump_json()
    elif isinstance(policy, ScoreMarks):
        marks = {other.channel: other for other in (*score_marks(view), policy)}
        view.score_marks = _MARKS.dump_json([marks[name] for name in sorted(marks)]).decode()
