"""Who may do what: tokens bound to sellers and rights.  A file holds their hashes, never the tokens."""

import hashlib
import hmac
import os
import secrets  # noqa: TID251  what nobody may guess is not simulated
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
        """Its seller, if it is for one alone."""
        return self.sellers[0] if self.sellers != ALL and len(self.sellers) == 1 else None

    def sees(self, seller: str | None) -> bool:
        """Whether that seller is the token's; None stands for all of them."""
        return self.sellers == ALL or (seller is not None and seller in self.sellers)


class TokenFile(BaseModel):
    """The whole file: a table `[[token]]` for each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: list[Token] = []


class NotTokens(Exception):
    """The file cannot be read as tokens; nobody may do anything until it can."""


class TokenExists(Exception):
    """A token of that name is there already."""


def hashed(secret: str) -> str:
    """A token is 32 random bytes: its hash needs neither salt nor stretching."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> list[Token]:
    """Raises: NotTokens, which names the place and not the value."""
    try:
        return TokenFile.model_validate(tomllib.loads(path.read_text("utf-8"))).token
    except FileNotFoundError:
        return []
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        msg = f"{path}: {where}: {first['msg']}"
        raise NotTokens(msg) from None
    except (OSError, ValueError) as error:
        msg = f"{path}: {type(error).__name__}: it is no TOML file that can be read"
        raise NotTokens(msg) from error


class Tokens:
    """The tokens of a file, read again when it changes.  No file, or none that can be read: nobody."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.trouble = ""
        """Why nobody may do anything; nothing where somebody may."""
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._tokens: list[Token] = []
        self.all()

    def find(self, secret: str) -> Token | None:
        """Whose token that is.  All are compared, each in constant time."""
        asked = hashed(secret)
        found: Token | None = None
        for token in self.all():
            if hmac.compare_digest(token.sha256, asked):
                found = token
        return found

    def all(self) -> list[Token]:
        with self._lock:
            stamp = self._stamped()
            if stamp != self._stamp or stamp is None:
                self._stamp = stamp
                self._read()
            return self._tokens

    def _stamped(self) -> tuple[int, ...] | None:
        try:
            said = self.path.stat() if self.path else None
        except OSError:
            return None
        return (said.st_mtime_ns, said.st_size, said.st_ino) if said else None

    def _read(self) -> None:
        if self.path is None or self._stamp is None:
            self.trouble = "no file of tokens" if self.path is None else f"{self.path} is not there"
            self._tokens = []
            return
        try:
            self._tokens = read(self.path)
            self.trouble = "" if self._tokens else f"{self.path} holds no token"
        except NotTokens as error:
            self._tokens, self.trouble = [], str(error)
            log.warning("tokens_refused", errors=str(error))


def new(path: Path, name: str, sellers: Sequence[str], rights: Sequence[str]) -> str:
    """Makes a token and keeps its hash; this is the only time that it can be seen.

    Raises: NotTokens, Known; ValidationError, where name, sellers or rights are not such.
    """
    if any(token.name == name for token in read(path)):
        raise TokenExists(name)
    secret = PREFIX + secrets.token_urlsafe(32)
    whose = ALL if ALL in sellers else list(sellers)
    made = Token.model_validate(
        {"name": name, "sha256": hashed(secret), "sellers": whose, "rights": list(dict.fromkeys(rights))}
    )
    before = path.read_text("utf-8") if path.exists() else ""
    _replace(path, "\n".join(part for part in (before.rstrip("\n"), _entry(made)) if part) + "\n")
    return secret


def _entry(token: Token) -> str:
    """All values are plain ASCII without quotes: TOML writes them as Python does."""
    sellers = f'"{ALL}"' if token.sellers == ALL else _texts(token.sellers)
    return (
        f'[[token]]\nname = "{token.name}"\nsha256 = "{token.sha256}"\n'
        f"sellers = {sellers}\nrights = {_texts(token.rights)}"
    )


def _texts(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _replace(path: Path, text: str) -> None:
    """Whoever reads meanwhile sees the file as it was, or as it is now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, OWNER_ONLY)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    Path(temporary).replace(path)
