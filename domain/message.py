"""What comes in is a strict pydantic model; what was decided is plain data, and read back leniently."""

from dataclasses import dataclass
from typing import Any, ClassVar, dataclass_transform

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.streams import StreamId


class InputModel(BaseModel):
    """A part of what comes in.  Unknown fields are refused, and no value is bent into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Command(InputModel):
    """A message from outside: a fact that is always recorded, or a wish that may be refused."""

    is_wish: ClassVar[bool] = False
    """A wish names its actor and may be refused; a fact never is."""
    opens: ClassVar[bool] = False
    """It is what others wait for: it never waits behind them, and frees them once it is accepted."""
    business_key: ClassVar[str | None] = None
    """The field that must also be the message's id, so that its stream needs no memory of it."""

    def stream(self, seller_id: str) -> StreamId:
        """The stream that decides on it."""
        raise NotImplementedError

    def frees(self, seller_id: str) -> StreamId | None:
        """The stream whose early messages may be tried again once this one is accepted."""
        return self.stream(seller_id) if self.opens else None


@dataclass_transform(kw_only_default=True, frozen_default=True)
class EventData:
    """A part of an event.

    The type checkers keep it from being changed; to have Python do so too, or pydantic check our own words,
    would make an event four times as dear.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        about = cls.__doc__  # which dataclass would otherwise fill
        dataclass(kw_only=True)(cls)
        cls.__doc__ = about


class Event(EventData):
    """Something that was decided or observed.  Bare types, no limits: history must stay readable."""

    at: AwareDatetime
    """When it happened, as the source of its message says."""
