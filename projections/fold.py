"""What all folds have in common: a recorded event, and `@when`, which finds the method for an event's type.

A fold keeps a view: the rows that are folded together, such as an order with its lines and parcels.
It reads nothing but that view and the event, so one definition serves live updates, rebuilds and checks.
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
"""The key of a view, the seller first: every row belongs to one seller."""
Rows = Mapping[str, Sequence[Any]]
"""The stored rows of one group, by table."""
_MARK: Final = "__when__"


class Recorded(NamedTuple):
    """An event as the ledger holds it.

    `part` of `of`: one outside fact, told as `of` messages about so many orders, counts once.
    `inferred`: a converter worked the fact out; its source does not say it.
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
    """The seller's own count of his events, gapless."""


def when(method: Method) -> Method:
    """Marks the method that folds the events its parameter `event` is annotated with."""
    setattr(method, _MARK, True)
    return method


class Fold(Generic[View]):
    """Names the rows that an event touches and says what each becomes."""

    kinds: ClassVar[frozenset[str]]
    """Kinds of the streams that it follows."""
    several_streams: ClassVar[bool] = False
    """Whether one view may follow several streams; else a stream's first event finds no stored rows."""
    tables: ClassVar[tuple[Table[Any], ...]]
    """The rows of a view, stored by these."""
    methods: ClassVar[Mapping[type[Event], Callable[..., None]]]
    silent: ClassVar[frozenset[type[Event]]] = frozenset()
    """Events after which a view keeps its position: they change none of the rows that carry one."""

    def __init_subclass__(cls) -> None:
        found: dict[type[Event], Callable[..., None]] = {}
        for method in (member for base in reversed(cls.__mro__) for member in vars(base).values()):
            if getattr(method, _MARK, False):
                hint = get_type_hints(method)["event"]
                kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
                found.update(dict.fromkeys(kinds, method))
        cls.methods = found

    def group(self, stream: str) -> Group:
        """The key of the view that a stream is folded into."""
        raise NotImplementedError

    def begin(self, view: View, seller: Any) -> None:
        """A stream begins: takes what its rows need of the seller's own view."""

    def inferred(self, view: View, event: Event) -> None:
        """What was just folded is not told by its source: a converter worked it out."""

    def opened(self, group: Group, rows: Rows) -> View:
        """The view with the rows that are stored of it; a new one, if there are none."""
        raise NotImplementedError

    def head(self, view: View) -> Any:
        """The row that carries the position of its view."""
        return view

    def currency(self, view: View) -> str:
        """The currency of the view's amounts; empty where it has none of its own."""
        del view
        return ""

    def finish(self, view: View) -> None:
        """Works out the columns that follow from others, once all events of a batch are folded."""

    def rows(self, view: View) -> Iterable[tuple[Table[Any], Any]]:
        raise NotImplementedError
