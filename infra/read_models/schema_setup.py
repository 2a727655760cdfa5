"""The tables of the read models are made when they are missing, and anew when they are another build's."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ProgrammingError

from infra.read_models.database import Tables, reading, writing
from infra.read_models.schema import FOLDED_FROM, METADATA, SHAPE, made_of


class SchemaMissing(Exception):
    """The tables are not those of this build, and whoever is logged in may not make them."""


class OtherLedger(Exception):
    """What was told, or folded, is of another ledger than the one that is set."""


def is_current(engine: sa.Engine) -> bool:
    """Whether the tables are there, as this build needs them."""
    with reading(engine) as connection:
        return _right(connection)


def check_current(engine: sa.Engine) -> None:
    """Raises: NotMade."""
    if not is_current(engine):
        raise SchemaMissing("the read models' tables are not those of this build")


def make(engine: sa.Engine, tables: Tables) -> bool:
    """Makes the tables if need be, one at a time whoever else does; says whether it did.

    Nothing is defined while they are right: who folds needs no right to make tables.

    Raises: NotMade.
    """
    if is_current(engine):
        return False
    try:
        with writing(engine) as connection:
            tables.alone(connection)
            if _right(connection):  # somebody was quicker
                return False
            METADATA.drop_all(connection)
            METADATA.create_all(connection)
            connection.execute(sa.insert(SHAPE).values(made_of=made_of(engine.dialect)))
    except ProgrammingError as error:
        said = str(error.orig).partition("\n")[0]
        msg = f"the read models' tables are not those of this build, and could not be made: {said}"
        raise SchemaMissing(msg) from error
    return True


def describe(engine: sa.Engine) -> None:
    """Says anew what each table and column means: words may change where rows do not."""
    with writing(engine) as connection:
        for table in METADATA.sorted_tables:
            connection.execute(sa.schema.SetTableComment(table))
            for column in table.columns:
                connection.execute(sa.schema.SetColumnComment(column))


def _right(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table(SHAPE.name):
        return False
    return connection.execute(sa.select(SHAPE)).scalar() == made_of(connection.dialect)


def claim(connection: sa.Connection, ledger_id: str, *, replace: bool = False) -> None:
    """Says of which ledger the rows are, where that is not said yet; `replace`: whatever was said.

    Raises: OtherLedger.
    """
    asked = sa.select(FOLDED_FROM.c.ledger_id)
    if replace:
        connection.execute(sa.delete(FOLDED_FROM))
    if connection.execute(asked).first() is None:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(FOLDED_FROM).values(one=1, ledger_id=ledger_id).on_conflict_do_nothing())
    known = connection.execute(asked).scalar()
    if known != ledger_id:
        msg = (
            f"the read models were folded from ledger {known}, this is ledger {ledger_id}:"
            " `jumun rebuild` folds them anew"
        )
        raise OtherLedger(msg)
