"""The answers as OpenAPI tells them; those of questions are the dataclasses of their entries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from consumers.ports import State
from projections.questions.order import OrderAnswer

Row = TypeVar("Row")


class AsOf(BaseModel):
    """`as_of_position`: the last event that the answer knows.  `as_of`: the instant for which it holds."""

    as_of_position: int
    as_of: datetime


class Page(AsOf, Generic[Row]):
    """`next`: the cursor of the page that follows; null on the last."""

    rows: list[Row]
    next: str | None


class Happened(BaseModel):
    """An event of an order's story, and what caused it."""

    at: datetime
    id: str
    stream: str
    event: str
    cause: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OrderRow(OrderAnswer):
    """An order with its story."""

    timeline: list[Happened]


class WaitingRow(BaseModel):
    """A message that waits.  `number`: within its partition."""

    partition: int
    number: int
    state: State
    seller_id: str
    place: str
    reason: str
    since: datetime


class OutcomeCounts(BaseModel):
    """All messages ever sent, each in exactly one state.  `seller_id`: null for all sellers."""

    seller_id: str | None
    sent: int
    accepted: int
    duplicate: int
    conflict: int
    refused: int
    parked: int
    failed: int
    set_aside: int
    dropped: int


class Caused(BaseModel):
    """The events that a message caused, from the first to the last."""

    first_id: str
    last_id: str
    first_position: int
    last_position: int


class Outcome(BaseModel):
    """What became of a message.  `was`: the state that it left; null where it had just been sent."""

    number: int
    state: State
    was: State | None
    rule: str | None
    data: dict[str, Any]
    retryable: bool
    recorded_at: datetime
    caused: Caused | None


class Published(BaseModel):
    """A message that was taken in.  `outcome`: null where it is not known yet; ticks have none.

    `before`: of one that was sent before, what had become of it by then.
    """

    source: str
    id: str
    seller: str | None
    location: str | None
    outcome: Outcome | None
    before: Outcome | None = None


class Receipt(BaseModel):
    """`min_position`: with it, reads of the read models know all that these messages caused."""

    messages: list[Published]
    min_position: int | None


class MessageState(AsOf):
    """What became of one message: its state now, and how it came to it."""

    source: str
    id: str
    seller: str
    type: str
    state: State
    rule: str | None
    data: dict[str, Any]
    retryable: bool
    caused: Caused | None
    history: list[Outcome]
    duplicates: int
    conflicts: int


class ListedMessage(BaseModel):
    """An outcome that was recorded in the hour.  `was`: the state that the message left by it."""

    number: int
    source: str
    id: str
    type: str
    state: State
    was: State | None
    recorded_at: datetime


class Alive(BaseModel):
    """The process answers."""

    status: str


class Check(BaseModel):
    """One thing that must be well; `said`: what is amiss."""

    name: str
    well: bool
    said: str


class Ready(BaseModel):
    """Whether requests can be served now."""

    ready: bool
    checks: list[Check]
