"""One of several works, the others stand by: whoever holds a topic's first partition in the group.

The group tells who is gone: within its session timeout the next one sits down.  It is no fence; the writer's
transactional id is.
"""

from typing import Final

from infra.clock import Clock
from infra.kafka.ports import Member

FIRST: Final = 0


class LeaderElection:
    """Nothing of the topic is read: no partition is ever begun."""

    def __init__(self, member: Member, clock: Clock) -> None:
        self._clock = clock
        self._member = member
        self.is_leader = False

    def poll(self, timeout_s: float = 0.0) -> bool:
        """Whether the chair is ours now.  Raises: Unreachable.

        Who sits waits asleep: the client would look through all its partitions again and again.
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
