"""The two ways in which a decision can say no."""

from typing import Any, ClassVar


class Refused(Exception):
    """A rule forbids what was asked.  One class per rule; its data are the attributes."""

    retryable: ClassVar[bool] = False

    def __init__(self, **data: Any) -> None:
        super().__init__(data)
        self.data = data

    @property
    def rule(self) -> str:
        """The stable code of the rule, for example `more_than_cancellable`."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value}" for name, value in sorted(self.data.items()))
        return f"{(type(self).__doc__ or self.rule).splitlines()[0]} ({said})" if said else self.rule


class TooEarly(Exception):
    """What the message speaks of is not known yet: it waits until that comes."""

    def __init__(self, waits_for: str) -> None:
        super().__init__(waits_for)
        self.waits_for = waits_for
