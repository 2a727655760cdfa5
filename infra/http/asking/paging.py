"""Which sellers an answer is about, and one page of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from infra.access.tokens import ALL, Token
from infra.http.asking.parameters import QuestionParameters, after_cursor, cursor_of
from infra.http.problems import Problem
from infra.http.services import other_seller
from projections.questions.rows import AtLeast, Condition, OneOf, RowReader
from projections.sellers import SELLERS

MOST_SELLERS: Final = 200
"""Sellers that one page looks at: where few have anything to show, it may be short or empty."""


def each_seller(rows: RowReader, token: Token, seller: str | None, cursor: str | None) -> Sequence[str]:
    """The seller asked for; else each one that is known and the token's, sorted, from the cursor's on.

    Raises: Problem.
    """
    if seller is not None:
        see_to(token, seller)
        if rows.get(SELLERS, (seller,)) is None:
            said = f"No seller is called {seller} (yet)."
            raise Problem(404, said, "Correct the name, or send his first message.")
        return [seller]
    _, first = after_cursor(cursor)
    where: list[Condition] = [AtLeast("seller_id", first)]
    if token.sellers != ALL:
        where.append(OneOf("seller_id", tuple(token.sellers)))
    return [row.seller_id for row in rows.select(SELLERS, where, limit=MOST_SELLERS + 1)]


def totals(rows: RowReader, token: Token, seller: str | None, cursor: str | None) -> Sequence[str | None]:
    """The seller asked for; else all together (None), if the token is for all, and each of its own if not.

    Raises: Problem.
    """
    if seller is None and token.sellers == ALL:
        return [None]
    return each_seller(rows, token, seller, cursor)


def see_to(token: Token, seller: str | None) -> None:
    """Raises: Problem, where a seller is asked for who is not the token's."""
    if seller is not None and not token.sees(seller):
        raise other_seller(seller)


def paged(
    names: Iterable[str | None],
    rows_of: Callable[[str | None], list[dict[str, Any]]],
    parameters: QuestionParameters,
) -> tuple[list[dict[str, Any]], str | None]:
    """One page, and the cursor of the next: which seller, and how many of his rows were told."""
    skip, first = after_cursor(parameters.cursor)
    found: list[dict[str, Any]] = []
    for visited, seller in enumerate(names):
        name = seller or ""
        if visited == MOST_SELLERS or len(found) == parameters.limit:
            return found, cursor_of(0, name)
        start = skip if name == first else 0
        rows = rows_of(seller)[start:]
        room = parameters.limit - len(found)
        found += rows[:room]
        if len(rows) > room:
            return found, cursor_of(start + room, name)
    return found, None
