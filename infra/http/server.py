"""The uvicorn server and its listening socket."""

import socket
from ipaddress import ip_address
from typing import Final

import uvicorn

from infra.http.app import application
from infra.http.services import Services
from infra.settings import Settings

CONNECTIONS: Final = 500
IDLE_S: Final = 5
STOPPING_S: Final = 35
HEAD_BYTES: Final = 32 * 1024


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def server(services: Services) -> uvicorn.Server:
    """A server that runs until it gets a signal, and then finishes the requests it has begun."""
    return uvicorn.Server(
        uvicorn.Config(
            application(services),
            lifespan="off",
            ws="none",
            http="h11",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=STOPPING_S,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
    )


def listening(settings: Settings) -> socket.socket:
    """A socket bound to the host and port of the settings.  Raises: OSError."""
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    # With the protocol TCP given, the event loop sets TCP_NODELAY and sends small responses at once.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((settings.http_host, settings.http_port))
    return bound
