"""SQLAlchemy sessions for the queries that users write themselves.

In charge of the engine behind them: the same pragmas, functions and time limits as the platform's own connections,
and transactions that begin the right way on SQLite. Not in charge of when a session commits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from time import monotonic
from typing import Any

import aiosqlite
from sqlalchemy import AsyncAdaptedQueuePool, Connection, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.repositories.database.choose import sqlite_path
from backstay.repositories.database.driver_errors import Uniques, from_postgres, from_sqlite, refusal
from backstay.repositories.database.postgres_pool import plain_url, session_settings
from backstay.repositories.database.sqlite_connection import SqliteConnection

ROWS_PER_HOP = 256
# In the `info` of a connection to SQLite: whether it was told that it only reads.
READING = "backstay_reading"
Session = AsyncSession


class Sessions:
    """Makes sessions on an engine that is built when the first one is asked for.

    `factory` gives sessions that may write; on SQLite they take the write lock with their first statement, since a
    transaction that begins by reading can be refused the lock later. `reading` gives sessions that cannot write and
    wait for nobody. Objects stay usable after the commit; the session does not, so that nothing opens a transaction
    that nobody ends.
    """

    def __init__(self, make_engine: Callable[[], AsyncEngine], uniques: Uniques) -> None:
        self._make_engine = make_engine
        self.uniques = uniques

    @cached_property
    def engine(self) -> AsyncEngine:
        """The engine, made on first use."""
        return self._make_engine()

    @cached_property
    def factory(self) -> async_sessionmaker[AsyncSession]:
        """Of sessions that may write."""
        return async_sessionmaker(self.engine, expire_on_commit=False, close_resets_only=False)

    @cached_property
    def reading(self) -> async_sessionmaker[AsyncSession]:
        """Of sessions that only read."""
        engine = self.engine.execution_options(postgresql_readonly=True, **{READING: True})
        return async_sessionmaker(engine, expire_on_commit=False, close_resets_only=False)

    async def close(self) -> None:
        """Disconnect, if anybody ever connected."""
        if "engine" in self.__dict__:
            await self.engine.dispose()


def open_sessions(settings: DatabaseSettings, project: Path, uniques: Uniques) -> Sessions:
    """Sessions on the database that `settings.url` names; a relative SQLite path starts from `project`."""
    if settings.engine == "sqlite":
        return Sessions(partial(sqlite_engine, settings, sqlite_path(settings.url, project)), uniques)
    return Sessions(partial(postgres_engine, settings), uniques)


def postgres_engine(settings: DatabaseSettings) -> AsyncEngine:
    """asyncpg with the session settings of our own pool."""
    engine = create_async_engine(
        "postgresql+asyncpg" + plain_url(settings.url).removeprefix("postgresql").removeprefix("postgres"),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_seconds,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={"server_settings": session_settings(settings)},
    )
    event.listen(engine.sync_engine, "do_connect", connected)
    event.listen(engine.sync_engine, "checkout", pass_over_ended)
    return engine


def connected(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
    """A connection; a server that cannot be reached is told as our own pool tells it.

    SQLAlchemy passes on what the network says, which is no error of a driver, and in a use case anybody's.
    """
    try:
        return dialect.connect(*arguments, **options)
    except (OSError, TimeoutError) as error:
        raise refusal("PGRST000") from error


def pass_over_ended(connection: Any, *_pooled: Any) -> None:
    """Have the pool open another connection in place of one that was seen to end, as our own pool does.

    A ping would see a little more, for a round trip before every session.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


class TimedConnection(aiosqlite.Connection):
    """A thread with one of our SQLite connections, and the clock of the statement that runs on it."""

    def __init__(self, path: Path) -> None:
        self.connection: SqliteConnection | None = None
        self._path = path
        super().__init__(self._open, ROWS_PER_HOP)

    def _open(self) -> Any:
        self.connection = SqliteConnection(self._path, read_only=False)
        return self.connection.raw


def sqlite_engine(settings: DatabaseSettings, path: Path) -> AsyncEngine:
    """aiosqlite over the standard library's `sqlite3`, which shares its locks with the platform's connections."""

    async def connect() -> TimedConnection:
        connection = TimedConnection(path)
        await connection
        return connection

    engine = create_async_engine(
        "sqlite+aiosqlite://",
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=settings.reader_threads,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_seconds,
        pool_use_lifo=True,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "begin", begin_sqlite)
    event.listen(
        engine.sync_engine, "before_cursor_execute", partial(limit_time, settings.statement_timeout_seconds)
    )
    return engine


def begin_sqlite(connection: Connection) -> None:
    """Begin by reading or by taking the write lock: the driver is told to begin nothing by itself."""
    reading = bool(connection.get_execution_options().get(READING))
    if connection.info.get(READING) is not reading:
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reading)}")
        connection.info[READING] = reading
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def limit_time(seconds: float, connection: Connection, *_statement: Any) -> None:
    """Start the clock of the statement that is about to run."""
    timed = connection.connection.driver_connection
    if isinstance(timed, TimedConnection) and timed.connection is not None:
        timed.connection.budget.deadline = monotonic() + seconds


@contextmanager
def translated(sessions: Sessions, *, reading: bool = False) -> Iterator[None]:
    """Raise what a failure of a user's own query means instead of the driver's error.

    Args:
        reading: the session cannot write, so that the database's refusal to is no fault of the database.
    """
    try:
        yield
    except DBAPIError as error:
        if reading and _is_refusal_to_write(error):
            raise BackstayError("25006") from error
        raise from_session(error, sessions.uniques) from error
    except PoolTimeout as error:
        raise BackstayError("PGRST003") from error


def _is_refusal_to_write(error: DBAPIError) -> bool:
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    is_sqlite = code is not None and code & 0xFF == sqlite3.SQLITE_READONLY
    return is_sqlite or getattr(cause, "sqlstate", None) == "25006"


def from_session(error: DBAPIError, uniques: Uniques) -> BackstayError:
    """What a failure of a user's own query means, as it would read had the platform run it."""
    cause = error.orig
    driver_error = cause.__cause__ if cause is not None and cause.__cause__ is not None else cause
    statement = error.statement or ""
    if isinstance(driver_error, Exception) and type(driver_error).__module__ == "sqlite3":
        return from_sqlite(driver_error, statement, uniques)
    return from_postgres(driver_error or error, statement, uniques)
