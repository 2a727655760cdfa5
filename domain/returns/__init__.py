"""The return aggregate: requested -> approved -> collected -> received -> inspected -> refunded.

Until the inspection it may be rejected or withdrawn.  The order decides whether pieces may be returned
(`RequestReturn`), and whether pieces that come back unexpectedly can be its own (`AdmitPieces`).  Received
pieces go to quarantine; only an inspection puts them back on sale, unit by unit.
"""

from typing import Any

from domain.decider import Decider, MessageContext, Rules
from domain.errors import TooEarly
from domain.message import Event
from domain.returns import namesakes, receive, refund, request, state
from domain.returns.request import OpenReturn, RecordReturn
from domain.returns.state import Return, ReturnCommand

RULES = Rules(request.rules, receive.rules, refund.rules, namesakes.rules, state.rules)


def decide(ret: Return, command: Any, context: MessageContext) -> list[Event]:
    """The events that `command` causes now; none if it has been carried out before.

    Raises: Refused, if a rule forbids a wish; TooEarly, if the return has not been opened yet.
    """
    if ret.state is None and not isinstance(command, OpenReturn | RecordReturn):
        return_id = command.return_id if isinstance(command, ReturnCommand) else ""
        raise TooEarly(f"return {return_id}")
    if (unclear := namesakes.ambiguous(ret, command, context.by)) is not None:
        return namesakes.set_aside(ret, unclear, context)
    return RULES.decide(ret, command, context)


RETURN = Decider(
    start=Return(), rules=RULES, decide=decide, evolve=RULES.evolve, evolves=5, home=namesakes.home
)
