"""Connections for migrations: one at a time, each transaction begun by us and guarded against other nodes.

SQLite's driver would begin transactions only before writes of rows and so leave changes of structure outside; here
every transaction begins when SQLAlchemy says so.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import asyncpg
from sqlalchemy import Connection, NullPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from backstay.errors import BackstayError, ConfigurationError
from backstay.repositories.database.postgres_pool import plain_url
from backstay.repositories.database.sqlite_connection import prepare
from backstay.repositories.database.sqlite_functions import Budget

T = TypeVar("T")
SQLITE_PREFIX = "sqlite:///"
# How long a node waits for another one that is migrating.
SQLITE_WAIT_SECONDS = 600.0
# How often it asks on PostgreSQL.
POLL_SECONDS = 0.05
# Any number that no other program uses for its advisory locks: the first eight bytes of SHA-256("backstay migrations").
LOCK_KEY = 0x1F46_3E60_7915_9B4E


# Alembic keeps the context of the command that runs in a global, so a process runs one at a time.
_ALEMBIC = threading.Lock()


async def with_connection(url: str, work: Callable[[Connection], T]) -> T:
    """Run `work` in a thread, with a connection of its own.

    Raises:
        BackstayError: `PGRST000` when the database cannot be reached.
    """
    return await asyncio.to_thread(_with_connection, url, work)


def _with_connection(url: str, work: Callable[[Connection], T]) -> T:
    with _ALEMBIC:
        if url.startswith(SQLITE_PREFIX):
            return _with_sqlite(Path(url.removeprefix(SQLITE_PREFIX)), work)
        return asyncio.run(_with_postgres(url, work))


@contextmanager
def turn(connection: Connection) -> Iterator[None]:
    """Wait until no other node migrates, and let none while this is open.

    On PostgreSQL another connection holds the lock, for a migration may end its transaction: an index is made
    `CONCURRENTLY` outside of one. And those who wait ask again and again instead of standing in a statement, for whose
    end such an index would wait in turn, for ever.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    with connection.engine.connect() as holder:
        while not _took_lock(holder):
            time.sleep(POLL_SECONDS)
        yield
        holder.rollback()


def lock(connection: Connection) -> None:
    """At the start of a migration's transaction: SQLite's write lock, and no limit on how long a statement may take."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))


def _took_lock(holder: Connection) -> bool:
    """Begin a transaction that holds the lock; or no transaction, when another node has it."""
    took = holder.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    if not took:
        holder.rollback()
        return False
    # Last, so that the answer above is put away, with the rows that it could have seen.
    holder.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    return True


def check_references(connection: Connection) -> None:
    """Refuse rows whose foreign keys point at nothing; SQLite does not enforce keys while tables are rebuilt.

    Raises:
        ConfigurationError: there are some.
    """
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
        if broken:
            pairs = sorted({f"{row[0]} -> {row[2]}" for row in broken})
            raise ConfigurationError([f"{len(broken)} rows would point at nothing ({', '.join(pairs)})"])


def _with_sqlite(path: Path, work: Callable[[Connection], T]) -> T:
    def connect() -> sqlite3.Connection:
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = sqlite3.connect(
            path, timeout=SQLITE_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            prepare(raw, Budget())
            # Rebuilding a table drops the old one, which would delete the rows that point at it.
            raw.execute("PRAGMA foreign_keys = OFF")
            raw.execute(f"PRAGMA busy_timeout = {int(SQLITE_WAIT_SECONDS * 1000)}")
        except BaseException:
            raw.close()
            raise
        return raw

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    try:
        connection = engine.connect()
    except (OSError, sqlite3.Error, DBAPIError) as error:
        raise BackstayError("PGRST000", f"The database {path} cannot be opened.") from error
    with connection:
        return work(connection)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


async def _with_postgres(url: str, work: Callable[[Connection], T]) -> T:
    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        # No prepared statements that outlive a transaction, for poolers that hand each one to another server.
        return await asyncpg.connect(plain_url(url), statement_cache_size=0)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        connect_args={"async_creator_fn": connect, "prepared_statement_cache_size": 0},
    )
    connection = engine.connect()
    try:
        await connection.start()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
        raise BackstayError("PGRST000", "The PostgreSQL server cannot be reached.") from error
    try:
        return await connection.run_sync(work)
    finally:
        await connection.close()
