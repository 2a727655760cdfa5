"""A real server on a port of its own, over an embedded ledger of its own."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from infra.access import tokens
from infra.http.server import listening, server
from infra.http.services import Services
from infra.settings import Settings
from infra.wiring.server import opened

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


def batch(*raws: bytes) -> bytes:
    return b"[" + b",".join(raws) + b"]"


class Server:
    """A server that runs, and clients of it."""

    def __init__(self, services: Services, port: int, settings: Settings) -> None:
        assert settings.http_tokens is not None
        self.home = settings.home
        self.services = services
        self.url = f"http://127.0.0.1:{port}"
        self._file = settings.http_tokens
        self._made = 0
        self._clients: list[httpx.Client] = []

    def client(self, *rights: str, sellers: tuple[str, ...] = ("*",)) -> httpx.Client:
        """One with a token of its own."""
        self._made += 1
        token = tokens.new(self._file, f"t{self._made}-{id(self)}", sellers, rights)
        return self.anybody({"authorization": f"Bearer {token}"})

    def anybody(self, headers: dict[str, str] | None = None) -> httpx.Client:
        made = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)
        self._clients.append(made)
        return made

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture(autouse=True, scope="package")
def silence() -> Iterator[None]:
    """A line for each request is for operators.  Whatever other tests have set up does not count here."""
    structlog.reset_defaults()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@contextmanager
def running(settings: Settings, **how: Any) -> Generator[Server]:
    """`how`: as `opened` takes it."""
    with opened(settings, **how) as services, listening(settings) as bound:
        uvicorn = server(services)
        thread = threading.Thread(target=uvicorn.run, kwargs={"sockets": [bound]}, name="uvicorn")
        thread.start()
        while not uvicorn.started:
            assert thread.is_alive()
            time.sleep(0.01)
        made = Server(services, bound.getsockname()[1], settings)
        try:
            yield made
        finally:
            made.close()
            uvicorn.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def embedded(home: Path, **more: Any) -> Settings:
    """Of a server on any free port."""
    made = Settings(home=home / "home", http_tokens=home / "tokens.toml", **more)
    return made.model_copy(update={"http_port": 0})


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    with running(embedded(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def module_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a file that leave it as it is."""
    with running(embedded(tmp_path_factory.mktemp("http"))) as made:
        yield made


@pytest.fixture
def client(served: Server) -> httpx.Client:
    """It may do everything, for every seller."""
    return served.client(*tokens.RIGHTS)


Send = Callable[..., httpx.Response]


@pytest.fixture
def send(client: httpx.Client) -> Send:
    """Sends one message, or several as a batch, and waits for what becomes of them."""

    def sending(*raws: bytes, wait: float = 10) -> httpx.Response:
        body, headers = (raws[0], STRUCTURED) if len(raws) == 1 else (batch(*raws), BATCH)
        return client.post("/messages", content=body, headers=headers, params={"wait": wait})

    return sending


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The three parts are there, whatever was refused."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = response.json()
    assert said["status"] == status
    assert all(said[part] for part in ("title", "detail", "kept", "next"))
    assert "Traceback" not in response.text
    return said
