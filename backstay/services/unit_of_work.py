"""The unit of work: one use case, one transaction. The only place of the package where a session commits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from backstay.errors import BackstayError
from backstay.repositories.database.caller_defaults import bind_caller
from backstay.repositories.database.read_only import read_only
from backstay.repositories.database.sessions import Session, Sessions, translated
from backstay.services.context import Context

T = TypeVar("T")

_READING = "backstay.reading"


def require_writing(session: Session) -> None:
    """Refuse to write in a session that only reads, before the database does in words for operators.

    Raises:
        BackstayError: `25006`.
    """
    if session.info.get(_READING):
        raise BackstayError("25006")


async def once_more(work: Callable[[], Awaitable[T]]) -> T:
    """Do a use case, and do it again if another one made the same row at the same moment: it finds that row now."""
    try:
        return await work()
    except BackstayError as error:
        if error.code not in ("23505", "40001"):
            raise
    return await work()


class UnitOfWork:
    """Opens transactions for services and users' controllers."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @asynccontextmanager
    async def begin(self, context: Context, *, reading: bool = False) -> AsyncIterator[Session]:
        """A session whose changes are kept when the block ends well and undone when it raises.

        Columns with a default like `caller.id` are filled from the context. A failure of the database is raised as
        the error of the catalogue that the generated API would have raised.

        Args:
            reading: the session cannot write, and waits for nobody who does.
        """
        factory = self._sessions.reading if reading else self._sessions.factory
        async with factory() as session:
            bind_caller(session, context.caller)
            session.info[_READING] = reading
            with translated(self._sessions, reading=reading):
                yield session
                await session.commit()

    @asynccontextmanager
    async def part(self, session: Session, *, reading: bool = False) -> AsyncIterator[None]:
        """A part of a transaction that is already running, which is to be undone as a whole when the block raises.

        What others did in the transaction is seen, also where they went around the session; what the block leaves in
        the session is in the database when it ends.

        Args:
            reading: nothing can be written until the block ends.
        """
        await session.flush()
        session.expunge_all()
        if not reading or session.info[_READING]:
            with translated(self._sessions, reading=reading):
                yield
                await session.flush()
            return
        session.info[_READING] = True
        try:
            with translated(self._sessions, reading=True):
                async with read_only(session):
                    yield
                    await session.flush()
        finally:
            session.info[_READING] = False
