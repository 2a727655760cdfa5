"""Decides which sellers an answer covers, and cuts the answer into pages."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from infra.access.tokens import ALL, Token
from infra.http.asking.parameters import QuestionParameters, after_cursor, cursor_of
from infra.http.problems import Problem
from infra.http.services import other_seller
from projections.questions.rows import AtLeast, Condition, OneOf, RowReader
from projections.sellers import SELLERS

MOST_SELLERS: Final = 200
"""The most sellers that one page reads.  If few of them have rows, the page may be short or empty."""


def each_seller(rows: RowReader, token: Token, seller: str | None, cursor: str | None) -> Sequence[str]:
    """The seller in the request; without one, all sellers of the token, sorted, starting at the cursor.

    Raises: Problem.
    """
    if seller is not None:
        check_seller(token, seller)
        if rows.get(SELLERS, (seller,)) is None:
            detail = f"There is no seller {seller} (yet)."
            raise Problem(404, detail, "Correct the name, or send the first message of this seller.")
        return [seller]
    _, first = after_cursor(cursor)
    where: list[Condition] = [AtLeast("seller_id", first)]
    if token.sellers != ALL:
        where.append(OneOf("seller_id", tuple(token.sellers)))
    return [row.seller_id for row in rows.select(SELLERS, where, limit=MOST_SELLERS + 1)]


def totals(rows: RowReader, token: Token, seller: str | None, cursor: str | None) -> Sequence[str | None]:
    """The scopes for which a sum is made.

    If the request names a seller: that seller.  Else, if the access token is for all sellers: one sum of all
    (None).  Else: each seller of the access token.

    Raises: Problem.
    """
    if seller is None and token.sellers == ALL:
        return [None]
    return each_seller(rows, token, seller, cursor)


def check_seller(token: Token, seller: str | None) -> None:
    """Raises: Problem, where the request names a seller that the token is not for."""
    if seller is not None and not token.sees(seller):
        raise other_seller(seller)


def paged(
    names: Iterable[str | None],
    rows_of: Callable[[str | None], list[dict[str, Any]]],
    parameters: QuestionParameters,
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of one page, and the cursor of the next page: a seller, and how many of its rows to skip."""
    skip, first = after_cursor(parameters.cursor)
    page_rows: list[dict[str, Any]] = []
    for visited, seller in enumerate(names):
        name = seller or ""
        if visited == MOST_SELLERS or len(page_rows) == parameters.limit:
            return page_rows, cursor_of(0, name)
        start = skip if name == first else 0
        rows = rows_of(seller)[start:]
        room = parameters.limit - len(page_rows)
        page_rows += rows[:room]
        if len(rows) > room:
            return page_rows, cursor_of(start + room, name)
    return page_rows, None
