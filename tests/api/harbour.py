"""The application of the API tests, running: one per engine, its data put back between tests, its statements counted.

Requests run on a loop of its own, so that tests are plain functions; `together` sends many at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from backstay.app import Backstay
from backstay.config.database import DatabaseSettings
from backstay.config.log import LogSettings
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings
from backstay.models.auth.user import User
from backstay.models.base import Model
from backstay.repositories.database import ResultRow, Statement
from backstay.repositories.database.postgres import PostgresDatabase
from backstay.repositories.database.sqlite import SqliteDatabase
from tests.api.models import FAVOURITES, MODELS
from tests.api.seed import ROWS, USERS
from tests.ejected import ejected_by_environment

PUBLISHABLE_KEY = "sb_publishable_0123456789abcdef0123"
SECRET_KEY = "sb_secret_0123456789abcdef0123456789"

T = TypeVar("T")


def settings_for(url: str) -> Settings:
    """Reads get a second on the loop, so that a slow machine never runs one twice."""
    return Settings(
        tokens=TokenSettings.model_validate(
            {"secret": "a test secret of more than 32 bytes 8c1f", "publishable_key": PUBLISHABLE_KEY,
             "secret_key": SECRET_KEY}
        ),
        database=DatabaseSettings(url=url, inline_read_milliseconds=1000, statement_timeout_seconds=10),
        log=LogSettings(level="error"),
    )  # fmt: skip


class Harbour:
    """One application over one database."""

    def __init__(
        self,
        url: str,
        models: Sequence[type[Model]] = MODELS,
        rows: Mapping[str, Sequence[dict[str, Any]]] = ROWS,
        **options: Any,
    ) -> None:
        self.models = models
        self.rows = rows
        options = ejected_by_environment(models) | options
        self.app = Backstay(
            settings=settings_for(url), models=models, project=Path("/"), title="harbour", **options
        )
        self.url = url
        self.engine = self.app.database.engine
        self._loop = asyncio.new_event_loop()
        self._running = self.app.running()
        self._is_changed = False
        self._statements: list[str] | None = None
        self.run(self._open())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the application's loop."""
        return self._loop.run_until_complete(work)

    def together(self, works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        """Run many things at once and return their results in order."""

        async def gather() -> list[T]:
            return await asyncio.gather(*works)

        return self.run(gather())

    def close(self) -> None:
        """Stop the application."""
        self.run(self._running.__aexit__(None, None, None))
        self.run(self._loop.shutdown_asyncgens())
        self.run(self._loop.shutdown_default_executor())
        self._loop.close()

    def note_change(self) -> None:
        """Say that a request may have written."""
        self._is_changed = True

    def reset(self) -> None:
        """Put back what the tables held at the start, if anything may have been written."""
        if self._is_changed:
            self.run(self.app.database.write(self._restore))
            self._is_changed = False

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Collect the statements that the drivers are given, in SQL; on SQLite, with their values."""
        database = self.app.database
        if isinstance(database, SqliteDatabase):
            with _traced(database) as statements:
                yield statements
        else:
            assert isinstance(database, PostgresDatabase)
            with _logged(database) as statements:
                yield statements

    async def _open(self) -> None:
        await self._running.__aenter__()
        async with self.app.sessions.engine.begin() as connection:
            models: list[type] = [User, *self.models]
            tables = [_table(model) for model in models]
            if self.models is MODELS:
                tables.append(FAVOURITES)
            await connection.run_sync(self.app.metadata.create_all, tables=tables)
            await connection.execute(insert(_table(User)), USERS)
            for name, rows in self.rows.items():
                if rows:
                    await connection.execute(insert(self.app.metadata.tables[name]), rows)
                await self._keep(connection, name)
        await self.app.database.write(self._restore)

    async def _keep(self, connection: AsyncConnection, name: str) -> None:
        await connection.exec_driver_sql(f"CREATE TABLE kept_{name} AS SELECT * FROM {name}")

    def _restore(self) -> Generator[Statement, list[ResultRow], None]:
        for name in reversed(list(self.rows)):
            yield Statement(f"DELETE FROM {name}")
        for name in self.rows:
            table = self.app.metadata.tables[name]
            columns = ", ".join(f'"{column.name}"' for column in table.columns if column.computed is None)
            yield Statement(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM kept_{name}")
            if self.engine == "postgresql" and table.autoincrement_column is not None:
                yield Statement(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), coalesce(max(id), 0) + 1, false) FROM {name}"
                )


@contextmanager
def _traced(database: SqliteDatabase) -> Iterator[list[str]]:
    statements: list[str] = []
    assert database._inline is not None
    database._inline.raw.set_trace_callback(statements.append)
    try:
        yield statements
    finally:
        database._inline.raw.set_trace_callback(None)


@contextmanager
def _logged(database: PostgresDatabase) -> Iterator[list[str]]:
    """The driver's own log leaves prepared statements out, so their one way to the server is watched as well."""
    statements: list[str] = []
    name = "_PreparedStatement__do_execute"
    execute = getattr(PreparedStatement, name)

    def watched(prepared: Any, executor: Any) -> Any:
        statements.append(prepared.get_query())
        return execute(prepared, executor)

    def note(record: Any) -> None:
        statements.append(record.query)

    connections = [connection.raw for connection in database._pool._idle]
    for connection in connections:
        connection.add_query_logger(note)
    setattr(PreparedStatement, name, watched)
    try:
        yield statements
    finally:
        setattr(PreparedStatement, name, execute)
        for connection in connections:
            connection.remove_query_logger(note)


def _table(model: type) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]  # every model has one
    return table
