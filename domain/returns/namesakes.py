"""Rules for return ids that several channels or accounts use: which return does a message mean?

The first return with an id has the id as the key of its stream.  The key of a later one begins with its
channel and account.
"""

from typing import Any, NamedTuple

from domain.decider import MessageContext, Rules
from domain.errors import Refused
from domain.message import Event
from domain.returns.receive import AdmitPieces
from domain.returns.refund import MirrorRefund
from domain.returns.request import OpenReturn
from domain.returns.state import OrderReturnCommand, Return, discrepancies
from domain.streams import StreamId, later_return_stream, owner_of

rules = Rules[Return]()


class SeveralReturnsHaveThisId(Refused):
    """Returns of several channels or accounts have this id.  Name the channel and the account."""


class NoteNamesake(NamedTuple):
    """A return of another channel or account was opened with the same id."""

    order: str


class ReturnIdUsedAgain(Event):
    """A return of this order, of another channel or account, has the same id."""

    order: str


def home(stream: StreamId, ret: Return | None, command: Any, by: str) -> StreamId:
    """The stream of the return that `command` means.  `stream`, `ret`: the first return with its id."""
    if ret is None or ret.state is None:
        return stream
    owner = _owner(ret, command, by)
    if owner is None or (ret.order is not None and owner_of(ret.order) == owner):
        return stream
    return later_return_stream(stream, owner)


def _owner(ret: Return, command: Any, by: str) -> str | None:
    """The channel and account of the return that `command` means; None if it does not tell."""
    if isinstance(command, OpenReturn | MirrorRefund | AdmitPieces):
        return owner_of(command.order)
    if not isinstance(command, OrderReturnCommand):
        return None
    if command.channel is not None:
        return f"{command.channel}:{command.account}"
    of_source = [owner for owner in _owners(ret) if owner.partition(":")[0] == by]
    return of_source[0] if ret.namesakes and len(of_source) == 1 else None


def _owners(ret: Return) -> list[str]:
    return sorted({*ret.namesakes, *([] if ret.order is None else [owner_of(ret.order)])})


def ambiguous(ret: Return, command: Any, by: str) -> OrderReturnCommand | None:
    """`command`, if it may mean another return with the same id."""
    if not ret.namesakes or not isinstance(command, OrderReturnCommand):
        return None
    return command if _owner(ret, command, by) is None else None


def set_aside(ret: Return, command: OrderReturnCommand, context: MessageContext) -> list[Event]:
    """No return changes: a guess could put the wrong goods on sale.

    Raises: SeveralReturnsHaveThisId, for a wish.
    """
    if command.is_wish:
        raise SeveralReturnsHaveThisId(return_id=command.return_id, returns_of=_owners(ret))
    return discrepancies(
        ret, context, "several_returns_have_this_id", type(command).__name__, (1, len(_owners(ret)))
    )


@rules.on_command
def note(ret: Return, step: NoteNamesake, context: MessageContext) -> list[Event]:
    if owner_of(step.order) in ret.namesakes:
        return []
    return [ReturnIdUsedAgain(at=context.at, order=step.order)]


@rules.on_event
def used_again(ret: Return, event: ReturnIdUsedAgain) -> Return:
    return ret._replace(namesakes=ret.namesakes | {owner_of(event.order)})
