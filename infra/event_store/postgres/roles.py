"""Roles of the database: what each part of Jumun may do, and that it may do no more."""

from typing import Any, Final

import psycopg
from psycopg import errors, sql

Connection = psycopg.Connection[tuple[Any, ...]]
PARTS: Final = ("engine", "relay", "projector", "http", "analyst")


def role(ledger_schema: str, part: str) -> str:
    """Roles are the whole server's: their names come from the ledger's schema, so that several fit on one."""
    return f"{ledger_schema}_{part}"


def missing(connection: Connection, ledger_schema: str) -> list[str]:
    """The parts whose role the server does not have."""
    names = [role(ledger_schema, part) for part in PARTS]
    found = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [names]).fetchall()
    seen_digests = {name for (name,) in found}
    return [part for part in PARTS if role(ledger_schema, part) not in seen_digests]


def make_roles(connection: Connection, ledger_schema: str) -> tuple[list[str], list[str]]:
    """The roles that were made, and the statements that an administrator must run: who upgrades may not."""
    made: list[str] = []
    owed: list[str] = []
    for part in missing(connection, ledger_schema):
        name = role(ledger_schema, part)
        statement = sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name))
        try:
            with connection.transaction():
                connection.execute(statement)
            made.append(name)
        except (errors.DuplicateObject, errors.UniqueViolation):
            pass  # somebody was quicker
        except errors.InsufficientPrivilege:
            owed.append(f"{statement.as_string(connection)};")
    return made, owed


def grant(connection: Connection, statements: str, ledger_schema: str, schema: str) -> None:
    """Gives every role that is there its rights in `schema`, and takes back any others."""
    absent = missing(connection, ledger_schema)
    named = {"schema": schema, **{part: role(ledger_schema, part) for part in PARTS}}
    names = {place: sql.Identifier(name).as_string(connection) for place, name in named.items()}
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('jumun roles'))")
        for statement in _without_comments(statements).split(";"):
            if statement.strip() and not any(f"{{{part}}}" in statement for part in absent):
                connection.execute(statement.format(**names).encode())


def _without_comments(statements: str) -> str:
    return "\n".join(line.partition("--")[0] for line in statements.splitlines())
