"""Functions that tools/postgres and tools/kafka share: install packages, find ports, lock, report errors."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / ".local"
Result = TypeVar("Result")


def stop(server: str, happened: str, todo: str) -> NoReturn:
    sys.exit(f"{server}: {happened}\nWhat to do: {todo}")


def install(
    server: str, package: str, find: Callable[[], Result | None], *, missing: str, instead: str
) -> Result:
    """Returns the result of `find`, after installing Debian's package by apt-get if needed and allowed."""
    if (result := find()) is not None:
        return result
    command = ("apt-get", "install", "--yes", "--no-install-recommends", package)
    todo = f"sudo {' '.join(command)}"
    if shutil.which("apt-get") is None:
        stop(server, f"{missing}, and this system has no apt-get.", instead)
    if os.geteuid() == 0:
        as_root: list[str] = []
    elif subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        as_root = ["sudo", "-n"]
    else:
        stop(server, f"{missing}, and only root may install it.", todo)
    print(f"Installing Debian's {package} ...", file=sys.stderr)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in ([*command], ["apt-get", "update"], [*command]):
        process = subprocess.run([*as_root, *step], capture_output=True, env=quiet, check=False)
        if step[1] == "install" and process.returncode == 0:
            break
    else:
        stop(server, f"apt-get could not install it: {process.stderr.decode()[-300:]}", todo)
    if (result := find()) is None:
        stop(server, f"apt-get installed {package}, but {missing}.", todo)
    return result


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def free(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) != 0


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        tried = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in tried:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in tried]
