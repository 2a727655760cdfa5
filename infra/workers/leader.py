"""Elects a leader among several workers: the member to which the group assigns a topic's first partition.

If the leader dies, the group assigns the partition to a standby after the session timeout.  The election is
not a fence: an old leader may go on for a while.  The fence is the transactional id of the publisher.
"""

from typing import Final

from infra.clock import Clock
from infra.kafka.ports import Member

FIRST: Final = 0


class LeaderElection:
    """Takes part in the election.  It reads no records: it never starts a partition."""

    def __init__(self, member: Member, clock: Clock) -> None:
        self._clock = clock
        self._member = member
        self.is_leader = False

    def poll(self, timeout_s: float = 0.0) -> bool:
        """Whether this worker is the leader now.  Raises: Unreachable.

        The leader sleeps instead of a long poll: while polling, the client checks all its partitions again
        and again.
        """
        if self.is_leader:
            self._clock.sleep(timeout_s)
            timeout_s = 0.0
        polled = self._member.poll(timeout_s)
        if FIRST in polled.revoked:
            self.is_leader = False
        if FIRST in polled.assigned:
            self.is_leader = True
        return self.is_leader

    def close(self) -> None:
        self._member.close()
