"""Compares a seller's rates with the marks of a marketplace's seller score."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from domain.policies.documents import Mark

ScoreState = Literal["pass", "caution", "warning", "fail", "no mark", "not enough data"]


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One metric of a seller score.  Unit of `rate`: a share, rounded to 6 places for display."""

    metric: str
    rate: Decimal | None
    mark: Decimal | None
    state: ScoreState


def score_rate(metric: str, numerator: int, denominator: int, mark: Mark | None) -> ScoreLine:
    """Compares the rate `numerator / denominator` with the levels of `mark`.  Exact: no rounding."""
    pass_mark = mark.pass_mark if mark else None
    if denominator == 0:
        return ScoreLine(metric, None, pass_mark, "not enough data")
    rate = (Decimal(numerator) / denominator).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return ScoreLine(metric, rate, pass_mark, _state(numerator, denominator, mark))


def _state(numerator: int, denominator: int, mark: Mark | None) -> ScoreState:
    def below(level: Decimal | None) -> bool:
        return level is not None and numerator < level * denominator

    if mark is not None and below(mark.warning):
        return "warning"
    if mark is not None and below(mark.caution):
        return "caution"
    if mark is None or mark.pass_mark is None:
        return "no mark"
    return "fail" if below(mark.pass_mark) else "pass"
