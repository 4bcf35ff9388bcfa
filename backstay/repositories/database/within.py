"""The door to the database within a session's transaction: what the platform and the user's own code write together.

In charge of running statements and programs on the session's connection, after what the session has yet to write. Not
in charge of the transaction, which the unit of work opened and keeps or undoes as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backstay.repositories.database import Engine, Program, ResultRow, Statement, T
from backstay.repositories.database.driver_errors import Uniques
from backstay.repositories.database.sessions import from_session


class WithinSession:
    """`Database` on the connection of one session.

    A program that fails leaves the transaction to be undone: on PostgreSQL nothing more can be run in it. Whoever means
    to go on after a failure opens a savepoint (`session.begin_nested()`) first.
    """

    def __init__(self, engine: Engine, session: AsyncSession, uniques: Uniques) -> None:
        self.engine = engine
        self._session = session
        self._uniques = uniques

    async def read(self, statement: Statement) -> list[ResultRow]:
        """Run one statement and return all its rows."""
        await self._session.flush()
        return await self._fetch(statement)

    async def write(self, program: Program[T], *, atomic: bool = True) -> T:
        """Run a program and return its result, which is durable once the session's transaction is."""
        await self._session.flush()
        steps = program()
        try:
            rows = await self._fetch(next(steps))
            while True:
                rows = await self._fetch(steps.send(rows))
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    async def _fetch(self, statement: Statement) -> list[ResultRow]:
        try:
            connection = await self._session.connection()
            result = await connection.exec_driver_sql(statement.sql, statement.parameters)
            found: Sequence[ResultRow] = result.all() if result.returns_rows else []
            return list(found)
        except DBAPIError as error:
            raise from_session(error, self._uniques) from error
