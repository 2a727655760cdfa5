"""Writes the mutants of `domain/`: copies of its functions in which mutmut has changed one thing."""

import ast
import difflib
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents

SOURCE: Final = Path("domain")
OUTPUT: Final = Path("mutants")
CODE: Final = ("domain", "projections", "consumers", "infra", "tests")
"""The folders whose code decides whether a mutant survives."""
KEPT: Final = {"staticmethod", "classmethod"}
"""Decorators that mutmut can handle."""


class Mutant(NamedTuple):
    name: str
    """Module and function as mutmut names them, and a number."""
    function_hash: str
    file: str
    line: int
    diff: str

    @property
    def function(self) -> str:
        return self.name.partition("__mutmut_")[0]


def sha256(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def hash_of_code() -> str:
    """Changes when anything does that a test may run or read."""
    files = sorted(
        path for folder in CODE for kind in ("py", "json") for path in Path(folder).rglob(f"*.{kind}")
    )
    return sha256(*(part for path in files for part in (str(path).encode(), path.read_bytes())))


def write_mutants() -> list[Mutant]:
    """Writes the mutated `domain/` and lists its mutants.  An unchanged file is not written again."""
    for path in (OUTPUT / SOURCE).rglob("*.py"):
        if not path.relative_to(OUTPUT).exists():
            path.unlink()
    ignored = shutil.ignore_patterns("*.py", "__pycache__")
    shutil.copytree(SOURCE, OUTPUT / SOURCE, dirs_exist_ok=True, ignore=ignored)
    return [mutant for path in sorted(SOURCE.rglob("*.py")) for mutant in _write(path)]


def _write(path: Path) -> list[Mutant]:
    source = path.read_text("utf-8")
    state = sha256(source.encode(), version("mutmut").encode(), Path(__file__).read_bytes())
    listing = (OUTPUT / path).with_suffix(".mutants")
    if listing.exists():
        content: dict[str, Any] = json.loads(listing.read_text("utf-8"))
        if content["state"] == state:
            return [Mutant(*mutant) for mutant in content["mutants"]]
    mutated = mutate_file_contents(str(path), decorated_afterwards(source))
    mutants = list(_mutants(path, source, mutated))
    (OUTPUT / path).write_text(mutated.code, "utf-8")
    listing.write_text(json.dumps({"state": state, "mutants": mutants}), "utf-8")
    return mutants


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """(name as mutmut writes it, function) of each function and method that it mutates."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield f"x_{node.name}", node
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    yield f"xǁ{node.name}ǁ{method.name}", method


def decorated_afterwards(source: str) -> str:
    """The same code with `rule = decorator(rule)` below a function instead of `@decorator` above it.

    mutmut skips decorated functions, and nearly all rules of the domain are registered by a decorator.
    """
    lines = source.splitlines(keepends=True)
    for _, function in reversed(list(_functions(ast.parse(source)))):
        calls = [ast.unparse(decorator) for decorator in function.decorator_list]
        if not calls or KEPT & set(calls):
            continue
        value = f"{'('.join(calls)}({function.name}{')' * len(calls)}"
        lines.insert(function.end_lineno or 0, f"{' ' * function.col_offset}{function.name} = {value}\n")
        del lines[function.decorator_list[0].lineno - 1 : function.lineno - 1]
    return "".join(lines)


def _mutants(path: Path, source: str, mutated: MutatedFile) -> Iterator[Mutant]:
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    first_line = {name: function.lineno for name, function in _functions(ast.parse(source))}
    lines = mutated.code.splitlines()

    def body(name: str) -> list[str]:
        """The function from its `def` on, without its generated name."""
        span = mutated.line_span_by_function_name[name]
        text = [line.replace(f"def {name}(", "def (") for line in lines[span.start - 1 : span.end]]
        return text[next(number for number, line in enumerate(text) if line.lstrip().startswith("def (")) :]

    for name in mutated.mutant_names:
        function = name.partition("__mutmut_")[0]
        original = body(f"{function}__mutmut_orig")
        changes = list(difflib.unified_diff(original, body(name), n=0, lineterm=""))[2:]
        start = int(re.findall(r"\d+", changes[0])[0]) - 1
        diff = "\n".join(line for line in changes if not line.startswith("@@"))
        hash_ = mutated.hash_by_function_name[function]
        yield Mutant(f"{module}.{name}", hash_, str(path), first_line[function] + start, diff)
