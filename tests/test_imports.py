"""Checks which packages tests may import.  Import-linter checks the packages, this module the tests."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEEDS_ONLY = {
    "tests/domain": {"domain"},
}
"""Folder of tests -> our packages that they may import, also through helpers."""
OURS = {"domain", "projections", "consumers", "infra"}


@pytest.mark.parametrize("folder", NEEDS_ONLY)
def test_the_tests_of_a_package_need_no_other(folder: str) -> None:
    forbidden = {
        f"{file.relative_to(ROOT)} imports {module}"
        for file in _with_helpers(sorted((ROOT / folder).rglob("*.py")))
        for module in _imported(file)
        if (package := module.partition(".")[0]) in OURS and package not in NEEDS_ONLY[folder]
    }
    assert sorted(forbidden) == []


def _with_helpers(files: list[Path]) -> set[Path]:
    """The files, and all helpers under tests/ that they import directly or indirectly."""
    seen: set[Path] = set()
    while files:
        file = files.pop()
        if file not in seen:
            seen.add(file)
            paths = (ROOT / f"{module.replace('.', '/')}.py" for module in _imported(file))
            files += [path for path in paths if path.is_relative_to(ROOT / "tests") and path.exists()]
    return seen


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
