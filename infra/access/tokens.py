"""Access tokens: each is bound to sellers and rights.  The file holds their hashes, never the tokens."""

import hashlib
import hmac
import os
import secrets  # noqa: TID251  a secret must be random, also under a simulated clock
import tempfile
import threading
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.values import InputSellerId

Right = Literal["publish", "read", "tick", "policy", "metrics"]
RIGHTS: Final[tuple[Right, ...]] = get_args(Right)
ALL: Final = "*"
PREFIX: Final = "jumun_"
OWNER_ONLY: Final = 0o600

log = structlog.get_logger()


class Token(BaseModel):
    """One entry of the file.  `sellers`: ids, or "*" for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    sellers: Annotated[list[InputSellerId], Field(min_length=1, max_length=1_000)] | Literal["*"]
    rights: list[Right]

    def may(self, right: Right) -> bool:
        return right in self.rights

    @property
    def only(self) -> str | None:
        """Its seller, if the token is for exactly one."""
        return self.sellers[0] if self.sellers != ALL and len(self.sellers) == 1 else None

    def sees(self, seller: str | None) -> bool:
        """Whether the token is for this seller; None means all sellers."""
        return self.sellers == ALL or (seller is not None and seller in self.sellers)


class TokenFile(BaseModel):
    """The whole file: one table `[[token]]` for each token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: list[Token] = []


class TokenFileError(Exception):
    """The token file is invalid; until it is corrected, no request is allowed."""


class TokenExists(Exception):
    """There is already a token with this name."""


def hashed(secret: str) -> str:
    """The SHA-256 of a token.  A token is 32 random bytes: its hash needs neither salt nor key stretching."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> list[Token]:
    """The tokens of the file; none if it does not exist.

    Raises: TokenFileError, which names the position of the error but not the value.
    """
    try:
        return TokenFile.model_validate(tomllib.loads(path.read_text("utf-8"))).token
    except FileNotFoundError:
        return []
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        msg = f"{path}: {where}: {first['msg']}"
        raise TokenFileError(msg) from None
    except (OSError, ValueError) as error:
        msg = f"{path}: {type(error).__name__}: it cannot be read as a TOML file"
        raise TokenFileError(msg) from error


class Tokens:
    """The tokens of a file, read again when the file changes.  No file or an invalid file: no tokens."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.trouble = ""
        """Why there is no token; empty if there is one."""
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._tokens: list[Token] = []
        self.all()

    def find(self, secret: str) -> Token | None:
        """The token with this secret.  Compares all tokens, each in constant time."""
        digest = hashed(secret)
        match: Token | None = None
        for token in self.all():
            if hmac.compare_digest(token.sha256, digest):
                match = token
        return match

    def all(self) -> list[Token]:
        with self._lock:
            stamp = self._stamped()
            if stamp != self._stamp or stamp is None:
                self._stamp = stamp
                self._read()
            return self._tokens

    def _stamped(self) -> tuple[int, ...] | None:
        try:
            status = self.path.stat() if self.path else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None

    def _read(self) -> None:
        if self.path is None or self._stamp is None:
            self.trouble = "no token file is set" if self.path is None else f"{self.path} does not exist"
            self._tokens = []
            return
        try:
            self._tokens = read(self.path)
            self.trouble = "" if self._tokens else f"{self.path} has no tokens"
        except TokenFileError as error:
            self._tokens, self.trouble = [], str(error)
            log.warning("tokens_refused", errors=str(error))


def new(path: Path, name: str, sellers: Sequence[str], rights: Sequence[str]) -> str:
    """Creates a token and stores its hash.  Returns the token; it cannot be read again later.

    Raises: TokenFileError, TokenExists; ValidationError, where name, sellers or rights are invalid.
    """
    if any(other.name == name for other in read(path)):
        raise TokenExists(name)
    secret = PREFIX + secrets.token_urlsafe(32)
    scope = ALL if ALL in sellers else list(sellers)
    token = Token.model_validate(
        {"name": name, "sha256": hashed(secret), "sellers": scope, "rights": list(dict.fromkeys(rights))}
    )
    before = path.read_text("utf-8") if path.exists() else ""
    _replace(path, "\n".join(part for part in (before.rstrip("\n"), _entry(token)) if part) + "\n")
    return secret


def _entry(token: Token) -> str:
    """The token as TOML.  All values are plain ASCII without quotes, so they need no escaping."""
    sellers = f'"{ALL}"' if token.sellers == ALL else _texts(token.sellers)
    return (
        f'[[token]]\nname = "{token.name}"\nsha256 = "{token.sha256}"\n'
        f"sellers = {sellers}\nrights = {_texts(token.rights)}"
    )


def _texts(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _replace(path: Path, text: str) -> None:
    """Replaces the file atomically: a concurrent reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, OWNER_ONLY)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    Path(temporary).replace(path)
