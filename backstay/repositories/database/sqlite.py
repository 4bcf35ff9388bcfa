"""The database as one SQLite file.

In charge of which of three doors a statement takes: reads run inline on the event loop as long as they need less
than a millisecond, on a reader thread when they turn out to need more, and writes go to the writer. It sees only what
is committed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.repositories.database import Engine, Program, ResultRow, Statement, T
from backstay.repositories.database.driver_errors import SQLITE_ERRORS, Uniques, from_sqlite
from backstay.repositories.database.sqlite_connection import SqliteConnection
from backstay.repositories.database.sqlite_readers import SqliteReaders
from backstay.repositories.database.sqlite_writer import SqliteWriter

# A statement that was too slow goes straight to a thread for a while, which doubles each time that it is too slow again.
# Most often the machine was busy, not the statement: when the first time was for 30 s already, reads by key and lists
# reached two thirds of their rate on a machine that others use too.
FIRST_SLOW_SECONDS = 0.05
LAST_SLOW_SECONDS = 30.0
SLOW_KEPT = 256
_PING = Statement("SELECT 1")
_UNNAMED: Uniques = {}


class SqliteDatabase:
    """`Database` on the file at `path`, used from one event loop.

    Programs may be run more than once before one run is committed (`sqlite_writer.py`).

    Args:
        uniques: names of unique constraints by table and columns, which SQLite does not tell when one is broken.
    """

    engine: Engine = "sqlite"

    def __init__(
        self,
        settings: DatabaseSettings,
        path: Path,
        uniques: Mapping[tuple[str, tuple[str, ...]], str] = _UNNAMED,
    ) -> None:
        self._path = Path(path)
        self._uniques = uniques
        self._inline_seconds = settings.inline_read_milliseconds / 1000
        self._inline: SqliteConnection | None = None
        # SQL -> (until when it goes to a thread, for how long that was), the one noted longest ago first.
        self._slow: dict[str, tuple[float, float]] = {}
        self._readers = SqliteReaders(
            self._connect_reader,
            settings.reader_threads,
            settings.statement_timeout_seconds,
            settings.pool_timeout_seconds,
        )
        self._writer = SqliteWriter(self._connect_writer, settings.statement_timeout_seconds, uniques)

    async def open(self) -> None:
        """Open the file; it and its folder are made when missing."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer.start()
            # No waiting for locks on the loop: a busy file sends the read to a thread.
            self._inline = SqliteConnection(self._path, read_only=True, busy_seconds=0)
        except (OSError, sqlite3.Error) as error:
            await self._writer.close()
            raise BackstayError("PGRST000") from error
        self._readers.start()

    async def close(self) -> None:
        """Finish what runs and what waits, then disconnect."""
        await self._readers.close()
        await self._writer.close()
        if self._inline is not None:
            self._inline.close()
            self._inline = None

    async def read(self, statement: Statement) -> list[ResultRow]:
        """Run one read-only statement and return all its rows."""
        inline = self._inline
        if inline is None:
            raise BackstayError("draining")
        now = monotonic()
        if self._slow:
            slow = self._slow.get(statement.sql)
            if slow is not None and now < slow[0]:
                return await self._readers.run(statement)
        budget = inline.budget
        budget.deadline = now + self._inline_seconds
        try:
            return inline.raw.execute(statement.sql, statement.parameters).fetchall()
        except SQLITE_ERRORS as error:
            failure = from_sqlite(error, statement.sql, self._uniques, budget)
            if failure.code not in ("57014", "overloaded"):
                raise failure from error
        pause = self._remember_slow(statement.sql)
        try:
            return await self._readers.run(statement)
        finally:
            # From here on: one that takes longer than its pause would be tried on the loop every time.
            if statement.sql in self._slow:
                self._slow[statement.sql] = (monotonic() + pause, pause)

    async def write(self, program: Program[T], *, atomic: bool = True) -> T:
        """Run a program in one transaction and return its result once that is durable."""
        return await self._writer.submit(program)

    async def ping(self) -> None:
        """Answer when the database answers."""
        await self.read(_PING)

    def _remember_slow(self, sql: str) -> float:
        """Note a statement that was too slow, and for how many seconds it goes to a thread."""
        now = monotonic()
        until, pause = self._slow.pop(sql, (now, 0.0))
        # What went well on the loop for long after its last pause starts again from the shortest.
        pause = min(2 * pause, LAST_SLOW_SECONDS) if now - until < LAST_SLOW_SECONDS else 0.0
        if len(self._slow) >= SLOW_KEPT:
            del self._slow[next(iter(self._slow))]
        pause = max(pause, FIRST_SLOW_SECONDS)
        self._slow[sql] = (now + pause, pause)
        return pause

    def _connect_reader(self) -> SqliteConnection:
        return SqliteConnection(self._path, read_only=True)

    def _connect_writer(self) -> SqliteConnection:
        return SqliteConnection(self._path, read_only=False)
