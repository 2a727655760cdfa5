"""Creates the tables of the read models if they are missing, and again if they are of another build."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ProgrammingError

from infra.read_models.database import Tables, reading, writing
from infra.read_models.schema import FOLDED_FROM, METADATA, SHAPE, schema_hash


class SchemaMissing(Exception):
    """The tables are not those of this build, and this login may not create them."""


class OtherLedger(Exception):
    """The published records or the folded rows are of another ledger than the configured one."""


def is_current(engine: sa.Engine) -> bool:
    """Whether the tables exist and are those of this build."""
    with reading(engine) as connection:
        return _tables_match(connection)


def check_current(engine: sa.Engine) -> None:
    """Raises: SchemaMissing, when the tables are not those of this build."""
    if not is_current(engine):
        raise SchemaMissing("the read models' tables are not those of this build")


def make(engine: sa.Engine, tables: Tables) -> bool:
    """Creates the tables if necessary, under a lock against other processes; returns whether it did.

    If the tables are current, no DDL runs, so a projector needs no right to create tables.

    Raises: SchemaMissing.
    """
    if is_current(engine):
        return False
    try:
        with writing(engine) as connection:
            tables.lock_schema(connection)
            if _tables_match(connection):  # another process has just created them
                return False
            METADATA.drop_all(connection)
            METADATA.create_all(connection)
            connection.execute(sa.insert(SHAPE).values(made_of=schema_hash(engine.dialect)))
    except ProgrammingError as error:
        error_text = str(error.orig).partition("\n")[0]
        msg = f"the read models' tables are not those of this build, and could not be created: {error_text}"
        raise SchemaMissing(msg) from error
    return True


def describe(engine: sa.Engine) -> None:
    """Writes the comments of all tables and columns again: a new build may change only these texts."""
    with writing(engine) as connection:
        for table in METADATA.sorted_tables:
            connection.execute(sa.schema.SetTableComment(table))
            for column in table.columns:
                connection.execute(sa.schema.SetColumnComment(column))


def _tables_match(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table(SHAPE.name):
        return False
    return connection.execute(sa.select(SHAPE)).scalar() == schema_hash(connection.dialect)


def claim(connection: sa.Connection, ledger_id: str, *, replace: bool = False) -> None:
    """Records to which ledger the rows belong.  `replace`: overwrites the recorded ledger.

    Raises: OtherLedger, when another ledger is recorded.
    """
    query = sa.select(FOLDED_FROM.c.ledger_id)
    if replace:
        connection.execute(sa.delete(FOLDED_FROM))
    if connection.execute(query).first() is None:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(FOLDED_FROM).values(one=1, ledger_id=ledger_id).on_conflict_do_nothing())
    folded_from = connection.execute(query).scalar()
    if folded_from != ledger_id:
        msg = (
            f"the read models were folded from ledger {folded_from}, this is ledger {ledger_id}:"
            " `jumun rebuild` folds them again"
        )
        raise OtherLedger(msg)
