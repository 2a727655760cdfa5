"""Publishing messages over HTTP: single, as a batch, or in binary mode; and the responses."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.consumers.test_hostile import CORPUS
from tests.infra.http.conftest import BATCH, STRUCTURED, Send, Server, batch, problem
from tests.messages import life_cycle, message, paid, placed, receipt, tick


def outcomes(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [one["outcome"]["state"] for one in response.json()["messages"]]


def test_a_message_is_accepted_and_its_location_returned(client: httpx.Client) -> None:
    answer = client.post("/messages", content=receipt(1), headers=STRUCTURED)
    assert answer.status_code == 202
    assert answer.headers["location"] == "/messages/shop/in-acme-1?seller=acme"
    assert client.get(answer.headers["location"]).json()["state"] == "accepted"


def test_a_request_that_waits_gets_the_outcome_and_the_events(send: Send) -> None:
    body = send(receipt(1)).json()
    caused = body["messages"][0]["outcome"]["caused"]
    assert caused == {"first_id": "acme:1", "last_id": "acme:2", "first_position": 1, "last_position": 2}
    assert body["min_position"] == 2


def test_a_batch_is_answered_message_by_message(send: Send) -> None:
    answer = send(
        receipt(1), *life_cycle("N-1"), paid("N-2"), message("pack-requested", {}, id="x", actor="a")
    )
    assert problem(answer, 422)["wrong"][0]["index"] == 7
    answer = send(receipt(1), *life_cycle("N-1"), paid("N-2"))
    assert outcomes(answer) == ["accepted"] * 6 + ["parked"]
    assert [one["id"] for one in answer.json()["messages"]][-1] == "paid-N-2"


def test_a_batch_with_an_unreadable_message_is_refused_as_a_whole(client: httpx.Client) -> None:
    body = batch(receipt(1), b'{"specversion": 1}', receipt(2), receipt(3).replace(b'"pieces"', b'"pcs"'))
    refusal = problem(client.post("/messages", content=body, headers=BATCH), 422)
    assert [(one["index"], one["rule"], one["field"]) for one in refusal["wrong"]] == [
        (1, "unknown_type", "type"),
        (3, "missing", "data.pieces"),
    ]
    assert client.get("/outcomes").json()["rows"][0]["sent"] == 0


def test_a_repeated_message_is_a_duplicate_and_gets_the_first_outcome_again(send: Send) -> None:
    first = send(receipt(1)).json()["messages"][0]["outcome"]
    again = send(receipt(1)).json()
    assert again["messages"][0]["outcome"]["state"] == "duplicate"
    assert again["messages"][0]["before"] == first
    assert again["min_position"] == 2


def test_another_content_under_the_same_id_is_a_conflict(send: Send, client: httpx.Client) -> None:
    send(receipt(1))
    entry = send(receipt(1, pieces=7)).json()["messages"][0]
    assert entry["outcome"]["state"] == "conflict"
    assert entry["before"]["state"] == "accepted"
    message_state = client.get(entry["location"]).json()
    assert (message_state["state"], message_state["duplicates"], message_state["conflicts"]) == (
        "accepted",
        0,
        1,
    )


def test_a_refused_wish_gets_the_rule(send: Send) -> None:
    wish = message("pack-requested", packing("9"), id="pack", actor="choi")
    replies = [one["outcome"] for one in send(receipt(1), placed("N-1"), wish).json()["messages"]]
    assert replies[-1]["state"] == "refused"
    assert replies[-1]["rule"]
    assert replies[-1]["data"]["said"]


def packing(line: str) -> dict[str, Any]:
    lines = [{"line": line, "pieces": 1}]
    check = {"passed": True, "by": "choi"}
    return {"channel": "naver", "order_id": "N-1", "shipment_id": "s", "lines": lines, "quality_check": check}


def test_a_message_in_binary_mode_is_the_same_message(client: httpx.Client, send: Send) -> None:
    event = json.loads(placed("N-1"))
    data = event.pop("data")
    headers = {f"ce-{name}": value for name, value in event.items()} | {"content-type": "application/json"}
    answer = client.post("/messages?wait=5", json=data, headers=headers)
    assert outcomes(answer) == ["accepted"]
    assert outcomes(send(placed("N-1"))) == ["duplicate"]


def test_headers_of_binary_mode_may_be_percent_encoded(client: httpx.Client) -> None:
    body = json.loads(receipt(1))
    data = body.pop("data")
    headers = {f"ce-{name}": value for name, value in body.items()} | {"content-type": "application/json"}
    headers["ce-subject"] = "%EC%A3%BC%EB%AC%B8"
    assert outcomes(client.post("/messages?wait=5", json=data, headers=headers)) == ["accepted"]
    twice = [*headers.items(), ("ce-id", "another")]
    body = problem(client.post("/messages", json=data, headers=twice), 422)
    assert body["wrong"][0]["rule"] == "duplicate_key"


@pytest.mark.parametrize("media", ["", "text/plain", "application/json", "application/xml; charset=utf-8"])
def test_a_body_of_another_media_type_is_refused(client: httpx.Client, media: str) -> None:
    headers = {"content-type": media}
    problem(client.post("/messages", content=receipt(1), headers=headers), 415)


def test_a_tick_has_no_outcome_to_wait_for(send: Send) -> None:
    answer = send(receipt(1), tick("2026-03-12T10:00:00+09:00"))
    assert answer.status_code == 200
    reply = answer.json()["messages"][1]
    assert (reply["location"], reply["outcome"], reply["seller"]) == (None, None, None)


def test_a_batch_has_1_to_500_messages(client: httpx.Client) -> None:
    many = [receipt(number) for number in range(501)]
    refusal = problem(client.post("/messages", content=batch(*many), headers=BATCH), 422)
    assert refusal["wrong"][0]["rule"] == "too_many"
    assert client.post("/messages", content=batch(*many[:500]), headers=BATCH).status_code == 202
    problem(client.post("/messages", content=b" [ ] ", headers=BATCH), 422)


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[1", b"[{}", b"[{},", b"[{},]", b"[{}]x", b"{}", b"\xff", b"[[[", b"[" * 100_000]
)
def test_a_malformed_batch_is_refused_with_the_byte_or_the_field(client: httpx.Client, body: bytes) -> None:
    wrong = problem(client.post("/messages", content=body, headers=BATCH), 422)["wrong"][0]
    assert wrong["byte"] is not None or wrong["field"]


@pytest.mark.parametrize("media", [STRUCTURED, BATCH, {"content-type": "application/json", "ce-id": "1"}])
@pytest.mark.parametrize("name", CORPUS)
def test_hostile_input_is_refused_and_nothing_breaks(
    shared: httpx.Client, name: str, media: dict[str, str]
) -> None:
    body = batch(CORPUS[name]) if media is BATCH else CORPUS[name]
    answer = shared.post("/messages", content=body, headers=media)
    problem(answer, 413 if len(body) > 8 * 1024 * 1024 else 422)
    assert "010-1234" not in answer.text


@pytest.fixture(scope="module")
def shared(module_served: Server) -> httpx.Client:
    return module_served.client("publish")


def test_a_refusal_names_the_field_and_not_the_value(client: httpx.Client) -> None:
    secret = placed("N-1").replace(b'"pieces": 2', b'"pieces": "010-1234-5678"')
    answer = client.post("/messages", content=secret, headers=STRUCTURED)
    assert problem(answer, 422)["wrong"][0]["field"] == "data.lines.0.pieces"
    assert "010" not in answer.text


def test_a_body_that_is_too_large_is_refused_early(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        yield b"["
        while True:
            yield b" " * 65_536

    problem(client.post("/messages", content=b" " * (8 * 1024 * 1024 + 1), headers=BATCH), 413)
    # The server closes the connection while we write, so the response may be lost.
    with suppress(httpx.WriteError, httpx.ReadError):
        problem(client.post("/messages", content=endless(), headers=BATCH), 413)
    assert client.get("/healthz").status_code == 200


def test_concurrent_requests_share_commits(served: Server, client: httpx.Client) -> None:
    def sending(shop: int) -> None:
        for number in range(10):
            raw = receipt(number, seller=f"shop-{shop}")
            answer = client.post("/messages?wait=10", content=raw, headers=STRUCTURED)
            assert outcomes(answer) == ["accepted"]

    threads = [threading.Thread(target=sending, args=(shop,)) for shop in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    commits = served.services.reads.ledger.rows("SELECT count(*) FROM commits")[0][0]
    assert client.get("/outcomes").json()["rows"][0]["accepted"] == 80
    assert commits < 80
