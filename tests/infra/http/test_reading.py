"""What can be asked over HTTP: messages one by one and by hour, and the questions of the command line."""

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


def rows(client: httpx.Client, path: str, **asked: object) -> list[dict[str, object]]:
    answer = client.get(path, params={name: str(value) for name, value in asked.items()})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["rows"]
    return found


def test_what_became_of_a_message_is_told_with_its_history(send: Send, client: httpx.Client) -> None:
    send(receipt(1), paid("N-1"))
    parked = client.get("/messages/shop/paid-N-1?seller=acme").json()
    assert (parked["state"], parked["data"]) == ("parked", {"reason": "waits for order N-1"})
    send(placed("N-1"))
    told = client.get("/messages/shop/paid-N-1?seller=acme").json()
    assert told["state"] == "accepted"
    assert [(one["state"], one["was"]) for one in told["history"]] == [
        ("parked", None),
        ("accepted", "parked"),
    ]
    assert told["as_of_position"] >= told["caused"]["last_position"]


@pytest.mark.parametrize("source", ["https://shop.example/a?b=c", "urn:a/b/c", "/", "%2F", "a+b", "~"])
@pytest.mark.parametrize("name", ["plain", "with/slash", "주문 1", "50%", "a?b#c", "%2F"])
def test_a_message_is_found_whatever_it_is_called(module_served: Server, source: str, name: str) -> None:
    client = module_served.client("publish", "read")
    raw = message("order-paid", {**key("N"), "payment_id": "p", "amount": 1}, id=name, source=source)
    place = client.post("/messages", content=raw, headers=STRUCTURED).headers["location"]
    assert place == f"/messages/{quote(source, safe='')}/{quote(name, safe='')}?seller=acme"
    told = client.get(place).json()
    assert (told["source"], told["id"]) == (source, name)


def test_a_message_that_is_not_known_is_not_found(client: httpx.Client) -> None:
    assert "yet" in problem(client.get("/messages/shop/nothing?seller=acme"), 404)["detail"]
    problem(client.get("/messages/shop/%FF?seller=acme"), 422)
    problem(client.get("/messages/shop/%00?seller=acme"), 422)
    problem(client.get("/messages/shop/nothing"), 422)
    problem(client.get("/messages/shop/no/thing?seller=acme"), 404)


def test_all_messages_of_an_hour_are_listed_page_by_page(send: Send, client: httpx.Client) -> None:
    send(*(receipt(number) for number in range(25)), receipt(1, seller="other"), receipt(3))
    now = datetime.now(UTC)
    hours = {f"{at:%Y-%m-%dT%H}" for at in (now, datetime.fromtimestamp(now.timestamp() - 60, UTC))}
    found: list[str] = []
    for hour in sorted(hours):
        cursor: str | None = ""
        while cursor is not None:
            asked: dict[str, str | int] = {"seller": "acme", "hour": hour, "limit": 10}
            if cursor:
                asked["cursor"] = cursor
            page = client.get("/messages", params=asked).json()
            assert len(page["rows"]) <= 10
            found += [f"{one['id']} {one['state']}" for one in page["rows"]]
            cursor = page["next"]
    assert found == [*(f"in-acme-{number} accepted" for number in range(25)), "in-acme-3 duplicate"]
    assert rows(client, "/messages", seller="acme", hour="2001-01-01T00Z") == []
    problem(client.get("/messages?seller=acme&hour=2001-02-30T00"), 422)


def test_what_was_sent_is_known_to_who_reads_it_next(send: Send, client: httpx.Client) -> None:
    for number in range(5):
        position = send(receipt(number, pieces=1)).json()["min_position"]
        found = client.get("/stock", params={"min_position": position, "seller": "acme"}).json()
        assert found["as_of_position"] >= position
        assert found["rows"][0]["on_hand"] == number + 1


def test_what_does_not_come_is_waited_for_a_while(client: httpx.Client, send: Send) -> None:
    send(receipt(1))
    answer = client.get("/stock?min_position=1000")
    assert f"{LIMITS.folded_within_s:g} s" in problem(answer, 504)["detail"]
    assert answer.headers["retry-after"]


def test_an_order_is_told_with_its_story(send: Send, client: httpx.Client) -> None:
    send(receipt(1), *life_cycle("N/1 ?"))
    found = rows(client, f"/orders/{quote('N/1 ?', safe='')}", seller="acme")
    assert "'to': 'delivered'" in str(found[0]["timeline"])
    problem(client.get("/orders/unknown"), 404)


def test_the_answers_are_those_of_the_command_line(send: Send, client: httpx.Client, served: Server) -> None:
    send(receipt(1), receipt(2, sku="=DESK"), *life_cycle("N-1"), placed("N-2"), paid("N-3"))
    where = str(served.home)
    for path in ("/stock", "/penalty", "/kpi", "/orders", "/activity", "/returns", "/orders/N-1"):
        words = path.strip("/").replace("orders/", "order ").split()
        said = CliRunner().invoke(app, [*words, "--home", where, "--json"])
        assert said.exit_code == 0, said.output
        told = json.loads(said.stdout)
        found = rows(client, path)
        assert [{name: row[name] for name in one} for row, one in zip(found, told, strict=True)] == told
        as_csv = client.get(path, headers={"accept": "text/csv"})
        assert as_csv.headers["content-type"].startswith("text/csv")
        if path in {"/stock", "/penalty"}:
            printed = CliRunner().invoke(app, [*words, "--home", where, "--csv"])
            assert as_csv.content == printed.stdout_bytes
        assert len(list(csv.DictReader(io.StringIO(as_csv.text)))) == len(told)
        assert as_csv.headers["jumun-as-of-position"] == str(client.get(path).json()["as_of_position"])


def test_answers_come_page_by_page(send: Send, client: httpx.Client) -> None:
    send(*(receipt(n, sku=f"SKU-{n}", seller=f"s-{n % 3}") for n in range(20)))
    asked: dict[str, str] = {"limit": "3"}
    found: list[tuple[str, str]] = []
    while True:
        page = client.get("/stock", params=asked).json()
        found += [(row["seller_id"], row["sku"]) for row in page["rows"]]
        if page["next"] is None:
            break
        assert len(page["rows"]) == 3
        asked["cursor"] = page["next"]
    assert len(found) == len(set(found)) == 20
    assert found == sorted(found)
    problem(client.get("/stock?cursor=made-up"), 422)


def test_what_waits_is_listed_page_by_page(send: Send, client: httpx.Client) -> None:
    send(*(paid(f"N-{n}") for n in range(7)))
    first = client.get("/parked?limit=4").json()
    second = client.get("/parked", params={"limit": 4, "cursor": first["next"]}).json()
    assert [row["number"] for row in (*first["rows"], *second["rows"])] == [1, 2, 3, 4, 5, 6, 7]
    assert second["next"] is None


@pytest.mark.parametrize(
    "asked",
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
def test_what_cannot_be_asked_is_refused_and_named(module_served: Server, asked: str) -> None:
    said = problem(module_served.client("read").get(f"/stock?{asked}"), 422)
    assert said["wrong"][0]["field"] == asked.partition("=")[0]


def test_filters_leave_what_was_asked_for(send: Send, client: httpx.Client) -> None:
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
