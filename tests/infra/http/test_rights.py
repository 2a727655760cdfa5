"""Every request needs a token with the right and for the seller."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from infra.access import tokens
from infra.cli.token import app
from infra.examples import example
from tests.infra.http.conftest import BATCH, STRUCTURED, Server, batch, embedded, problem, running
from tests.messages import life_cycle, paid, placed, receipt, tick

READS = ("/stock", "/penalty", "/kpi", "/orders", "/orders/N-1", "/returns", "/activity", "/parked",
    "/outcomes", "/messages?seller=acme&hour=2026-03-12T10", "/messages/shop/1?seller=acme")  # fmt: skip


def policy() -> bytes:
    return json.dumps(example("jumun.inbound.policy-adoption-requested.v1")).encode()


def post(client: httpx.Client, raw: bytes) -> httpx.Response:
    return client.post("/messages?wait=5", content=raw, headers=STRUCTURED)


@pytest.mark.parametrize("path", READS)
def test_reading_needs_a_token_with_the_right_to_read(module_served: Server, path: str) -> None:
    answer = module_served.anybody().get(path)
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    problem(module_served.anybody({"authorization": "Bearer jumun_made-up"}).get(path), 401)
    problem(module_served.anybody({"authorization": "Basic YTpi"}).get(path), 401)
    refusal = problem(module_served.client("publish", "tick", "policy", "metrics").get(path), 403)
    assert "read" in refusal["detail"]


def test_publishing_needs_a_token_with_the_right_to_publish(served: Server) -> None:
    problem(post(served.anybody(), receipt(1)), 401)
    assert "publish" in problem(post(served.client("read", "metrics"), receipt(1)), 403)["detail"]
    refused = problem(post(served.client("tick", "policy"), receipt(1)), 403)
    assert refused["wrong"][0]["error"] == "the token lacks the right: publish"
    assert post(served.client("publish"), receipt(1)).status_code == 200


def test_sending_a_tick_needs_its_own_right(served: Server) -> None:
    refusal = problem(post(served.client("publish", "policy"), tick("2026-03-12T10:00:00+09:00")), 403)
    assert "tick" in refusal["wrong"][0]["error"]
    assert post(served.client("tick"), tick("2026-03-12T10:00:00+09:00")).status_code == 200


def test_a_tick_without_a_seller_needs_a_token_for_all_sellers(served: Server) -> None:
    for_one = served.client("tick", sellers=("acme",))
    problem(post(for_one, tick("2026-03-12T10:00:00+09:00")), 403)
    assert post(for_one, tick("2026-03-12T10:00:00+09:00", "acme")).status_code == 200


def test_adopting_a_policy_needs_its_own_right(served: Server) -> None:
    problem(post(served.client("publish", "tick"), policy()), 403)
    assert post(served.client("policy"), policy()).status_code == 200


def test_metrics_need_a_right_if_other_machines_can_reach_the_server(tmp_path: Path) -> None:
    with running(embedded(tmp_path, http_host="0.0.0.0")) as served:
        problem(served.anybody().get("/metrics"), 401)
        problem(served.client("read").get("/metrics"), 403)
        assert "jumun_http_requests_total" in served.client("metrics").get("/metrics").text
        assert served.anybody().get("/healthz").status_code == 200


def test_a_token_is_only_for_its_sellers(served: Server) -> None:
    post(served.client("publish"), receipt(1))
    post(served.client("publish"), receipt(1, seller="other"))
    client = served.client("publish", "read", sellers=("acme", "third"))
    problem(post(client, receipt(2, seller="other")), 403)
    for path in READS:
        problem(client.get(path.partition("?")[0], params={**parameters_of(path), "seller": "other"}), 403)
    assert [row["seller_id"] for row in client.get("/stock").json()["rows"]] == ["acme"]
    assert {row["seller_id"] for row in client.get("/orders").json()["rows"]} == {"acme"}
    assert {row["seller_id"] for row in client.get("/activity").json()["rows"]} == {"acme"}
    assert [row["sent"] for row in client.get("/outcomes").json()["rows"]] == [1, 0]


def parameters_of(path: str) -> dict[str, Any]:
    return {"hour": "2026-03-12T10"} if "hour" in path else {}


def test_an_order_of_another_seller_is_not_found(served: Server) -> None:
    body = batch(receipt(1), *life_cycle("N-1"), placed("N-1", seller="other"))
    served.client("publish").post("/messages?wait=5", content=body, headers=BATCH)
    assert len(served.client("read").get("/orders/N-1").json()["rows"]) == 2
    assert len(served.client("read", sellers=("acme", "third")).get("/orders/N-1").json()["rows"]) == 1
    problem(served.client("read", sellers=("third",)).get("/orders/N-1"), 404)


def test_parked_messages_are_shown_only_to_their_seller(served: Server) -> None:
    post(served.client("publish"), paid("X"))
    assert served.client("read").get("/parked").json()["rows"][0]["reason"].startswith("waits for order X")
    assert served.client("read", sellers=("other",)).get("/parked").json()["rows"] == []


def test_a_batch_with_a_message_that_is_not_allowed_is_refused_as_a_whole(served: Server) -> None:
    client = served.client("publish", sellers=("acme",))
    body = batch(receipt(1), receipt(2, seller="other"), policy())
    refusal = problem(client.post("/messages", content=body, headers=BATCH), 403)
    assert [(one["index"], one["rule"]) for one in refusal["wrong"]] == [
        (1, "other_seller"),
        (2, "right_missing"),
    ]
    assert served.client("read").get("/outcomes").json()["rows"][0]["sent"] == 0


def test_without_a_token_file_every_request_is_refused(tmp_path: Path) -> None:
    with running(embedded(tmp_path)) as served:
        assert "does not exist" in served.services.tokens.trouble
        problem(served.anybody({"authorization": "Bearer x"}).get("/stock"), 401)
        assert served.anybody().get("/healthz").json() == {"status": "alive"}
        assert served.client("read").get("/stock").status_code == 200, "a file that is created later is read"


def test_a_token_removed_from_the_file_is_invalid_at_once(served: Server, tmp_path: Path) -> None:
    client = served.client("read")
    assert client.get("/stock").status_code == 200
    file = tmp_path / "tokens.toml"
    file.write_text("[[token]]\nname = 1")
    problem(client.get("/stock"), 401)
    assert "token.0" in served.services.tokens.trouble


def test_a_token_is_shown_once_and_its_hash_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    words = ["new", "shop", "--seller", "acme", "--right", "publish", "--right", "read", "--file", str(file)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    secret = result.stdout.splitlines()[0]
    assert secret.startswith("jumun_")
    assert secret not in file.read_text()
    assert os.stat(file).st_mode & 0o777 == 0o600  # noqa: PTH116
    entry = tokens.Tokens(file).find(secret)
    assert entry is not None
    assert (entry.sellers, entry.rights) == (["acme"], ["publish", "read"])
    assert CliRunner().invoke(app, words).exit_code == 2, "names are unique"
    listed = CliRunner().invoke(app, ["list", "--file", str(file), "--json"])
    assert json.loads(listed.stdout) == [{"name": "shop", "sellers": ["acme"], "rights": ["publish", "read"]}]
    assert "shop" in CliRunner().invoke(app, ["list", "--file", str(file)]).stdout


@pytest.mark.parametrize("words", [["--right", "fly"], ["--right", "read", "--seller", "a b"]])
def test_a_token_with_an_unknown_right_or_seller_is_not_created(tmp_path: Path, words: list[str]) -> None:
    file = tmp_path / "tokens.toml"
    result = CliRunner().invoke(app, ["new", "shop", "--seller", "acme", *words, "--file", str(file)])
    assert result.exit_code == 2
    assert not file.exists()
