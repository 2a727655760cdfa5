"""Durations counted in buckets that grow by a tenth: merged by adding, asked for any quantile.

Bucket n > 0 holds (1.1^(n-1), 1.1^n] seconds, bucket 0 what lies between -1 and 1 second, bucket -n the
mirror image of n.  A quantile is the middle of its bucket: off by at most 5 %, or below a second by one.
"""

from bisect import bisect_left
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from projections.instants import SECOND

_LAST: Final = 240
"""Its upper bound lies beyond 270 years."""


def _bounds() -> tuple[int, ...]:
    """Upper bounds in microseconds, worked out in whole numbers: the same on every machine."""
    return tuple(SECOND * 11**n // 10**n for n in range(_LAST + 1))


BOUNDS: Final = _bounds()


def bucket_of(duration: int) -> int:
    """Unit of `duration`: microseconds."""
    return bisect_left(BOUNDS, duration) if duration >= 0 else -bisect_left(BOUNDS, -duration)


def quantile(counts: Mapping[int, int], share: Fraction, *, of_durations: bool = True) -> int | None:
    """The smallest bucket's middle below which at least `share` of the durations lie; none if there are none.

    Unit: microseconds; if not `of_durations`, a bucket is the value itself, such as a score.
    """
    total = sum(counts.values())
    wanted, seen = share * total, 0
    for bucket, count in sorted(counts.items()):
        seen += count
        if seen >= wanted:
            return _middle(bucket) if of_durations else bucket
    return None


def _middle(bucket: int) -> int:
    if bucket == 0:
        return 0
    last = min(abs(bucket), _LAST)
    middle = (BOUNDS[last - 1] + BOUNDS[last]) // 2
    return middle if bucket > 0 else -middle
