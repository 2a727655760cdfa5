"""Chooses the short or the long form of the fault tests: long if `make torture` sets JUMUN_TORTURE."""

import os

import pytest


@pytest.fixture(scope="session")
def long() -> bool:
    return bool(os.environ.get("JUMUN_TORTURE"))
