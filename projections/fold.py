"""Base class of all folds, the recorded event, and `@when`, which marks the method for an event type.

A fold updates a view: rows that belong together, such as an order with its lines and parcels.  It reads only
the view and the event, so the same definition is used for live updates, rebuilds and verification.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import UnionType
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar, get_args, get_type_hints

from domain.message import Event
from projections.tables import Table

View = TypeVar("View")
Method = TypeVar("Method", bound=Callable[..., None])
Group = tuple[str, ...]
"""The key of a view.  Its first part is the seller id, as every row belongs to one seller."""
Rows = Mapping[str, Sequence[Any]]
"""The stored rows of one group, by table name."""
_MARK: Final = "__when__"


class Recorded(NamedTuple):
    """An event as the ledger stores it.

    `part`, `of`: one fact was sent as `of` messages, for example for several orders, and counts once.
    `inferred`: the source does not state the fact or its time; a converter inferred it.
    """

    position: int
    recorded_at: datetime
    seller_id: str
    stream: str
    version: int
    event: Event
    inferred: bool = False
    part: int = 1
    of: int = 1
    sequence: int = 0
    """The gapless number of the event within its seller."""


def when(method: Method) -> Method:
    """Marks a method as the handler of the event types that its parameter `event` is annotated with."""
    setattr(method, _MARK, True)
    return method


class Fold(Generic[View]):
    """Base class of a fold: it computes how an event changes the rows of its view."""

    kinds: ClassVar[frozenset[str]]
    """The kinds of streams whose events it folds."""
    several_streams: ClassVar[bool] = False
    """Whether a view may fold several streams.  If not, it has no rows before its stream's first event."""
    tables: ClassVar[tuple[Table[Any], ...]]
    """The tables in which the rows of a view are stored."""
    methods: ClassVar[Mapping[type[Event], Callable[..., None]]]
    silent: ClassVar[frozenset[type[Event]]] = frozenset()
    """Events that do not update the view's position, because they do not change the row that has it."""

    def __init_subclass__(cls) -> None:
        methods: dict[type[Event], Callable[..., None]] = {}
        for method in (member for base in reversed(cls.__mro__) for member in vars(base).values()):
            if getattr(method, _MARK, False):
                hint = get_type_hints(method)["event"]
                kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
                methods.update(dict.fromkeys(kinds, method))
        cls.methods = methods

    def group(self, stream: str) -> Group:
        """The key of the view that the events of a stream change."""
        raise NotImplementedError

    def begin(self, view: View, seller: Any) -> None:
        """Called before the first event of a stream: copies columns from the seller's view."""

    def inferred(self, view: View, event: Event) -> None:
        """Called after an inferred event was folded."""

    def opened(self, group: Group, rows: Rows) -> View:
        """The view made from its stored rows, or a new view if there are none."""
        raise NotImplementedError

    def head(self, view: View) -> Any:
        """The row of the view that has the columns `position` and `recorded_at`."""
        return view

    def currency(self, view: View) -> str:
        """The currency of the view's amounts; empty if it has none."""
        del view
        return ""

    def finish(self, view: View) -> None:
        """Computes the derived columns after all events of a batch have been folded."""

    def rows(self, view: View) -> Iterable[tuple[Table[Any], Any]]:
        raise NotImplementedError
