"""The response models for OpenAPI.  The models of questions are the answer dataclasses in the catalogue."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from consumers.ports import State
from projections.questions.order import OrderAnswer

Row = TypeVar("Row")


class AsOf(BaseModel):
    """`as_of_position`: the last event that the answer includes.  `as_of`: the instant for which it holds."""

    as_of_position: int
    as_of: datetime


class Page(AsOf, Generic[Row]):
    """One page of rows.  `next`: the cursor of the next page; null on the last page."""

    rows: list[Row]
    next: str | None


class Happened(BaseModel):
    """One event in the timeline of an order, and what caused it."""

    at: datetime
    id: str
    stream: str
    event: str
    cause: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OrderRow(OrderAnswer):
    """An order with its timeline."""

    timeline: list[Happened]


class WaitingRow(BaseModel):
    """A message that waits.  `number`: within its partition.  `place`: the stream at which it waits."""

    partition: int
    number: int
    state: State
    seller_id: str
    place: str
    reason: str
    since: datetime


class OutcomeCounts(BaseModel):
    """The number of messages in each state; every message ever sent is in exactly one.  `seller_id`: null
    means all sellers."""

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
    """One outcome of a message.  `was`: its previous state; null if it had just been sent."""

    number: int
    state: State
    was: State | None
    rule: str | None
    data: dict[str, Any]
    retryable: bool
    recorded_at: datetime
    caused: Caused | None


class Published(BaseModel):
    """A message that was accepted.  `outcome`: null if it is not known yet; a tick has none.

    `before`: for a duplicate or a conflict, the last outcome of the message sent before.
    """

    source: str
    id: str
    seller: str | None
    location: str | None
    outcome: Outcome | None
    before: Outcome | None = None


class Receipt(BaseModel):
    """The answer to POST /messages.  `min_position`: pass it to a question, so that the answer includes all
    events that these messages caused."""

    messages: list[Published]
    min_position: int | None


class MessageState(AsOf):
    """The current state of one message, and the history of its outcomes."""

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
    """An outcome recorded in the requested hour.  `was`: the state of the message before."""

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
    """One readiness check.  `said`: what is wrong; empty if nothing is."""

    name: str
    well: bool
    said: str


class Ready(BaseModel):
    """Whether the server can handle requests now."""

    ready: bool
    checks: list[Check]
