"""A part of a transaction that writes, in which the database lets nobody write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backstay.repositories.database.sessions import READING, Session

_SAVEPOINT = "backstay_read_only"


@asynccontextmanager
async def read_only(session: Session) -> AsyncIterator[None]:
    """Until the block ends, what tries to write fails; after a failure on PostgreSQL, the transaction can only end."""
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        # Whatever happens, the next transaction on this connection knows what it has to turn off.
        connection.info[READING] = True
        await connection.exec_driver_sql("PRAGMA query_only = 1")
        yield
        await connection.exec_driver_sql("PRAGMA query_only = 0")
        connection.info[READING] = False
        return
    # A transaction that only reads stays so; giving up a savepoint takes it back, and there is nothing to lose.
    await connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")
    await connection.exec_driver_sql("SET LOCAL transaction_read_only = on")
    yield
    await connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
