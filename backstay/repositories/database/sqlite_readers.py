"""Threads for the reads that are too slow for the event loop.

In charge of running them, of how many may wait, and of stopping those nobody waits for any more. Not in charge of
which reads those are.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from time import monotonic

from backstay.errors import BackstayError
from backstay.repositories.database import ResultRow, Statement
from backstay.repositories.database.driver_errors import SQLITE_ERRORS, from_sqlite, refusal
from backstay.repositories.database.sqlite_connection import SqliteConnection

READS_WAITING_PER_THREAD = 32


class Read:
    """A statement that waits, and until when it may."""

    __slots__ = ("future", "latest", "statement")

    def __init__(self, statement: Statement, future: asyncio.Future[list[ResultRow]], latest: float) -> None:
        self.statement = statement
        self.future = future
        self.latest = latest


class SqliteReaders:
    """A few threads with a connection each. Public methods belong to the loop's thread."""

    def __init__(
        self,
        connect: Callable[[], SqliteConnection],
        threads: int,
        statement_seconds: float,
        wait_seconds: float,
    ) -> None:
        self._connect = connect
        self._statement_seconds = statement_seconds
        self._wait_seconds = wait_seconds
        self._inbox: queue.SimpleQueue[Read | None] = queue.SimpleQueue()
        self._pending = 0
        self._most_pending = threads * (1 + READS_WAITING_PER_THREAD)
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"backstay-sqlite-reader-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Start the threads. Each connects with its first read."""
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()

    async def run(self, statement: Statement) -> list[ResultRow]:
        """Run one statement on some thread.

        Raises:
            BackstayError: `draining`; `overloaded`; `PGRST003` when no thread was free in time; what the statement met.
        """
        if self._closing or self._loop is None:
            raise BackstayError("draining")
        if self._pending >= self._most_pending:
            raise refusal("overloaded")
        future: asyncio.Future[list[ResultRow]] = self._loop.create_future()
        self._pending += 1
        self._inbox.put(Read(statement, future, monotonic() + self._wait_seconds))
        return await future

    async def close(self) -> None:
        """Run what waits, then disconnect."""
        self._closing = True
        for _ in self._threads:
            self._inbox.put(None)
        for thread in self._threads:
            if thread.is_alive():
                await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        connection: SqliteConnection | None = None
        while (read := self._inbox.get()) is not None:
            rows: list[ResultRow] = []
            failure: BackstayError | None = None
            try:
                connection = connection or self._connect()
                rows = self._fetch(connection, read)
            except BackstayError as error:
                failure = error
            except SQLITE_ERRORS as error:
                failure = from_sqlite(
                    error, read.statement.sql, {}, connection.budget if connection else None
                )
                failure.__cause__ = error
            except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it is
                failure = BackstayError("internal_error")
                failure.__cause__ = error
            if failure is not None and failure.code == "PGRST000" and connection is not None:
                connection.close()
                connection = None
            self._settle(read, rows, failure)
        if connection is not None:
            connection.close()

    def _fetch(self, connection: SqliteConnection, read: Read) -> list[ResultRow]:
        if read.future.cancelled():
            return []
        if monotonic() > read.latest:
            raise BackstayError("PGRST003")
        connection.budget.waiter = read.future
        try:
            return connection.fetch(read.statement, self._statement_seconds)
        finally:
            connection.budget.waiter = None

    def _settle(self, read: Read, rows: list[ResultRow], failure: BackstayError | None) -> None:
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._resolve, read, rows, failure)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            return

    def _resolve(self, read: Read, rows: list[ResultRow], failure: BackstayError | None) -> None:
        self._pending -= 1
        if read.future.done():
            return
        if failure is None:
            read.future.set_result(rows)
        else:
            read.future.set_exception(failure)
