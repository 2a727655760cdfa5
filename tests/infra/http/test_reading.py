"""Reading over HTTP: messages one by one and by hour, and the questions of the command line."""

import csv
import io
import json
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from infra.http.request_limits import LIMITS
from tests.infra.http.conftest import STRUCTURED, Send, Server, problem
from tests.messages import key, life_cycle, message, paid, placed, receipt


def rows(client: httpx.Client, path: str, **parameters: object) -> list[dict[str, object]]:
    answer = client.get(path, params={name: str(value) for name, value in parameters.items()})
    assert answer.status_code == 200, answer.text
    page: list[dict[str, object]] = answer.json()["rows"]
    return page


def test_the_state_of_a_message_has_its_history(send: Send, client: httpx.Client) -> None:
    send(receipt(1), paid("N-1"))
    parked = client.get("/messages/shop/paid-N-1?seller=acme").json()
    assert (parked["state"], parked["data"]) == ("parked", {"reason": "waits for order N-1"})
    send(placed("N-1"))
    message_state = client.get("/messages/shop/paid-N-1?seller=acme").json()
    assert message_state["state"] == "accepted"
    assert [(one["state"], one["was"]) for one in message_state["history"]] == [
        ("parked", None),
        ("accepted", "parked"),
    ]
    assert message_state["as_of_position"] >= message_state["caused"]["last_position"]


@pytest.mark.parametrize("source", ["https://shop.example/a?b=c", "urn:a/b/c", "/", "%2F", "a+b", "~"])
@pytest.mark.parametrize("name", ["plain", "with/slash", "주문 1", "50%", "a?b#c", "%2F"])
def test_a_message_is_found_with_any_source_and_id(module_served: Server, source: str, name: str) -> None:
    client = module_served.client("publish", "read")
    raw = message("order-paid", {**key("N"), "payment_id": "p", "amount": 1}, id=name, source=source)
    location = client.post("/messages", content=raw, headers=STRUCTURED).headers["location"]
    assert location == f"/messages/{quote(source, safe='')}/{quote(name, safe='')}?seller=acme"
    message_state = client.get(location).json()
    assert (message_state["source"], message_state["id"]) == (source, name)


def test_an_unknown_message_is_not_found(client: httpx.Client) -> None:
    assert "yet" in problem(client.get("/messages/shop/nothing?seller=acme"), 404)["detail"]
    problem(client.get("/messages/shop/%FF?seller=acme"), 422)
    problem(client.get("/messages/shop/%00?seller=acme"), 422)
    problem(client.get("/messages/shop/nothing"), 422)
    problem(client.get("/messages/shop/no/thing?seller=acme"), 404)


def test_all_messages_of_an_hour_are_listed_page_by_page(send: Send, client: httpx.Client) -> None:
    send(*(receipt(number) for number in range(25)), receipt(1, seller="other"), receipt(3))
    now = datetime.now(UTC)
    hours = {f"{at:%Y-%m-%dT%H}" for at in (now, datetime.fromtimestamp(now.timestamp() - 60, UTC))}
    listed: list[str] = []
    for hour in sorted(hours):
        cursor: str | None = ""
        while cursor is not None:
            parameters: dict[str, str | int] = {"seller": "acme", "hour": hour, "limit": 10}
            if cursor:
                parameters["cursor"] = cursor
            page = client.get("/messages", params=parameters).json()
            assert len(page["rows"]) <= 10
            listed += [f"{one['id']} {one['state']}" for one in page["rows"]]
            cursor = page["next"]
    assert listed == [*(f"in-acme-{number} accepted" for number in range(25)), "in-acme-3 duplicate"]
    assert rows(client, "/messages", seller="acme", hour="2001-01-01T00Z") == []
    problem(client.get("/messages?seller=acme&hour=2001-02-30T00"), 422)


def test_a_read_with_min_position_sees_the_message_sent_before(send: Send, client: httpx.Client) -> None:
    for number in range(5):
        position = send(receipt(number, pieces=1)).json()["min_position"]
        answer = client.get("/stock", params={"min_position": position, "seller": "acme"}).json()
        assert answer["as_of_position"] >= position
        assert answer["rows"][0]["on_hand"] == number + 1


def test_a_read_waits_a_limited_time_for_its_position(client: httpx.Client, send: Send) -> None:
    send(receipt(1))
    answer = client.get("/stock?min_position=1000")
    assert f"{LIMITS.folded_within_s:g} s" in problem(answer, 504)["detail"]
    assert answer.headers["retry-after"]


