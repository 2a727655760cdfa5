"""The two exceptions with which a rule rejects a command."""

from typing import Any, ClassVar


class Refused(Exception):
    """A rule forbids a wish.  There is one subclass per rule; `data` holds the details."""

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
        details = ", ".join(f"{name}={value}" for name, value in sorted(self.data.items()))
        return f"{(type(self).__doc__ or self.rule).splitlines()[0]} ({details})" if details else self.rule


class TooEarly(Exception):
    """The message refers to something not recorded yet.  It is parked until `waits_for` is recorded."""

    def __init__(self, waits_for: str) -> None:
        super().__init__(waits_for)
        self.waits_for = waits_for
