"""Base classes of commands and events: commands are validated strictly, events are read leniently."""

from dataclasses import dataclass
from typing import Any, ClassVar, dataclass_transform

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.streams import StreamId


class InputModel(BaseModel):
    """A validated part of a command.  Unknown fields are errors, and no value is coerced to another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Command(InputModel):
    """The data of an inbound message: a fact, which is always recorded, or a wish, which may be refused."""

    is_wish: ClassVar[bool] = False
    """A wish names its actor and may be refused.  A fact is never refused."""
    opens: ClassVar[bool] = False
    """Parked messages wait for this command.  It is never parked behind them, and it releases them."""
    business_key: ClassVar[str | None] = None
    """The field by which the message counts once for its stream, whatever its source and message id are."""

    def stream(self, seller_id: str) -> StreamId:
        """The stream that handles the command."""
        raise NotImplementedError


@dataclass_transform(kw_only_default=True, frozen_default=True)
class EventData:
    """A part of an event.

    Only the type checkers treat it as frozen.  A frozen dataclass or a pydantic model would make creating an
    event four times slower.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        doc = cls.__doc__  # otherwise dataclass would generate one
        dataclass(kw_only=True)(cls)
        cls.__doc__ = doc


class Event(EventData):
    """Something that was decided or observed.  Plain types without limits keep old events readable."""

    at: AwareDatetime
    """When it happened, as the source of the message says."""
