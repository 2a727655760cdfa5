"""The step that every aggregate takes after a message that claims a time in the future."""

from datetime import datetime
from typing import Final, NamedTuple

FROM_THE_FUTURE: Final = "claimed_from_the_future"


class FlagFutureClaim(NamedTuple):
    """A message claims a time in the future; its fact was recorded at a credible time instead."""

    claimed: datetime
