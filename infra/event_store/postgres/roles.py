"""Creates the database roles and grants each part of Jumun only the rights that it needs."""

from typing import Any, Final

import psycopg
from psycopg import errors, sql

Connection = psycopg.Connection[tuple[Any, ...]]
PARTS: Final = ("engine", "relay", "projector", "http", "analyst")


def role(ledger_schema: str, part: str) -> str:
    """The name of a role.  Roles belong to the whole server, so the ledger's schema is part of the name."""
    return f"{ledger_schema}_{part}"


def missing(connection: Connection, ledger_schema: str) -> list[str]:
    """The parts of the system (engine, relay and so on) that have no role on the server."""
    names = [role(ledger_schema, part) for part in PARTS]
    rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [names]).fetchall()
    existing = {name for (name,) in rows}
    return [part for part in PARTS if role(ledger_schema, part) not in existing]


def make_roles(connection: Connection, ledger_schema: str) -> tuple[list[str], list[str]]:
    """Creates the missing roles.

    Returns the created roles, and the statements that an administrator must run because this login may not.
    """
    created: list[str] = []
    not_permitted: list[str] = []
    for part in missing(connection, ledger_schema):
        name = role(ledger_schema, part)
        statement = sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name))
        try:
            with connection.transaction():
                connection.execute(statement)
            created.append(name)
        except (errors.DuplicateObject, errors.UniqueViolation):
            pass  # another process has just created it
        except errors.InsufficientPrivilege:
            not_permitted.append(f"{statement.as_string(connection)};")
    return created, not_permitted


def grant(connection: Connection, statements: str, ledger_schema: str, schema: str) -> None:
    """Grants every existing role its rights in `schema`, and revokes all others."""
    absent = missing(connection, ledger_schema)
    role_names = {"schema": schema, **{part: role(ledger_schema, part) for part in PARTS}}
    quoted = {key: sql.Identifier(name).as_string(connection) for key, name in role_names.items()}
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('jumun roles'))")
        for statement in _without_comments(statements).split(";"):
            if statement.strip() and not any(f"{{{part}}}" in statement for part in absent):
                connection.execute(statement.format(**quoted).encode())


def _without_comments(statements: str) -> str:
    return "\n".join(line.partition("--")[0] for line in statements.splitlines())
