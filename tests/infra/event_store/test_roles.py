"""The rights of each database role, and that it has no others, tested with a real server."""

import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from consumers.engine import Engine
from infra.audit.history import recorded_after
from infra.database_upgrade import upgrade
from infra.event_store.postgres.ledger import PostgresLedger, connect
from infra.event_store.postgres.roles import PARTS, role
from infra.event_store.postgres.url import Target
from infra.read_models.schema_setup import SchemaMissing
from infra.read_models.store import ReadModels
from projections.questions.order import order
from projections.questions.stock import stock
from tests.messages import life_cycle, placed, receipt, tick

PASSWORD = "not-a-secret"
LINES = [receipt(1), *life_cycle("1"), placed("2"), b"garbage \xff", tick("2026-03-20T00:00:00+09:00")]
HISTORY = ["stored_events", "commits", "outcomes", "inbox", "messages"]


class Server:
    """A ledger with its read models and roles, and a login for each role."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.schema = f"test_{uuid.uuid4().hex[:16]}"
        self.target = Target(url, self.schema, url, f"{self.schema}_read")
        self._logins: list[str] = []

    def login(self, name: str, rights: str = "") -> str:
        """The URL of a new login with these rights."""
        user = f"{self.schema}_login_{name}"
        self.run(f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}' {rights}")
        self._logins.append(user)
        database = conninfo_to_dict(self.url)
        return f"postgresql://{user}:{PASSWORD}@{database['host']}:{database['port']}/{database['dbname']}"

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def as_part(self, part: str) -> str:
        return self.login(part, f"IN ROLE {role(self.schema, part)}")

    def clear(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for name in (self.target.read_models_schema, self.schema):
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
            for name in (*self._logins, *(role(self.schema, part) for part in PARTS)):
                with suppress(errors.UndefinedObject):
                    connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
                    connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Server]:
    """A server with a few messages, decided by its owner."""
    created = Server(postgres_url)
    upgrade(created.target)
    with closing(PostgresLedger(postgres_url, schema=created.schema)) as ledger:
        Engine(ledger).handle(LINES)
    yield created
    created.clear()


@pytest.fixture(scope="module")
def logins(server: Server) -> dict[str, str]:
    return {part: server.as_part(part) for part in PARTS}


@pytest.fixture
def empty(postgres_url: str) -> Iterator[Server]:
    """A server without schemas and roles."""
    created = Server(postgres_url)
    yield created
    created.clear()


def query(url: str, schema: str, statement: str, **params: Any) -> list[Any]:
    with connect(url, schema) as connection:
        return connection.execute(statement.encode(), params).fetchall()


def reader(url: str, schema: str) -> Any:
    """The part of a ledger that a reader of events uses."""

    def rows(statement: str, **params: Any) -> list[Any]:
        for name in params:
            statement = statement.replace(f":{name}", f"%({name})s")
        return query(url, schema, statement, **params)

    return SimpleNamespace(rows=rows)


def test_the_engine_decides_the_projector_folds_the_relay_and_the_analyst_read(empty: Server) -> None:
    upgrade(empty.target)
    logins = {part: empty.as_part(part) for part in PARTS}
    with closing(PostgresLedger(logins["engine"], schema=empty.schema)) as ledger:
        engine = Engine(ledger)
        for at in range(0, len(LINES), 2):
            engine.handle(LINES[at : at + 2])
        last = ledger.rows("SELECT max(position) FROM stored_events")[0][0]
    models = ReadModels(logins["projector"], empty.target.read_models_schema)
    for chunk in recorded_after(reader(logins["projector"], empty.schema), models.position()):
        models.apply(chunk, after=models.position())
    assert models.position() == last
    models.close()
    asking = ReadModels(logins["analyst"], empty.target.read_models_schema)
    with asking.snapshot() as rows:
        answer = order(rows, "acme", "naver", "1")
    asking.close()
    assert answer is not None
    assert answer.order.status == "delivered"
    positions = query(logins["relay"], empty.schema, "SELECT position FROM stored_events ORDER BY position")
    assert positions == [(position,) for position in range(1, last + 1)]
    states = query(logins["relay"], empty.schema, "SELECT state FROM outcomes ORDER BY number")
    assert ("set_aside",) in states


REFUSED = [
    *(("engine", f"DELETE FROM {table}") for table in HISTORY),
    *(("engine", f"UPDATE {table} SET {column} = NULL") for table, column in (
        ("stored_events", "state"), ("commits", "hash"), ("outcomes", "state"), ("inbox", "digest"),
        ("messages", "body"), ("ledger", "secret"), ("set_aside", "bytes"))),
    ("engine", "TRUNCATE timers"),
    ("engine", "SELECT * FROM vault"),
    ("engine", "DELETE FROM vault"),
    ("engine", "DELETE FROM sellers"),
    ("engine", "CREATE TABLE mine (n integer)"),
    ("engine", "DROP TABLE stored_events"),
    ("relay", "SELECT * FROM vault"),
    ("relay", "SELECT bytes FROM set_aside"),
    ("relay", "SELECT body FROM messages"),
    ("relay", "SELECT secret FROM ledger"),
    ("relay", "INSERT INTO stored_events VALUES (9999, 'a', 1, 'b', '')"),
    ("relay", "SELECT commit_lock()"),
    ("projector", "SELECT secret FROM ledger"),
    ("projector", "SELECT * FROM outcomes"),
    ("projector", "SELECT * FROM vault"),
    ("projector", "UPDATE stored_events SET state = ''"),
    ("projector", "DELETE FROM commits"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "statement"), REFUSED)
def test_a_role_is_refused_in_the_ledger_what_it_does_not_need(
    server: Server, logins: dict[str, str], part: str, statement: str
) -> None:
    with connect(logins[part], server.schema) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.encode())


@pytest.mark.parametrize("table", [*HISTORY, "ledger", "sellers", "parked", "timers", "vault", "set_aside"])
def test_an_analyst_sees_nothing_of_the_ledger(server: Server, logins: dict[str, str], table: str) -> None:
    with connect(logins["analyst"], server.schema) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(f"SELECT FROM {server.schema}.{table}".encode())


@pytest.mark.parametrize(
    ("part", "statement"),
    [
        ("analyst", "DELETE FROM places"),
        ("analyst", "UPDATE order_status SET status = 'paid'"),
        ("analyst", "CREATE TABLE mine (n integer)"),
        ("projector", "CREATE TABLE mine (n integer)"),
        ("projector", "DROP TABLE places"),
        ("projector", "UPDATE shape SET made_of = ''"),
        ("projector", "TRUNCATE order_status"),
        ("engine", "SELECT FROM {read}.places"),
        ("relay", "SELECT FROM {read}.places"),
    ],
)
def test_a_role_is_refused_in_the_read_models_what_it_does_not_need(
    server: Server, logins: dict[str, str], part: str, statement: str
) -> None:
    read = server.target.read_models_schema
    with connect(logins[part], read) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.format(read=read).encode())


def test_the_roles_of_a_ledger_have_no_rights_in_another_ledger(server: Server, empty: Server) -> None:
    upgrade(empty.target)
    with connect(empty.as_part("engine"), empty.schema) as connection:
        connection.execute("SELECT FROM stored_events")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(f"SELECT FROM {server.schema}.stored_events".encode())


def test_roles_may_use_tables_that_were_created_again(empty: Server) -> None:
    upgrade(empty.target)
    logins = {part: empty.as_part(part) for part in ("projector", "analyst")}
    with connect(empty.url, empty.target.read_models_schema) as owner:
        owner.execute("UPDATE shape SET made_of = 'another build'")
    for url in logins.values():
        with pytest.raises(SchemaMissing):
            ReadModels(url, empty.target.read_models_schema)
    ReadModels(empty.url, empty.target.read_models_schema).close()
    for url in logins.values():
        models = ReadModels(url, empty.target.read_models_schema)
        assert models.position() == 0
        models.close()


def test_an_upgrade_updates_the_comments_of_columns(empty: Server) -> None:
    upgrade(empty.target)
    read = empty.target.read_models_schema
    empty.run(f"COMMENT ON COLUMN {read}.places.position IS 'as an older build put it'")
    upgrade(empty.target)
    comments = query(empty.url, read, "SELECT col_description('places'::regclass, 2)")
    assert comments == [("Position of the last folded event.",)]


def test_an_upgrade_revokes_rights_that_its_build_does_not_grant(empty: Server) -> None:
    upgrade(empty.target)
    name = role(empty.schema, "relay")
    empty.run(f"GRANT SELECT ON {empty.schema}.vault TO {name}")
    upgrade(empty.target)
    with (
        connect(empty.as_part("relay"), empty.schema) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT FROM vault")


def test_an_owner_without_the_right_to_create_roles_gets_the_statements_for_an_administrator(
    empty: Server,
) -> None:
    database = conninfo_to_dict(empty.url)["dbname"]
    owner = empty.login("owner")
    empty.run(f"GRANT CREATE ON DATABASE {database} TO {empty.schema}_login_owner")
    target = replace(empty.target, ledger_url=owner, read_models_url=owner)
    done = upgrade(target)
    assert (done.ledger_version, done.read_models_made, done.roles_made) == (1, True, [])
    assert done.owed == [f'CREATE ROLE "{role(empty.schema, part)}" NOLOGIN;' for part in PARTS]
    for statement in done.owed:
        empty.run(statement)
    assert upgrade(target).owed == []
    assert query(empty.as_part("relay"), empty.schema, "SELECT count(*) FROM stored_events") == [(0,)]


def test_the_http_role_reads_outcomes_and_read_models_and_no_more(
    server: Server, logins: dict[str, str]
) -> None:
    url = logins["http"]
    with closing(PostgresLedger(url, schema=server.schema)) as ledger:
        assert ledger.rows("SELECT count(*) FROM outcomes WHERE state = 'accepted'")[0][0] > 0
    with closing(ReadModels(url, server.target.read_models_schema)) as models, models.snapshot() as rows:
        assert stock(rows, "acme") is not None
    for statement in (
        "SELECT secret FROM ledger",
        "SELECT * FROM vault",
        "SELECT * FROM set_aside",
        "SELECT * FROM messages",
        "DELETE FROM parked",
        "INSERT INTO outcomes DEFAULT VALUES",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            query(url, server.schema, statement)
