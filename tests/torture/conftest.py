"""How long the torture goes on: `make torture` sets JUMUN_TORTURE, and every test does all of it."""

import os

import pytest


@pytest.fixture(scope="session")
def long() -> bool:
    return bool(os.environ.get("JUMUN_TORTURE"))
