"""Lists all questions.  To add one, write a module and add its name to the list."""

from typing import Any, Final

from projections.questions import activity, kpi, order, orders, penalty, refunds, returns, score, stock
from projections.questions.question import Question

QUESTIONS: Final[tuple[Question[Any], ...]] = tuple(
    module.QUESTION for module in (stock, penalty, score, kpi, orders, order, returns, refunds, activity)
)
PUBLISHED: Final = tuple(question for question in QUESTIONS if question.published)
