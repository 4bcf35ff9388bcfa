"""A pool of PostgreSQL connections that hands out the one used last, and returns it without a word to the server.

In charge of how many connections there are, who waits for one, and that only clean ones come back. Not in charge of
statements or transactions. A reset on every return would cost a round trip, 90 of 123 µs of a read by key; instead
nobody here may change a session's state, and a connection of which it is not known that it is idle is given up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.repositories.database import ResultRow, Statement
from backstay.repositories.database.driver_errors import POSTGRES_ERRORS, from_postgres, refusal

STATEMENTS_KEPT = 500
RETIRE_SECONDS = 2.0
# The server stops a statement that takes too long; this much later we stop waiting for a server that is silent.
SILENCE_SECONDS = 2.0
# So long a server that has no place for another connection is not asked again.
FULL_SECONDS = 0.25
# After these the server waits for the next statement; after anything else nobody knows.
ANSWERED = (asyncpg.PostgresError, asyncpg.DataError)
# The table, or a type it uses, was changed since the statement was prepared.
OUTDATED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)


class PostgresConnection:
    """A connection and the statements prepared on it, by their text, the one used longest ago first.

    Attributes:
        busy: true while an answer is awaited. Still true afterwards, it says that nobody knows what the server does.
        generation: see `PostgresPool.distrust`.
        prepared: how many statements were ever prepared here.
    """

    __slots__ = ("busy", "generation", "prepared", "raw", "statements")

    def __init__(self, raw: asyncpg.Connection[Any], generation: int) -> None:
        self.raw = raw
        self.generation = generation
        self.busy = False
        self.prepared = 0
        self.statements: dict[str, PreparedStatement[Any]] = {}

    async def fetch(self, statement: Statement) -> list[ResultRow]:
        """All rows of one statement, prepared now when its text is new here.

        Raises:
            POSTGRES_ERRORS: for `driver_errors.from_postgres`.
        """
        self.busy = True
        try:
            prepared = self.statements.pop(statement.sql, None) or await self._prepare(statement.sql)
            self.statements[statement.sql] = prepared
            rows: list[Any] = await prepared.fetch(*statement.parameters)
        except ANSWERED as error:
            self.busy = False
            if isinstance(error, OUTDATED):
                self.statements.clear()
            raise
        self.busy = False
        return rows

    async def execute(self, command: str) -> str:
        """Run a command without parameters or rows, such as COMMIT, and return what the server says it did.

        Raises:
            POSTGRES_ERRORS: for `driver_errors.from_postgres`.
        """
        self.busy = True
        try:
            status = await self.raw.execute(command)
        except ANSWERED:
            self.busy = False
            raise
        self.busy = False
        return status

    async def _prepare(self, sql: str) -> PreparedStatement[Any]:
        if len(self.statements) >= STATEMENTS_KEPT:
            # The driver closes it on the server with the next statement it prepares.
            del self.statements[next(iter(self.statements))]
        self.prepared += 1
        # Named by us: without a name the driver's own cache must be on, or each run parses the statement again.
        return await self.raw.prepare(sql, name=f"backstay_{self.prepared}")


class PostgresPool:
    """At most `pool_size` connections, opened as they are needed."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._url = plain_url(settings.url)
        self._most = settings.pool_size
        self._wait_seconds = settings.pool_timeout_seconds
        self._answer_seconds = settings.statement_timeout_seconds + SILENCE_SECONDS
        self._session = session_settings(settings)
        self._idle: list[PostgresConnection] = []
        self._waiters: deque[asyncio.Future[PostgresConnection | None]] = deque()
        self._retiring: set[asyncio.Task[None]] = set()
        self._size = 0
        self._generation = 0
        self._server_is_full = False
        self._closing = False
        self._emptied = asyncio.Event()

    @property
    def size(self) -> int:
        """Connections open or being opened or closed."""
        return self._size

    @property
    def idle(self) -> int:
        """Connections that nobody uses."""
        return len(self._idle)

    def take(self) -> PostgresConnection | None:
        """An idle connection that was not seen to end, at once; or None."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.raw.is_closed():
                return connection
            self._forget()
        return None

    def distrust(self, connection: PostgresConnection) -> None:
        """One connection broke: those opened before that probably did too, as when the server was restarted."""
        if connection.generation < self._generation:
            return
        self._generation += 1
        old, self._idle = self._idle, []
        for idle in old:
            self.discard(idle)

    async def acquire(self) -> PostgresConnection:
        """A connection, opened or waited for if need be.

        Raises:
            BackstayError: `PGRST003` when none came free in time, `PGRST000` when the server cannot be reached,
                `draining` once the pool closes.
        """
        if self._closing:
            raise BackstayError("draining")
        connection = self.take()
        latest = asyncio.get_running_loop().time() + self._wait_seconds
        try:
            while connection is None:
                if self._size < self._most and not self._server_is_full:
                    async with asyncio.timeout_at(latest):
                        connection = await self._open()
                else:
                    connection = await self._wait(latest)
        except TimeoutError as error:
            raise BackstayError("PGRST003") from error
        return connection

    def release(self, connection: PostgresConnection) -> None:
        """Take back an idle, clean connection that is still trusted, or give it to whoever waits longest."""
        raw = connection.raw
        is_old = connection.generation < self._generation
        if is_old or connection.busy or raw.is_closed() or raw.is_in_transaction():
            self.discard(connection)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if self._closing:
            self.discard(connection)
        else:
            self._idle.append(connection)

    def discard(self, connection: PostgresConnection) -> None:
        """Give up a connection in an unknown state. Its place is free once the server has let it go."""
        if connection.raw.is_closed():
            self._forget()
            return
        task = asyncio.get_running_loop().create_task(self._retire(connection))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        """Wait for connections in use, then close all."""
        self._closing = True
        while (connection := self.take()) is not None:
            self.discard(connection)
        if self._size:
            await self._emptied.wait()

    async def _open(self) -> PostgresConnection | None:
        """A new connection; None when one that was as old broke meanwhile, or the server has no place for it."""
        self._size += 1
        generation = self._generation
        try:
            raw = await asyncpg.connect(
                self._url,
                server_settings=self._session,
                statement_cache_size=0,
                command_timeout=self._answer_seconds,
            )
        except asyncpg.TooManyConnectionsError:
            self._hold_back()
            self._forget()
            return None
        except POSTGRES_ERRORS as error:
            self._forget()
            raise self._unreachable(error) from error
        except BaseException:
            self._forget()
            raise
        connection = PostgresConnection(raw, generation)
        if generation < self._generation:
            # The server may have ended this session too, between its start and now.
            self.discard(connection)
            return None
        return connection

    def _hold_back(self) -> None:
        """Live with the connections there are, as other programs hold the rest, and try again in a while."""
        if not self._server_is_full:
            self._server_is_full = True
            asyncio.get_running_loop().call_later(FULL_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._server_is_full = False
        for _ in range(self._most - self._size):
            self._wake()

    def _unreachable(self, error: BaseException) -> BackstayError:
        code = from_postgres(error, "", {}).code
        return refusal("PGRST000" if code == "PGRST001" else code)

    async def _wait(self, latest: float) -> PostgresConnection | None:
        """The next connection that comes free; None when there is room for a new one.

        On a busy node most reads wait here, and a timer on the future costs a fifth of `asyncio.timeout`.

        Raises:
            TimeoutError: none came free until `latest`, in the loop's time.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[PostgresConnection | None] = loop.create_future()
        self._waiters.append(waiter)
        timer = loop.call_at(latest, _give_up, waiter)
        try:
            return await waiter
        except (asyncio.CancelledError, TimeoutError):
            # `release` may have passed over it already, between its end and now.
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            raise
        finally:
            timer.cancel()

    def _pass_on(self, connection: PostgresConnection | None) -> None:
        """What was given to a waiter that had just been cancelled goes to the next."""
        if connection is None:
            self._wake()
        else:
            self.release(connection)

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _forget(self) -> None:
        self._size -= 1
        self._wake()
        if self._closing and not self._size:
            self._emptied.set()

    async def _retire(self, connection: PostgresConnection) -> None:
        """Let the driver's pending cancel request reach the server, then say goodbye, within `RETIRE_SECONDS`."""
        try:
            await connection.raw.close(timeout=RETIRE_SECONDS)
        except POSTGRES_ERRORS:
            connection.raw.terminate()
        finally:
            self._forget()


def _give_up(waiter: asyncio.Future[PostgresConnection | None]) -> None:
    """Tell a waiter that its time is over."""
    if not waiter.done():
        waiter.set_exception(TimeoutError())


def plain_url(url: str) -> str:
    """Without the name of a SQLAlchemy driver."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def session_settings(settings: DatabaseSettings) -> dict[str, str]:
    """What every session is started with, so that nothing needs to be set afterwards."""
    return {
        "application_name": "backstay",
        "timezone": "UTC",
        "default_transaction_isolation": "read committed",
        "statement_timeout": f"{max(1, round(settings.statement_timeout_seconds * 1000))}ms",
        # A transaction left open, by a node that froze say, must not hold its locks for ever.
        "idle_in_transaction_session_timeout": "60s",
        # Compiling a statement costs more than any of ours takes.
        "jit": "off",
        # docs/decisions/0011-planner-costs.md
        "random_page_cost": "1.1",
    }
