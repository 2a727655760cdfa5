"""Question `stock`: the stock of each SKU per location, and what each channel may sell."""

from dataclasses import dataclass
from typing import Annotated, Final

from domain.policies.defaults import STOCK_STD
from domain.policies.documents import StockPolicy
from domain.stock.sellable import sellable
from domain.values import Text
from projections.orders.rows import BACKORDERS, ORDER_STATUS
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.question import Account, Channel, Option, Parameters, Question
from projections.questions.rows import RowReader, equal, total
from projections.sellers import SELLERS
from projections.stock import STOCK_ITEMS, STOCK_LEVELS, StockItemRow, StockLevel


@dataclass(frozen=True, slots=True)
class StockAnswer(AsOf):
    """The stock of one SKU.  Unit: pieces.  `available` = on hand - reserved; `sellable`: by channel
    and by each account with a share of its own, as `naver:second`.
    """

    seller_id: str
    sku: str
    on_hand: int
    reserved: int
    quarantine: int
    available: int
    waiting: int
    """Backordered pieces of order lines."""
    closed: bool
    level: str
    safety_stock: int
    sellable: dict[str, int]
    locations: list[StockLevel]
    totals: StockItemRow

    @property
    def conserved(self) -> bool:
        """Invariant I8: the pieces that came in equal those in stock plus those that went out."""
        item = self.totals
        incoming = item.received + item.counted + item.adjusted + item.corrected + item.returned_in
        return incoming == self.on_hand + self.quarantine + item.shipped + item.scrapped


def stock(
    rows: RowReader,
    seller: str,
    sku: str | None = None,
    shops: tuple[str, ...] = (),
    account: str | None = None,
) -> list[StockAnswer]:
    """Each SKU of the seller, sorted.

    `shops`: the channels and accounts (`naver:second`) to compute `sellable` for; default: all channels in
    use, and all accounts with a share of their own.  `account`: only for this account, on their channels.
    """
    when = as_of_now(rows, seller)
    policy = _policy(rows, seller)
    shown = shops or _shops(rows, seller, policy)
    if account is not None:
        shown = tuple(sorted({f"{shop.partition(':')[0]}:{account}" for shop in shown}))
    waiting = _waiting(rows, seller, sku)
    where = equal(seller_id=seller, sku=sku)
    by_sku: dict[str, list[StockLevel]] = {}
    for level in rows.select(STOCK_LEVELS, where):
        by_sku.setdefault(level.sku, []).append(level)
    return [
        _answer(when, item, by_sku.get(item.sku, []), waiting.get(item.sku, 0), policy, shown)
        for item in rows.select(STOCK_ITEMS, where)
    ]


def _answer(  # noqa: PLR0913, PLR0917  the parts of the answer
    when: AsOf,
    item: StockItemRow,
    levels: list[StockLevel],
    waiting: int,
    policy: StockPolicy,
    shops: tuple[str, ...],
) -> StockAnswer:
    on_hand = sum(level.on_hand for level in levels)
    reserved = sum(level.reserved for level in levels)
    free = on_hand - reserved
    return StockAnswer(
        when.as_of_position,
        when.as_of,
        item.seller_id,
        item.sku,
        on_hand,
        reserved,
        sum(level.quarantine for level in levels),
        free,
        waiting,
        item.closed,
        item.level,
        policy.safety_stock,
        {shop: _sellable(free, policy, shop, closed=item.closed) for shop in shops},
        levels,
        item,
    )


def _sellable(free: int, policy: StockPolicy, shop: str, *, closed: bool) -> int:
    channel, _, account = shop.partition(":")
    return sellable(free, policy, channel, account, closed=closed)


def _policy(rows: RowReader, seller: str) -> StockPolicy:
    row = rows.get(SELLERS, (seller,))
    return StockPolicy.model_validate_json(row.stock_policy) if row and row.stock_policy else STOCK_STD


def _shops(rows: RowReader, seller: str, policy: StockPolicy) -> tuple[str, ...]:
    sold_on = rows.aggregate(ORDER_STATUS, (), equal(seller_id=seller), by=("channel",))
    return tuple(sorted({*(channel for (channel,) in sold_on), *policy.channel_shares}))


def _waiting(rows: RowReader, seller: str, sku: str | None) -> dict[str, int]:
    where = equal(seller_id=seller, sku=sku)
    return dict(rows.aggregate(BACKORDERS, [total("waiting")], where, by=("sku",)))


class StockParameters(Parameters):
    channel: Channel = None
    account: Account = None
    sku: Annotated[Text | None, Option("Only this SKU.")] = None


QUESTION: Final = Question(
    name="stock",
    help="Stock of each SKU: on hand, reserved, and what each channel may sell.",
    example="jumun stock --seller seoul-home --channel naver",
    parameters=StockParameters,
    answer=StockAnswer,
    scope="each seller",
    ask=lambda rows, seller, parameters: stock(
        rows,
        seller or "",
        parameters.sku,
        (parameters.channel,) if parameters.channel else (),
        parameters.account,
    ),
)
