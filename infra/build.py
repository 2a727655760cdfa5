"""Which build of Jumun this is."""

from importlib.metadata import PackageNotFoundError, version


def build() -> str:
    """Its version, as the ledger's commits name it."""
    try:
        return version("jumun")
    except PackageNotFoundError:
        return "uninstalled"
