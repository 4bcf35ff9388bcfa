"""Batches: several operations in one transaction, of which all are kept or none.

In charge of the transaction, of telling which operation failed, and of how many rows one batch may touch. What an
operation is and does is its controller's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from backstay.config.rest import RestSettings
from backstay.errors import BackstayError
from backstay.repositories.database.sessions import Session
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork


class Outcome(Protocol):
    """What came of one operation, as far as it counts here: rows read or written."""

    @property
    def rows(self) -> int: ...


R = TypeVar("R", bound=Outcome)


class Batches:
    """Runs batches."""

    def __init__(self, units: UnitOfWork, settings: RestSettings) -> None:
        self._units = units
        self._settings = settings

    async def run(
        self,
        context: Context,
        operations: Sequence[Callable[[Session], Awaitable[R]]],
        *,
        reading: bool,
        undone: bool,
    ) -> list[R]:
        """Do all operations, in their order; each sees what those before it did.

        Args:
            reading: none of them writes, and none waits for whoever does.
            undone: do all of it, answer as if it were done, and keep nothing.

        Raises:
            BackstayError: of the operation that failed, with its `index`; nothing is kept then.
        """
        most = self._settings.max_batch_operations
        if len(operations) > most:
            raise BackstayError("54000", f"a batch may have at most {most} operations")
        outcomes: list[R] = []
        try:
            async with self._units.begin(context, reading=reading) as session:
                await self._run(operations, session, outcomes)
                if undone:
                    raise _UndoneError
        except _UndoneError:
            pass
        return outcomes

    async def _run(
        self, operations: Sequence[Callable[[Session], Awaitable[R]]], session: Session, outcomes: list[R]
    ) -> None:
        rows = 0
        for index, operate in enumerate(operations):
            try:
                outcome = await operate(session)
                rows += outcome.rows
                if rows > self._settings.max_write_rows:
                    most = self._settings.max_write_rows
                    raise BackstayError("54000", f"a batch may read and write at most {most} rows")
            except BackstayError as error:
                error.index = index
                raise
            outcomes.append(outcome)


class _UndoneError(Exception):
    """Ends a transaction that is not to be kept."""
