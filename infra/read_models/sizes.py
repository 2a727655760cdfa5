"""How much is kept in memory, and written at once."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """They change how fast read models are folded, never what is stored."""

    views: int = 50_000
    """Views kept between batches, over all partitions."""
    few_rows: int = 8
    """Rows, with the same columns changed, for which it does not pay to compile a statement of their own."""
    rebuild_batch: int = 20_000
    """Events that a rebuild folds at once."""
    rebuild_rows: int = 400_000
    """Rows of a rebuild that wait in memory: half a gigabyte, with their views."""


SIZES: Final = Sizes()
