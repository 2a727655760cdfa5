"""Decides at which time a message happened: as it claims, unless that lies in the future.

A carrier's scan of the year 2099 is a typing error.  It is recorded at a credible time instead, so that it
moves no clock, no default instant and no duration, and a discrepancy keeps the claim.  As the event holds the
time that was chosen, a replay needs no clock.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from consumers.clocks import Clocks
from consumers.envelope import Envelope

TOLERANCE: Final = timedelta(minutes=5)
"""How far the clock of a source may be ahead of ours."""

Now = Callable[[], datetime]


class CredibleTimes:
    """Chooses the times of messages.  `now`: the intake's clock; without one, every claim is believed."""

    def __init__(self, clocks: Clocks, now: Now | None) -> None:
        self._clocks = clocks
        self._now = now
        self._latest: dict[str, datetime] = {}
        """The latest credible time of each seller, as far as this process has decided."""

    def of(self, envelope: Envelope) -> datetime:
        seller, claimed = envelope.sellerid, envelope.time
        if not self._is_ahead(seller, claimed):
            latest = self._latest.get(seller)
            if latest is None or claimed > latest:
                self._latest[seller] = claimed
            return claimed
        reported = self.reported(envelope)
        if reported is not None:
            return reported
        assert self._now is not None
        times = filter(None, (self._clocks.time_of(seller), self._latest.get(seller)))
        return max(times, default=self._now())

    def reported(self, envelope: Envelope) -> datetime | None:
        """When the source recorded the fact, unless that lies in the future, too."""
        at = envelope.reportedat
        return None if at is None or self._is_ahead(envelope.sellerid, at) else at

    def _is_ahead(self, seller: str, at: datetime) -> bool:
        if self._now is None or at <= self._now() + TOLERANCE:
            return False
        clock = self._clocks.time_of(seller)  # ticks may run ahead of this machine, as in a simulation
        return clock is None or at > clock + TOLERANCE
