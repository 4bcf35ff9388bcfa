"""Which database an address means, and the names of its unique constraints.

In charge of reading `DatabaseSettings.url` and the tables' metadata. Not in charge of connecting.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from backstay.config.database import DatabaseSettings
from backstay.errors import ConfigurationError
from backstay.repositories.database import Database
from backstay.repositories.database.driver_errors import Uniques
from backstay.repositories.database.postgres import PostgresDatabase
from backstay.repositories.database.sqlite import SqliteDatabase


def open_database(settings: DatabaseSettings, project: Path, tables: Iterable[Table] = ()) -> Database:
    """The database of an application, to be opened with `await database.open()`.

    Args:
        project: folder that a relative SQLite path starts from.
        tables: the mapped tables, for the names in errors about duplicate keys.

    Raises:
        ConfigurationError: the address names no database that Backstay runs on.
    """
    uniques = unique_names(tables)
    if settings.engine == "sqlite":
        return SqliteDatabase(settings, sqlite_path(settings.url, project), uniques)
    return PostgresDatabase(settings, uniques)


def sqlite_path(url: str, project: Path) -> Path:
    """The file of `sqlite:///relative` or `sqlite:////absolute`.

    Raises:
        ConfigurationError: it is no file: every connection to `:memory:` would see a database of its own.
    """
    _, _, path = url.partition(":///")
    if not path or path == ":memory:" or "?" in path:
        raise ConfigurationError([f"database.url: {url!r} names no file; write sqlite:///path/to/file.db"])
    return project / path


def unique_names(tables: Iterable[Table]) -> Uniques:
    """(table, columns) -> name of the primary key, unique constraint or unique index, as PostgreSQL is told it."""
    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    preparer = dialect.identifier_preparer
    names: dict[tuple[str, tuple[str, ...]], str] = {}
    for table in tables:
        for index in table.indexes:
            if index.unique:
                names[table.name, tuple(column.name for column in index.columns)] = preparer.format_index(
                    index
                )
        for constraint in table.constraints:
            if isinstance(constraint, (PrimaryKeyConstraint, UniqueConstraint)):
                name = preparer.format_constraint(constraint)
                if name is not None:
                    names[table.name, tuple(column.name for column in constraint.columns)] = name
    return {key: name.strip('"') for key, name in names.items()}
