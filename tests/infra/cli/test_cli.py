"""The command line, as used by people and by programs."""

import csv
import fcntl
import gzip
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from domain.order.refund import WorkOutRefund
from infra.cli.main import app
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.settings import LEDGER, Settings
from infra.wiring.embedded import writing
from tests.bugs import deadline_of, with_bug, without
from tests.messages import key, life_cycle, message, paid, placed, receipt, tick

COMMANDS = [
    "demo", "ingest", "check", "convert", "stock", "penalty", "kpi", "orders", "order", "returns", "refunds",
    "activity",    "outcomes", "explain", "verify",
]  # fmt: skip
WAITING = ["parked list", "parked show", "parked release", "parked drop"]
POLICIES = ["policies list", "policies show", "policies check"]
FAILED = ["deadlines list", "deadlines release"]


def run(*words: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=stdin)


def answered(*words: object) -> list[dict[str, Any]]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo")
    result = run("demo", "--orders", 300, "--home", home)
    assert result.exit_code == 0, result.output
    assert "every invariant holds" in " ".join(result.output.split())
    assert "What to try next" in result.output
    return home


@pytest.fixture
def home(demo: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the demo that a test may change."""
    return shutil.copytree(demo, tmp_path / "home")  # type: ignore[return-value]


@pytest.mark.parametrize("command", [*COMMANDS, *WAITING, *POLICIES, *FAILED])
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    if command in COMMANDS:
        assert "jumun" in result.output.split("Options")[0], "an example is missing"


@pytest.mark.parametrize(
    "command", ["stock", "penalty", "kpi", "orders", "returns", "refunds", "activity", "outcomes"]
)
def test_every_question_answers_in_a_table_in_json_and_in_csv(command: str, demo: Path) -> None:
    table = run(command, "--home", demo)
    assert table.exit_code == 0, table.output
    rows = answered(command, "--home", demo)
    assert rows
    listed = list(csv.DictReader(io.StringIO(run(command, "--home", demo, "--csv").stdout)))
    assert [set(row) for row in listed] == [set(row) for row in rows]


def test_answers_have_their_position_and_time(demo: Path) -> None:
    for command in ("stock", "penalty", "kpi", "orders", "returns", "refunds", "activity"):
        row = answered(command, "--home", demo)[0]
        assert row["as_of_position"] > 0, command
        assert row["as_of"].startswith("2026-"), command


def test_filters_by_seller_channel_and_day(demo: Path) -> None:
    every = answered("orders", "--home", demo)[0]["orders"]
    naver = answered("orders", "--home", demo, "--channel", "naver")[0]["orders"]
    early = answered("orders", "--home", demo, "--until", "2026-03-10")[0]["orders"]
    assert 0 < naver < every
    assert 0 < early < every


def test_an_order_s_timeline_names_causes(demo: Path) -> None:
    (answer,) = answered("order", "N-000042", "--home", demo)
    events = [entry["event"] for entry in answer["timeline"]]
    assert events[0] == "placed"
    assert "reserved" in events
    assert all(entry["cause"] for entry in answer["timeline"])
    assert run("order", "N-000042", "--home", demo).exit_code == 0


def test_an_order_s_timeline_has_what_happened_to_its_returns(tmp_path: Path) -> None:
    opened = {
        **key("N-1"),
        "return_id": "R-1",
        "lines": [{"line": "1", "pieces": 1}],
        "reason": "changed_mind",
    }
    unit = {"line": "1", "pieces": 1, "condition": "new", "disposition": "restock"}
    inspected = {"return_id": "R-1", "inspection_id": "i1", "units": [unit]}
    returned = [
        message("return-requested", opened, id="r1", at="2026-03-12T10:00:00+09:00", actor="lee"),
        message("return-collected", {"return_id": "R-1"}, id="r2", at="2026-03-13T10:00:00+09:00"),
        message("return-received", {"return_id": "R-1"}, id="r3", at="2026-03-14T10:00:00+09:00"),
        message("return-inspected", inspected, id="r4", at="2026-03-14T11:00:00+09:00", actor="lee"),
    ]
    other = [*life_cycle("N-2"), receipt(2)]
    with writing(Settings(home=tmp_path)) as embedded:
        embedded.ingest([receipt(1), *life_cycle("N-1"), *other, *returned])
    (answer,) = answered("order", "N-1", "--home", tmp_path)
    events = [(entry["stream"], entry["event"]) for entry in answer["timeline"]]
    assert [event for stream, event in events if stream == "return R-1"] == [
        "requested",
        "collected",
        "received",
        "inspected",
    ]
    assert ("stock CHAIR", "received") not in events, "the receipts of other messages"
    assert ("stock CHAIR", "return-restocked") in events


def test_an_unknown_order_is_an_error(demo: Path) -> None:
    result = run("order", "none", "--home", demo)
    assert result.exit_code == 2
    assert "There is no order none" in result.stderr


def test_verify_prints_both_digests_and_fails_for_a_row_changed_by_hand(home: Path) -> None:
    verdict = answered("verify", "--home", home)[0]
    assert verdict["holds"]
    assert all(digest["stored"] == digest["counted"] for digest in verdict["digests"].values())
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(home / "read_models.sqlite") as connection:
        connection.execute("UPDATE order_status SET delivered = delivered + 1 WHERE order_id = 'N-000042'")
    connection.close()
    result = run("verify", "--home", home)
    assert result.exit_code == 1
    assert "order_status" in result.output
    assert "N-000042" in result.output


def test_a_wrong_decision_is_no_damage_and_its_message_corrects_it(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "corrections.ndjson"
    cancelled = {**key("N-1"), "cancellation_id": "c1", "reason": "customer_request"}
    with writing(Settings(home=home), deciders=without("order", WorkOutRefund)) as embedded:
        cancel = message("order-cancelled", cancelled, id="c1")
        embedded.ingest([receipt(1), placed("N-1"), paid("N-1"), cancel])
    result = run("verify", "--corrections", file, "--home", home)
    assert result.exit_code == 6
    assert "order-check-requested" in result.output
    (finding,) = json.loads(run("verify", "--json", "--home", home).stdout)[0]["findings"]
    assert finding["stream"] == "order/acme/naver:main:N-1"
    assert run("ingest", file, "--home", home).exit_code == 0
    verdict = answered("verify", "--home", home)[0]
    assert (verdict["holds"], verdict["findings"], verdict["corrections"]) == (True, [], [])


def test_the_outcomes_add_up_to_all_that_was_sent(demo: Path) -> None:
    sums = answered("outcomes", "--home", demo)[0]
    assert sums.pop("sent") == sum(sums.values())
    recent = answered("outcomes", "--home", demo, "--last", 5)
    assert len(recent) == 5
    assert all(row["rule"] for row in recent if row["state"] != "conflict")


def test_a_file_is_ingested_once_however_often_it_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "orders.ndjson.gz"
    file.write_bytes(gzip.compress(b"\n".join([receipt(1), *life_cycle("1")])))
    first = answered("ingest", file, "--home", tmp_path / "home")[0]
    again = answered("ingest", file, "--home", tmp_path / "home")[0]
    assert (first["accepted"], first["duplicate"]) == (6, 0)
    assert (again["accepted"], again["duplicate"]) == (0, 6)


def test_a_pipe_is_ingested(tmp_path: Path) -> None:
    result = run("ingest", "-", "--home", tmp_path / "home", "--json", stdin=receipt(1) + b"\n" + b"junk\n")
    assert result.exit_code == 0, result.output
    moved = json.loads(result.stdout)[0]
    assert (moved["accepted"], moved["set_aside"]) == (1, 1)


def test_check_stores_nothing_and_names_field_and_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "orders.ndjson"
    file.write_bytes(b"\n".join([receipt(1), receipt(1).replace(b"100", b'"x"'), b"{"]))
    result = run("check", file)
    assert result.exit_code == 1
    assert "data.pieces" in result.output
    assert "byte 1" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders.ndjson"]
    file.write_bytes(receipt(1))
    assert run("check", file).exit_code == 0


def test_parked_messages_are_listed_shown_released_and_dropped(tmp_path: Path) -> None:
    file, home = tmp_path / "early.ndjson", tmp_path / "home"
    file.write_bytes(b"\n".join([receipt(1), paid("1"), paid("2")]))
    run("ingest", file, "--home", home)
    first, second = answered("parked", "list", "--home", home)
    shown = run("parked", "show", first["number"], "--home", home)
    assert "pay-1" in shown.output
    assert answered("parked", "release", first["number"], "--home", home)[0]["accepted"] == 0
    assert answered("parked", "drop", second["number"], "--home", home)[0]["dropped"] == 1
    assert [row["number"] for row in answered("parked", "list", "--home", home)] == [first["number"]]
    assert run("parked", "show", 99, "--home", home).exit_code == 2


def kind_by_hand(home: Path, kind: str) -> None:
    """Sets the kind of all pending deadlines.  A deadline of an unknown kind fails when it is released."""
    with closing(SqliteLedger(str(home / LEDGER))) as ledger, ledger.changing() as by_hand:
        by_hand.rows("UPDATE timers SET kind = :kind RETURNING key", kind=kind)


def test_deadlines_that_failed_are_listed_and_released(tmp_path: Path) -> None:
    home = tmp_path / "home"
    buggy = with_bug(deadline_of("FUSE"), ZeroDivisionError())
    with writing(Settings(home=home), deciders=buggy) as embedded:
        embedded.ingest([receipt(1), placed("1"), paid("1"), placed("2", sku="FUSE"), paid("2")])
        embedded.ingest([tick("2026-04-01T00:00:00Z")])
    (failed,) = answered("deadlines", "list", "--home", home)
    assert (failed["at"], failed["kind"]) == ("order/acme/naver:main:2", "ship-by")
    assert "naver:main:2" in run("deadlines", "list", "--home", home).output
    assert answered("deadlines", "release", "--seller", "other", "--home", home)[0]["fell"] == 0
    kind_by_hand(home, "of another build")
    result = run("deadlines", "release", "--home", home)
    assert (result.exit_code, "0 succeeded, 1 failed again" in result.output) == (1, True)
    kind_by_hand(home, "ship-by")
    assert answered("deadlines", "release", "--home", home) == [{"fell": 1, "failed_again": 0}]
    assert answered("deadlines", "list", "--home", home) == []


def test_a_second_writer_is_refused_clearly(tmp_path: Path) -> None:
    file, home = tmp_path / "one.ndjson", tmp_path / "home"
    file.write_bytes(receipt(1))
    home.mkdir()
    with (home / "writer.lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run("ingest", file, "--home", home)
    assert result.exit_code == 3
    assert "process 4711 is writing" in " ".join(result.stderr.split())
    assert "next:" in result.stderr


@pytest.mark.parametrize(
    "words", [("stock",), ("verify",), ("outcomes",), ("parked", "list"), ("order", "1")]
)
def test_the_error_of_a_question_without_a_ledger_has_advice(words: tuple[str, ...], tmp_path: Path) -> None:
    result = run(*words, "--home", tmp_path / "none")
    assert result.exit_code == 2
    assert "jumun demo" in " ".join(result.stderr.split())
    assert not (tmp_path / "none").exists()


def test_a_missing_file_and_a_missing_seller(demo: Path, tmp_path: Path) -> None:
    assert run("ingest", tmp_path / "none", "--home", tmp_path / "home").exit_code == 2
    assert run("stock", "--seller", "nobody", "--home", demo).exit_code == 2
