"""The words that the glossary has replaced stay out of the code and of the pages."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
CODE: Final = sorted(
    path.relative_to(ROOT)
    for room in ("domain", "projections", "consumers", "infra", "benchmarks")
    for path in (ROOT / room).rglob("*.py")
)
PAGES: Final = [Path("README.md"), *sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md"))]

NAMES: Final = {
    "said": "payload, text, error_text, advice",
    "told": "sent, published, reported",
    "asked": "requested, parameters, request",
    "found": "rows, matches, result",
    "known": "existing, previous, seen",
    "made": "created, built; or what it is",
    "anew": "again, recreate, reset",
}
"""Names that say nothing of the thing, and what to write instead."""

RIDDLES: Final = (
    "amiss", "anew", "aright", "betimes", "heed", "heeded", "hitherto", "hark", "nigh", "thence", "thereof",
    "thither", "whence", "whereof", "whomever", "whosoever", "wrought",
)  # fmt: skip
"""Words that an engineer who learned English from manuals does not know."""

FIXED: Final = {
    ("domain/order/cancel.py", "asked"),  # data of refusals
    ("domain/order/returns.py", "asked"),
    ("domain/order/pack.py", "asked"),
    ("domain/seller.py", "asked"),
    ("domain/seller.py", "known"),
    ("infra/cli/topics.py", "found"),  # `jumun topics check --json`
    ("infra/kafka/topics.py", "found"),
    ("infra/cli/topics.py", "anew"),  # the former name of `jumun topics recreate`
    ("infra/http/models.py", "said"),  # `GET /readyz`
}
"""(file, word) of the contract: what others have read or typed keeps its name."""


def names(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of every identifier."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


def prose(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of every docstring, text and comment."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def replaced_names(path: str, source: str) -> list[str]:
    return [
        f"{path}:{line}: `{name}`: write what the thing is ({NAMES[name.strip('_')]})"
        for line, name in names(source)
        if name.strip("_") in NAMES and (path, name) not in FIXED
    ]


def riddles(path: str, texts: Iterator[tuple[int, str]]) -> list[str]:
    words = re.compile(rf"\b({'|'.join(RIDDLES)})\b", re.IGNORECASE)
    return [
        f"{path}:{line}: {match[0]!r}"
        for line, text in texts
        for match in words.finditer(text)
        if (path, match[0]) not in FIXED
    ]


@pytest.mark.parametrize("path", CODE, ids=str)
def test_code_names_things_by_the_words_of_the_glossary(path: Path) -> None:
    source = (ROOT / path).read_text("utf-8")
    assert replaced_names(str(path), source) == []
    assert riddles(str(path), prose(source)) == []


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_page_has_no_word_that_a_reader_must_look_up(path: Path) -> None:
    lines = enumerate((ROOT / path).read_text("utf-8").splitlines(), 1)
    assert riddles(str(path), lines) == []


def test_a_replaced_name_and_a_riddle_are_found_where_they_stand() -> None:
    source = '''def reply(told):
    """Read anew, where anything is amiss."""
    found = told  # heeded later
    return found
'''
    where = [line.split(":")[1] for line in replaced_names("x.py", source)]
    assert where == ["1", "3", "3", "4"]
    assert sorted(riddles("x.py", prose(source))) == ["x.py:2: 'amiss'", "x.py:2: 'anew'", "x.py:3: 'heeded'"]
