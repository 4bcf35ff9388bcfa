"""The index of a text search in the database: made, filled, removed, and read back.

PostgreSQL has one GIN index for it, on an expression, so that no column has to be added and no table rewritten.
SQLite has what `search_sqlite.py` says. Each index tells its definition in a comment, by which drift is found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection, column, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from backstay.models.search import SEARCH_PREFIX, TableSearch
from backstay.repositories.database.search_storage import search_vector
from backstay.repositories.migrations.search_sqlite import EVENTS, index_statements, quoted

# Another number makes `backstay migrate make` rebuild every index: for a change of what an index holds.
FORMAT = 1
_LIKE = SEARCH_PREFIX.replace("_", r"\_") + "%"
_ON_SQLITE = text(
    f"SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name LIKE '{_LIKE}' ESCAPE '\\'"
    " AND sql LIKE '%/*{%'"
)
_ON_POSTGRES = text(
    "SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c"
    f" WHERE c.relkind = 'i' AND c.relname LIKE '{_LIKE}' AND c.relnamespace = current_schema()::regnamespace"
)
_DEFINITION = re.compile(r"/\*(\{.*?\})\*/", re.DOTALL)


def stored_searches(connection: Connection) -> Mapping[str, TableSearch]:
    """The searches that the database keeps an index for, by the index's name."""
    known = _known(connection)
    return {name: search for name, search in _told(connection).items() if _is_whole(name, known)}


def make_index(connection: Connection, search: TableSearch) -> None:
    """Make the index of a search in place of one of its name, with an entry for every row there is."""
    remove_index(connection, search)
    statements = (
        index_statements(connection, search, _definition(search))
        if connection.dialect.name == "sqlite"
        else _postgres_statements(search)
    )
    for statement in statements:
        connection.exec_driver_sql(statement)


def remove_index(connection: Connection, search: TableSearch) -> None:
    """Remove the index of a search, if it is there."""
    name = search.stored_as
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {quoted(name)}")
        return
    for event in EVENTS:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {quoted(f'{name}_{event}')}")
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {quoted(f'{name}_index')}")
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {quoted(name)}")


def mend_indexes(connection: Connection) -> None:
    """Make the indexes again that lost their triggers: a table that SQLite had to rebuild comes back without."""
    known = _known(connection)
    for name, search in _told(connection).items():
        if known and search.table not in known:
            remove_index(connection, search)
        elif not _is_whole(name, known):
            make_index(connection, search)


def _told(connection: Connection) -> dict[str, TableSearch]:
    """The searches whose definitions the database holds."""
    is_sqlite = connection.dialect.name == "sqlite"
    found = {}
    for name, told in connection.execute(_ON_SQLITE if is_sqlite else _ON_POSTGRES):
        search = _read_definition(told)
        if search is not None and search.stored_as == name:
            found[name] = search
    return found


def _known(connection: Connection) -> set[str]:
    """The names of SQLite's tables and triggers; none on PostgreSQL, where an index is whole or is not there."""
    if connection.dialect.name != "sqlite":
        return set()
    return set(connection.scalars(text("SELECT name FROM sqlite_master")))


def _is_whole(name: str, known: set[str]) -> bool:
    return not known or {f"{name}_index", *(f"{name}_{event}" for event in EVENTS)} <= known


def _definition(search: TableSearch) -> str:
    # A name with `*/` in it would end the comment.
    return json.dumps({"format": FORMAT, **asdict(search)}).replace("/", "\\/")


def _read_definition(told: str) -> TableSearch | None:
    found = _DEFINITION.search(told)
    try:
        value = json.loads(found[1] if found else told)
        if value["format"] != FORMAT:
            return None
        return TableSearch(value["table"], value["name"], tuple(value["columns"]), value["config"])
    except (ValueError, KeyError, TypeError):
        return None


def _postgres_statements(search: TableSearch) -> list[str]:
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    vector = search_vector([column(name) for name in search.columns], search.config)
    expression = str(vector.compile(dialect=dialect))
    told = _definition(search).replace("'", "''")
    return [
        f"CREATE INDEX {quoted(search.stored_as)} ON {quoted(search.table)} USING gin (({expression}))",
        f"COMMENT ON INDEX {quoted(search.stored_as)} IS '{told}'",
    ]
