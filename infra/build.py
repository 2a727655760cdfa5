"""The version of this build of Jumun."""

from importlib.metadata import PackageNotFoundError, version


def build() -> str:
    """The version of the installed package; the ledger stores it with each commit."""
    try:
        return version("jumun")
    except PackageNotFoundError:
        return "uninstalled"
