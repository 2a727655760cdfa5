"""Operating a server: health and readiness, metrics, log lines, limits, start and stop."""

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from eventsourcing.persistence import OperationalError
from structlog.testing import capture_logs
from typer.testing import CliRunner

from infra.cli.serve import serve
from infra.embedded.writer import InUse
from infra.http.request_limits import Limits
from infra.http.server import is_loopback
from infra.settings import Settings
from infra.wiring.embedded import writing
from infra.wiring.server import HalfSet, is_production, opened
from tests.infra.http.conftest import STRUCTURED, Send, Server, embedded, problem, running
from tests.infra.kafka.trying import until
from tests.messages import placed, receipt

TRACE = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"


def test_a_working_server_is_alive_and_ready(served: Server, send: Send) -> None:
    send(receipt(1))
    anybody = served.anybody()
    assert anybody.get("/healthz").json() == {"status": "alive"}
    body = anybody.get("/readyz").json()
    assert body["ready"]
    assert [check["name"] for check in body["checks"]] == ["ledger", "read models", "intake"]


def test_metrics_are_labelled_by_route_and_not_by_path(served: Server, client: httpx.Client) -> None:
    client.get("/messages/secret-source/secret-id?seller=acme")
    client.get("/no-such-path")
    text = served.anybody().get("/metrics").text
    assert 'jumun_http_requests_total{method="GET",route="/messages/{source}/{id}",status="404"}' in text
    assert 'route="none",status="404"' in text
    assert "secret" not in text


def test_a_line_for_each_request_names_nothing_personal(client: httpx.Client) -> None:
    with capture_logs() as lines:
        answer = client.post(
            "/messages?wait=5", content=placed("N-42"), headers={**STRUCTURED, "traceparent": TRACE}
        )
        until(lambda: bool(lines))  # the line is written after the response
    assert answer.status_code == 200
    line = next(one for one in lines if one["event"] == "request_answered")
    assert (line["method"], line["route"], line["status"]) == ("POST", "/messages", 200)
    assert line["correlation"] == TRACE
    assert line["duration_ms"] > 0
    assert "N-42" not in str(lines)


def test_a_method_that_a_path_does_not_support_is_refused(client: httpx.Client) -> None:
    answer = client.delete("/stock")
    problem(answer, 405)
    assert answer.headers["allow"] == "GET"


def test_too_many_concurrent_requests_get_retry_after(tmp_path: Path) -> None:
    with running(embedded(tmp_path), limits=Limits(at_once=0)) as server:
        answer = server.client("read").get("/stock")
        problem(answer, 503)
        assert answer.headers["retry-after"]


def test_a_request_that_takes_too_long_times_out(tmp_path: Path) -> None:
    with running(embedded(tmp_path), limits=Limits(within_s=0.3)) as server:
        problem(server.client("read").get("/stock?min_position=99"), 504)


def test_an_internal_error_shows_no_traceback(
    served: Server, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        msg = "secret"
        raise RuntimeError(msg)

    monkeypatch.setattr(served.services.reads.read_models, "reading", fail)
    answer = client.get("/stock")
    problem(answer, 500)
    assert "secret" not in answer.text


def test_an_unreachable_database_is_reported(
    served: Server, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        msg = "host=secret"
        raise OperationalError(msg)

    monkeypatch.setattr(served.services.reads.ledger, "rows", fail)
    for path in ("/outcomes", "/parked", "/messages/shop/1?seller=acme"):
        answer = client.get(path)
        assert "secret" not in str(problem(answer, 503))
        assert answer.headers["retry-after"]
    ready = served.anybody().get("/readyz")
    assert ready.status_code == 503
    assert not ready.json()["ready"]


def test_after_a_failed_commit_the_engine_restarts_and_a_repeat_is_harmless(tmp_path: Path) -> None:
    full = threading.Event()
    full.set()

    def fail(point: str) -> None:
        if point == "ledger.before" and full.is_set():
            msg = "disk full"
            raise OSError(msg)

    with running(embedded(tmp_path), faults=fail) as server:
        client = server.client("publish")
        answer = client.post("/messages?wait=5", content=receipt(1), headers=STRUCTURED)
        problem(answer, 503)
        assert answer.headers["retry-after"]
        full.clear()
        answer = client.post("/messages?wait=10", content=receipt(1), headers=STRUCTURED)
        assert answer.json()["messages"][0]["outcome"]["state"] == "accepted"
        assert server.anybody().get("/readyz").json()["ready"]


def test_slow_senders_do_not_block_others(served: Server, client: httpx.Client) -> None:
    with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as slow:
        slow.sendall(b"POST /messages HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n")
        assert client.get("/stock").status_code == 200


def test_one_process_writes_to_the_embedded_ledger(tmp_path: Path) -> None:
    settings = embedded(tmp_path)
    with writing(settings), pytest.raises(InUse), opened(settings):
        pass


def test_production_is_kafka_and_postgresql_together() -> None:
    assert not is_production(Settings())
    with pytest.raises(HalfSet, match="JUMUN_DATABASE_URL"):
        is_production(Settings(kafka="localhost:9092"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_by_default_only_this_machine_is_served(host: str) -> None:
    assert is_loopback(Settings().http_host)
    assert is_loopback(host)
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("jumun.example")


def test_accepted_messages_are_decided_before_a_server_stops(tmp_path: Path) -> None:
    settings = embedded(tmp_path)
    with running(settings) as served:
        client = served.client("publish")
        for number in range(20):
            assert client.post("/messages", content=receipt(number), headers=STRUCTURED).status_code == 202
    with running(settings) as served:
        assert served.client("read").get("/outcomes").json()["rows"][0]["accepted"] == 20


def test_a_port_in_use_is_explained(tmp_path: Path) -> None:
    import typer  # noqa: PLC0415

    app = typer.Typer()
    app.command()(serve)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = CliRunner().invoke(
            app, ["--port", str(taken.getsockname()[1]), "--home", str(tmp_path / "h")]
        )
    assert result.exit_code == 3
    assert "choose another --port" in result.output


def test_the_command_serves_until_sigterm(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = "import typer; from infra.cli.serve import serve; typer.run(serve)"
    words = ["--port", str(port), "--home", str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-c", command, *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines = [process.stderr.readline()]
    while "Listening" not in lines[-1]:
        lines.append(process.stderr.readline())
    assert "No request is allowed yet" in "".join(lines)
    transport = httpx.HTTPTransport(retries=5)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport) as client:
        assert client.get("/healthz").status_code == 200
        problem(client.get("/stock"), 401)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stderr.close()
