"""Limits for the memory use and the batch sizes of the read models."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes that change how fast events are folded, but never what is stored."""

    views: int = 50_000
    """Views kept between batches, over all partitions."""
    few_rows: int = 8
    """Below this number of rows with the same changed columns, no separate statement is compiled for them."""
    rebuild_batch: int = 20_000
    """Events that a rebuild folds at once."""
    rebuild_rows: int = 400_000
    """Rows that a rebuild keeps in memory before it writes them: half a gigabyte, with their views."""


SIZES: Final = Sizes()
