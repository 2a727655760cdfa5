"""Every question.  A new one is a module of its own and its name in this list."""

from typing import Any, Final

from projections.questions import activity, kpi, order, orders, penalty, returns, score, stock
from projections.questions.question import Question

QUESTIONS: Final[tuple[Question[Any], ...]] = tuple(
    module.QUESTION for module in (stock, penalty, score, kpi, orders, order, returns, activity)
)
PUBLISHED: Final = tuple(question for question in QUESTIONS if question.published)
