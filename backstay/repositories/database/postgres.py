"""The database as a PostgreSQL server.

In charge of running statements and programs on pooled connections, and of what may be tried again: a read whose
connection broke, once, and a write of which nothing can have happened. Not in charge of the connections themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.repositories.database import Engine, Program, ResultRow, Statement, T
from backstay.repositories.database.driver_errors import POSTGRES_ERRORS, Uniques, from_postgres
from backstay.repositories.database.postgres_pool import OUTDATED, PostgresConnection, PostgresPool

_PING = Statement("SELECT 1")
_UNNAMED: Uniques = {}
# The server ended the session: by an administrator, in a crash, or because it was idle.
_ENDED = frozenset({"57P01", "57P02", "57P05"})


class _UndoneError(Exception):
    """Nothing of a program was kept, for a reason that a second run may not meet."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class PostgresDatabase:
    """`Database` on the server that `settings.url` names, used from one event loop.

    Programs may be run a second time when nothing of the first run was kept.

    Args:
        uniques: names of unique constraints by table and columns, for the details of 23505.
    """

    engine: Engine = "postgresql"

    def __init__(
        self, settings: DatabaseSettings, uniques: Mapping[tuple[str, tuple[str, ...]], str] = _UNNAMED
    ) -> None:
        self._pool = PostgresPool(settings)
        self._uniques = uniques

    async def open(self) -> None:
        """Connect once, so that a wrong address stops the start."""
        self._pool.release(await self._pool.acquire())

    async def close(self) -> None:
        """Finish what runs, then disconnect."""
        await self._pool.close()

    async def read(self, statement: Statement) -> list[ResultRow]:
        """Run one read-only statement and return all its rows."""
        try:
            return await self._read_once(statement)
        except POSTGRES_ERRORS as error:
            if not (is_lost(error) or isinstance(error, OUTDATED)):
                raise from_postgres(error, statement.sql, self._uniques) from error
        try:
            return await self._read_once(statement)
        except POSTGRES_ERRORS as error:
            raise from_postgres(error, statement.sql, self._uniques) from error

    async def write(self, program: Program[T], *, atomic: bool = True) -> T:
        """Run a program in one transaction and return its result once that is durable."""
        try:
            return await self._write_once(program, atomic)
        except _UndoneError:
            pass
        try:
            return await self._write_once(program, atomic)
        except _UndoneError as again:
            raise from_postgres(again.error, "", self._uniques) from again.error

    async def ping(self) -> None:
        """Answer when the database answers."""
        await self.read(_PING)

    async def _read_once(self, statement: Statement) -> list[ResultRow]:
        connection = self._pool.take() or await self._pool.acquire()
        try:
            return await connection.fetch(statement)
        except POSTGRES_ERRORS as error:
            if is_lost(error):
                self._pool.distrust(connection)
            raise
        finally:
            self._pool.release(connection)

    async def _write_once(self, program: Program[T], atomic: bool) -> T:
        connection = self._pool.take() or await self._pool.acquire()
        try:
            if not atomic:
                return await self._drive(connection, program, atomic)
            await self._begin(connection)
            try:
                result = await self._drive(connection, program, atomic)
            except BaseException:
                await self._roll_back(connection)
                raise
            await self._commit(connection)
            return result
        finally:
            self._pool.release(connection)

    async def _begin(self, connection: PostgresConnection) -> None:
        try:
            await connection.execute("BEGIN")
        except POSTGRES_ERRORS as error:
            if is_lost(error):
                self._pool.distrust(connection)
                raise _UndoneError(error) from error
            raise from_postgres(error, "", self._uniques) from error

    async def _drive(self, connection: PostgresConnection, program: Program[T], atomic: bool) -> T:
        steps = program()
        try:
            statement = next(steps)
            while True:
                try:
                    rows = await connection.fetch(statement)
                except POSTGRES_ERRORS as error:
                    if is_lost(error):
                        self._pool.distrust(connection)
                    if was_not_run(error) or (atomic and isinstance(error, OUTDATED)):
                        raise _UndoneError(error) from error
                    failure = from_postgres(error, statement.sql, self._uniques)
                    raise (failure if atomic else perhaps_done(failure, error)) from error
                statement = steps.send(rows)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    async def _roll_back(self, connection: PostgresConnection) -> None:
        """Leave the connection clean; one that is not is discarded when it is released, and the server undoes."""
        if connection.busy or connection.raw.is_closed():
            return
        try:
            await connection.execute("ROLLBACK")
        except POSTGRES_ERRORS:
            return

    async def _commit(self, connection: PostgresConnection) -> None:
        try:
            status = await connection.execute("COMMIT")
        except POSTGRES_ERRORS as error:
            raise perhaps_done(from_postgres(error, "", self._uniques), error) from error
        if status != "COMMIT":
            raise BackstayError("internal_error")


def perhaps_done(failure: BackstayError, error: BaseException) -> BackstayError:
    """The failure of what commits: when the connection breaks then, nobody knows what happened.

    So nobody is told to try again.
    """
    if is_lost(error) or isinstance(error, TimeoutError):
        failure.retry_after_seconds = None
    return failure


def is_lost(error: BaseException) -> bool:
    """Whether the connection ended, as against a statement that failed."""
    if isinstance(error, asyncpg.PostgresConnectionError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in _ENDED
    return isinstance(error, ConnectionError) or was_not_sent(error)


def was_not_sent(error: BaseException) -> bool:
    """Whether the driver saw, before it sent anything, that the server had ended the session."""
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)
    # The server's farewell has been read and the end of the stream has not.
    return isinstance(error, asyncpg.InternalClientError) and "cannot switch to state" in str(error)


def was_not_run(error: BaseException) -> bool:
    """Whether the statement certainly changed nothing and the same one may succeed.

    Not so for `OutdatedSchemaCacheError`, which tells of an answer that could not be read.
    """
    return isinstance(error, asyncpg.InvalidCachedStatementError) or was_not_sent(error)
