"""Moves personal texts out of a message on entry; a token replaces each of them from then on.

The token is a keyed hash of the message's key and the text's path in it.  So the same message always gets
the same tokens, also after a crash.  Without the ledger's secret a token reveals nothing; once the row of
the vault is deleted, the text is lost.
"""

import hashlib
from functools import cache
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel

from domain.values import Personal

Path = tuple[str, ...]
VaultedText = tuple[str, str]
"""(token, text)"""


@cache
def personal_paths(model: type[BaseModel]) -> tuple[Path, ...]:
    """The paths of personal texts in a message's data; `*` stands for each entry of a list."""
    paths: list[Path] = []
    for name, field in model.model_fields.items():
        if _is_personal(field.annotation) or any(isinstance(mark, Personal) for mark in field.metadata):
            paths.append((name,))
            continue
        for inner, star in _models(field.annotation):
            middle = ("*",) if star else ()
            paths += [(name, *middle, *path) for path in personal_paths(inner)]
    return tuple(paths)


def _is_personal(annotation: Any) -> bool:
    if any(isinstance(mark, Personal) for mark in getattr(annotation, "__metadata__", ())):
        return True
    return get_origin(annotation) is not None and any(_is_personal(arg) for arg in get_args(annotation))


def _models(annotation: Any, *, star: bool = False) -> list[tuple[type[BaseModel], bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation, star)]
    inside_list = star or get_origin(annotation) in (list, tuple)
    result: list[tuple[type[BaseModel], bool]] = []
    for arg in get_args(annotation):
        result += _models(arg, star=inside_list)
    return result


def take_out(
    data: dict[str, Any], paths: tuple[Path, ...], secret: bytes, identity: bytes
) -> list[VaultedText]:
    """Replaces each personal text in `data` by its token, in place; returns the tokens with their texts."""
    taken: list[VaultedText] = []
    for path in paths:
        _take(data, path, "", secret + identity, taken)
    return taken


def _take(node: Any, path: Path, where: str, key: bytes, taken: list[VaultedText]) -> None:
    name, rest = path[0], path[1:]
    if name == "*":
        entries: list[Any] = node if isinstance(node, list) else []  # pyright: ignore[reportUnknownVariableType]
        for index, entry in enumerate(entries):
            _take(entry, rest, f"{where}/{index}", key, taken)
    elif not isinstance(node, dict) or name not in node:
        return
    elif rest:
        _take(node[name], rest, f"{where}/{name}", key, taken)
    elif isinstance(text := cast("dict[str, Any]", node)[name], str):
        mark = hashlib.blake2b(f"{where}/{name}".encode(), key=hashlib.sha256(key).digest(), digest_size=16)
        token = f"vault:{mark.hexdigest()}"
        taken.append((token, text))
        node[name] = token
