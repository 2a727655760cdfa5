"""Each planted mistake is noticed by a test of whole sellers, without the tests of single cases.

Those are: the slow recount of raw messages, the same facts in any order, any shop under its invariants.
"""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.plants.plants import PLANTS, ROOT, Plant, planted

WHOLE_SELLERS: Final = (
    "tests/recount",
    "tests/cases/test_any_order.py",
    "tests/domain/test_invariants.py",
)
"""The fastest first."""
PARTS: Final = ("domain", "projections", "consumers", "infra", "tests", "pyproject.toml")
LONG: Final = bool(os.environ.get("JUMUN_TORTURE"))
long_only = pytest.mark.skipif(not LONG, reason="takes an hour: JUMUN_TORTURE=1")
each_plant = pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.sentence)


@each_plant
def test_a_plant_fits_the_code_of_today(plant: Plant) -> None:
    before = plant.path.read_text("utf-8")
    after = planted(plant, before)
    assert ast.dump(ast.parse(after)) != ast.dump(ast.parse(before))


def test_there_are_enough_plants_and_each_is_another() -> None:
    assert len(PLANTS) >= 20
    assert len({plant.sentence for plant in PLANTS}) == len(PLANTS)


def whole_sellers(tree: Path) -> subprocess.CompletedProcess[str]:
    """Runs the tests of whole sellers in that copy of the code, up to the first that fails."""
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=line", "--no-header"]
    environ = {name: value for name, value in os.environ.items() if name != "JUMUN_TORTURE"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *WHOLE_SELLERS],
        cwd=tree,
        env={**environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "real_data", "samples")
            shutil.copytree(source, tmp_path / part, ignore=ignored)
        else:
            shutil.copy(source, tmp_path / part)
    return tmp_path


@long_only
def test_without_a_plant_no_test_fails(tree: Path) -> None:
    done = whole_sellers(tree)
    assert done.returncode == 0, done.stdout


@long_only
@each_plant
def test_a_plant_is_noticed(plant: Plant, tree: Path) -> None:
    file = tree / plant.file
    file.write_text(planted(plant, file.read_text("utf-8")), "utf-8")
    done = whole_sellers(tree)
    assert done.returncode == 1, f"{plant.sentence}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}"
    assert "failed" in done.stdout
