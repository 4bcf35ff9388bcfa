"""The one thread that writes to SQLite, and shares one durable commit among all programs that wait for it.

In charge of grouping, savepoints and the promise that nothing is acknowledged before it is on the disk. Each program
of a group runs in a savepoint of its own, so one that fails takes nobody with it. When the whole transaction is lost
(SQLite undoes all of it when it interrupts a statement, when the disk is full, and when a deferred constraint fails
at the commit), the programs that were not at fault are run again, each in a transaction of its own.
"""

from __future__ import annotations

import asyncio
import math
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any

from backstay.errors import BackstayError
from backstay.repositories.database import Program, T
from backstay.repositories.database.driver_errors import SQLITE_ERRORS, Uniques, from_sqlite, refusal
from backstay.repositories.database.sqlite_connection import SqliteConnection

PROGRAMS_WAITING = 10_000
PROGRAMS_IN_GROUP = 64
GROUP_SECONDS = 0.010


class Write:
    """A program that waits, and what became of it."""

    __slots__ = ("error", "future", "program", "result", "settled")

    def __init__(self, program: Program[Any], future: asyncio.Future[Any]) -> None:
        self.program = program
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.settled = False


class SqliteWriter:
    """Owns the only connection that writes. `start`, `submit` and `close` belong to the loop's thread."""

    def __init__(
        self, connect: Callable[[], SqliteConnection], statement_seconds: float, uniques: Uniques
    ) -> None:
        self._connect = connect
        self._statement_seconds = statement_seconds
        self._uniques = uniques
        self._connection: SqliteConnection | None = None
        self._inbox: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._waiting = 0
        self._closing = False
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="backstay-sqlite-writer", daemon=True)

    def start(self) -> None:
        """Connect, so that a file that cannot be opened stops the start, and begin to work.

        Raises:
            sqlite3.Error: the file cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        self._connection = self._connect()
        self._thread.start()

    async def submit(self, program: Program[T]) -> T:
        """Queue a program and wait until it is durable.

        Raises:
            BackstayError: `draining`, `overloaded`, or what became of the program.
        """
        if self._closing or self._loop is None:
            raise BackstayError("draining")
        if self._waiting >= PROGRAMS_WAITING:
            raise refusal("overloaded")
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting += 1
        self._inbox.put(Write(program, future))
        return await future

    async def close(self) -> None:
        """Run what waits, then disconnect."""
        self._closing = True
        if self._thread.is_alive():
            self._inbox.put(None)
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while not self._stopped:
            first = self._inbox.get()
            if first is None:
                break
            self._serve(first)
        self._disconnect()

    def _serve(self, first: Write) -> None:
        taken: list[Write] = []
        try:
            for write in self._transact(self._group(first), taken):
                self._transact([write], [])
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            # Not foreseen (out of memory, say): nobody may wait for ever, and the connection is in an unknown state.
            self._disconnect()
            unsettled = [write for write in taken if not write.settled]
            for write in unsettled:
                write.error = BackstayError("internal_error")
                write.error.__cause__ = error
            self._settle(unsettled)

    def _group(self, first: Write) -> Iterator[Write]:
        """The first, then whoever waits by then, until the group is full or has taken its time."""
        end = monotonic() + GROUP_SECONDS
        yield first
        for _ in range(PROGRAMS_IN_GROUP - 1):
            if monotonic() > end:
                return
            try:
                write = self._inbox.get_nowait()
            except queue.Empty:
                return
            if write is None:
                self._stopped = True
                return
            yield write

    def _transact(self, writes: Iterable[Write], taken: list[Write]) -> list[Write]:
        """Run programs in one transaction and settle them; returns those to be run again, each alone."""
        try:
            connection = self._begin()
        except SQLITE_ERRORS as error:
            taken.extend(writes)
            self._fail(taken, error)
            self._settle(taken)
            return []
        for write in writes:
            taken.append(write)
            if not write.future.cancelled():
                self._run(connection, write)
                if not connection.raw.in_transaction or is_about_the_file(write.error):
                    return self._after_loss(taken)
        return self._commit(connection, taken)

    def _begin(self) -> SqliteConnection:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.budget.deadline = math.inf
        try:
            self._connection.raw.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                self._disconnect()
            raise
        return self._connection

    def _run(self, connection: SqliteConnection, write: Write) -> None:
        """Run one program in a savepoint and note its result or its error."""
        execute = connection.raw.execute
        execute("SAVEPOINT program")
        try:
            write.result = self._drive(connection, write.program)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            write.error = error
        connection.budget.deadline = math.inf
        if connection.raw.in_transaction:
            if write.error is not None:
                execute("ROLLBACK TO program")
            execute("RELEASE program")
        elif write.error is None:
            write.error = RuntimeError("a program ended its transaction by itself")

    def _drive(self, connection: SqliteConnection, program: Program[Any]) -> Any:
        steps = program()
        try:
            statement = next(steps)
            while True:
                try:
                    rows = connection.fetch(statement, self._statement_seconds)
                except SQLITE_ERRORS as error:
                    steps.close()
                    raise from_sqlite(error, statement.sql, self._uniques, connection.budget) from error
                statement = steps.send(rows)
        except StopIteration as end:
            return end.value

    def _commit(self, connection: SqliteConnection, taken: list[Write]) -> list[Write]:
        try:
            connection.raw.execute("COMMIT")
        except sqlite3.Error as error:
            return self._after_failed_commit(connection, taken, error)
        self._settle(taken)
        return []

    def _after_loss(self, taken: list[Write]) -> list[Write]:
        """The last program took the whole transaction with it."""
        if is_about_the_file(taken[-1].error):
            self._disconnect()
        again = [write for write in taken if write.error is None]
        self._settle([write for write in taken if write.error is not None])
        for write in again:
            write.result = None
        return again

    def _after_failed_commit(
        self, connection: SqliteConnection, taken: list[Write], error: sqlite3.Error
    ) -> list[Write]:
        """Nothing is on the disk. A deferred constraint is the fault of one program, anything else is nobody's."""
        survivors = [write for write in taken if write.error is None]
        if isinstance(error, sqlite3.IntegrityError) and len(survivors) > 1:
            connection.raw.execute("ROLLBACK")
            self._settle([write for write in taken if write.error is not None])
            return survivors
        self._disconnect()
        self._fail(survivors, error)
        self._settle(taken)
        return []

    def _fail(self, writes: list[Write], error: Exception) -> None:
        for write in writes:
            write.error = from_sqlite(error, "", self._uniques)
            write.error.__cause__ = error

    def _disconnect(self) -> None:
        """Give up the connection; the next transaction opens a new one. What was not committed is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _settle(self, writes: list[Write]) -> None:
        if self._loop is None or not writes:
            return
        for write in writes:
            write.settled = True
        try:
            self._loop.call_soon_threadsafe(self._resolve, writes)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            return

    def _resolve(self, writes: list[Write]) -> None:
        for write in writes:
            self._waiting -= 1
            if write.future.done():
                continue
            if write.error is None:
                write.future.set_result(write.result)
            else:
                write.future.set_exception(write.error)


def is_about_the_file(error: BaseException | None) -> bool:
    """Whether the disk or the file failed rather than a statement: the connection may no longer be sound."""
    return isinstance(error, BackstayError) and error.code == "PGRST000"
