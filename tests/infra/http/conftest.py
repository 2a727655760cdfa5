"""Fixtures: a real server on a free port with its own embedded ledger, and clients of it."""

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
    """A running server, and clients of it."""

    def __init__(self, services: Services, port: int, settings: Settings) -> None:
        assert settings.http_tokens is not None
        self.home = settings.home
        self.services = services
        self.url = f"http://127.0.0.1:{port}"
        self._file = settings.http_tokens
        self._token_count = 0
        self._clients: list[httpx.Client] = []

    def client(self, *rights: str, sellers: tuple[str, ...] = ("*",)) -> httpx.Client:
        """A client with a new token that has these rights."""
        self._token_count += 1
        token = tokens.new(self._file, f"t{self._token_count}-{id(self)}", sellers, rights)
        return self.anybody({"authorization": f"Bearer {token}"})

    def anybody(self, headers: dict[str, str] | None = None) -> httpx.Client:
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture(autouse=True, scope="package")
def silence() -> Iterator[None]:
    """Switches the log line per request off, and removes the log configuration of other tests."""
    structlog.reset_defaults()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@contextmanager
def running(settings: Settings, **how: Any) -> Generator[Server]:
    """Runs a server.  `how` is passed to `opened`."""
    with opened(settings, **how) as services, listening(settings) as bound:
        uvicorn = server(services)
        thread = threading.Thread(target=uvicorn.run, kwargs={"sockets": [bound]}, name="uvicorn")
        thread.start()
        while not uvicorn.started:
            assert thread.is_alive()
            time.sleep(0.01)
        running_server = Server(services, bound.getsockname()[1], settings)
        try:
            yield running_server
        finally:
            running_server.close()
            uvicorn.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def embedded(home: Path, **more: Any) -> Settings:
    """Settings of an embedded server on any free port."""
    settings = Settings(home=home / "home", http_tokens=home / "tokens.toml", **more)
    return settings.model_copy(update={"http_port": 0})


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    with running(embedded(tmp_path)) as started:
        yield started


@pytest.fixture(scope="module")
def module_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module that do not change its data."""
    with running(embedded(tmp_path_factory.mktemp("http"))) as started:
        yield started


@pytest.fixture
def client(served: Server) -> httpx.Client:
    """A client with all rights, for every seller."""
    return served.client(*tokens.RIGHTS)


Send = Callable[..., httpx.Response]


@pytest.fixture
def send(client: httpx.Client) -> Send:
    """Sends one message, or several as a batch, and waits for their outcomes."""

    def sending(*raws: bytes, wait: float = 10) -> httpx.Response:
        body, headers = (raws[0], STRUCTURED) if len(raws) == 1 else (batch(*raws), BATCH)
        return client.post("/messages", content=body, headers=headers, params={"wait": wait})

    return sending


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Checks the status and the fields of a problem document, and returns it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert all(body[part] for part in ("title", "detail", "kept", "next"))
    assert "Traceback" not in response.text
    return body