def test_the_answer_for_an_order_has_its_timeline(send: Send, client: httpx.Client) -> None:
    send(receipt(1), *life_cycle("N/1 ?"))
    answers = rows(client, f"/orders/{quote('N/1 ?', safe='')}", seller="acme")
    assert "'to': 'delivered'" in str(answers[0]["timeline"])
    problem(client.get("/orders/unknown"), 404)


def test_http_and_the_command_line_give_the_same_answers(
    send: Send, client: httpx.Client, served: Server
) -> None:
    send(receipt(1), receipt(2, sku="=DESK"), *life_cycle("N-1"), placed("N-2"), paid("N-3"))
    where = str(served.home)
    for path in ("/stock", "/penalty", "/kpi", "/orders", "/activity", "/returns", "/orders/N-1"):
        words = path.strip("/").replace("orders/", "order ").split()
        result = CliRunner().invoke(app, [*words, "--home", where, "--json"])
        assert result.exit_code == 0, result.output
        expected = json.loads(result.stdout)
        answers = rows(client, path)
        assert [
            {name: row[name] for name in one} for row, one in zip(answers, expected, strict=True)
        ] == expected
        as_csv = client.get(path, headers={"accept": "text/csv"})
        assert as_csv.headers["content-type"].startswith("text/csv")
        if path in {"/stock", "/penalty"}:
            printed = CliRunner().invoke(app, [*words, "--home", where, "--csv"])
            assert as_csv.content == printed.stdout_bytes
        assert len(list(csv.DictReader(io.StringIO(as_csv.text)))) == len(expected)
        assert as_csv.headers["jumun-as-of-position"] == str(client.get(path).json()["as_of_position"])


def test_answers_come_page_by_page(send: Send, client: httpx.Client) -> None:
    send(*(receipt(n, sku=f"SKU-{n}", seller=f"s-{n % 3}") for n in range(20)))
    parameters: dict[str, str] = {"limit": "3"}
    keys: list[tuple[str, str]] = []
    while True:
        page = client.get("/stock", params=parameters).json()
        keys += [(row["seller_id"], row["sku"]) for row in page["rows"]]
        if page["next"] is None:
            break
        assert len(page["rows"]) == 3
        parameters["cursor"] = page["next"]
    assert len(keys) == len(set(keys)) == 20
    assert keys == sorted(keys)
    problem(client.get("/stock?cursor=made-up"), 422)


def test_parked_messages_are_listed_page_by_page(send: Send, client: httpx.Client) -> None:
    send(*(paid(f"N-{n}") for n in range(7)))
    first = client.get("/parked?limit=4").json()
    second = client.get("/parked", params={"limit": 4, "cursor": first["next"]}).json()
    assert [row["number"] for row in (*first["rows"], *second["rows"])] == [1, 2, 3, 4, 5, 6, 7]
    assert second["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        "seler=acme",
        "seller=a%00b",
        "limit=0",
        "limit=100000",
        "min_position=-1",
        "sku=%00",
        "seller=a%20b",
        "limit=x",
    ],
)
def test_an_invalid_parameter_is_refused_and_named(module_served: Server, query: str) -> None:
    refusal = problem(module_served.client("read").get(f"/stock?{query}"), 422)
    assert refusal["wrong"][0]["field"] == query.partition("=")[0]


def test_filters_select_rows(send: Send, client: httpx.Client) -> None:
    send(receipt(1), receipt(2, sku="DESK"), *life_cycle("N-1"))
    assert [row["sku"] for row in rows(client, "/stock", sku="DESK", channel="naver")] == ["DESK"]
    assert rows(client, "/orders", since="2026-03-09", until="2026-03-10")[0]["orders"] == 1
    assert rows(client, "/orders", since="2026-03-10")[0]["orders"] == 0
    assert rows(client, "/kpi", name="on_time_shipment", until="2001-01-01")[0]["denominator"] == 0
    assert rows(client, "/activity", kind="stock.*", since="1970-01-01", until="9998-12-31", by_reason=True)
    assert rows(client, "/activity", kind="nothing.*") == []
    assert rows(client, "/penalty", seller="acme", as_of="2026-03-31T00:00:00+09:00", channel="coupang")
    for day in ("1970-01-01T00:00:00Z", "9998-12-31T23:59:59Z"):
        assert rows(client, "/penalty", seller="acme", as_of=day)
    problem(client.get("/stock?seller=nobody"), 404)
