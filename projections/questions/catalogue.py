"""Every question.  A new one is a module of its own and its name in this list."""

from typing import Any, Final

from projections.questions import activity, kpi, orders, penalty, returns, stock
from projections.questions.question import Question

QUESTIONS: Final[tuple[Question[Any], ...]] = tuple(
    module.QUESTION for module in (stock, penalty, kpi, orders, returns, activity)
)
