"""Histograms of durations with buckets that grow by 10 %.  They are merged by addition and give any quantile.

Bucket n > 0 holds (1.1^(n-1), 1.1^n] seconds, bucket 0 holds -1 to 1 second, and bucket -n mirrors bucket n.
A quantile is the middle of its bucket, so its error is at most 5 %, or one second for durations below 1 s.
"""

from bisect import bisect_left
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from projections.instants import SECOND

_LAST: Final = 240
"""The last bucket.  Its upper bound is more than 270 years."""


def _bounds() -> tuple[int, ...]:
    """Upper bounds in microseconds, computed with integers: equal on every machine."""
    return tuple(SECOND * 11**n // 10**n for n in range(_LAST + 1))


BOUNDS: Final = _bounds()


def bucket_of(duration: int) -> int:
    """The bucket of a duration.  Unit: microseconds."""
    return bisect_left(BOUNDS, duration) if duration >= 0 else -bisect_left(BOUNDS, -duration)


def quantile(counts: Mapping[int, int], share: Fraction, *, of_durations: bool = True) -> int | None:
    """The quantile `share`: the middle of the first bucket at which the cumulated count reaches it.

    None if there are no values.  Unit: microseconds; if not `of_durations`, a bucket is itself the value, for
    example a score.
    """
    total = sum(counts.values())
    threshold, cumulated = share * total, 0
    for bucket, count in sorted(counts.items()):
        cumulated += count
        if cumulated >= threshold:
            return _middle(bucket) if of_durations else bucket
    return None


def _middle(bucket: int) -> int:
    if bucket == 0:
        return 0
    last = min(abs(bucket), _LAST)
    middle = (BOUNDS[last - 1] + BOUNDS[last]) // 2
    return middle if bucket > 0 else -middle
