"""The door of the generated API to the database: runs plans.

Rows never become Python objects on the read path: what comes back is the document's text and two numbers.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.catalog import Resource
from backstay.models.resources.of_table import OfTable
from backstay.models.resources.plan import ReadPlan, WritePlan
from backstay.repositories.database import Database, Door, Program, ResultRow, Statement, T
from backstay.repositories.database.driver_errors import Uniques
from backstay.repositories.database.sessions import Session
from backstay.repositories.database.within import WithinSession
from backstay.repositories.resources.dml import keys_document
from backstay.repositories.resources.insert_at_once import REFUSED, Row
from backstay.repositories.resources.keyed import Key, KeyedWrite
from backstay.repositories.resources.objects import readable_object
from backstay.repositories.resources.statements import Statements
from backstay.repositories.resources.write import Precondition, Written

NO_UNIQUES: Uniques = {}


@dataclass(frozen=True, slots=True)
class Page:
    """What a read found: rows shown, the JSON array of them, and how many there are in all if that was asked.

    Attributes:
        last: the place of the last row in the order, if that was asked; empty when there is none.
        next: the cursor of the page after this one, when there may be one.
    """

    count: int
    body: bytes
    total: int | None
    last: str = ""
    next: str | None = None


class TableRepository(OfTable):
    """Reads and writes of tables, by plan: where a plan becomes a statement, and the statement is run.

    `class TripsRepository(TableRepository, table="trips")` is that of one table; the others share the generic one. The
    access rules are in the plans, as conditions and as masks of columns, so whatever runs a plan keeps them. SQL of
    one's own has none of them unless it puts them in: `Repository.readable`, `may_read` and `visible` do.

    Attributes:
        database: what runs statements outside of any session; `door` says which one to use.
        statements: what was compiled for plans.
    """

    def __init__(
        self, database: Database, statements: Statements | None = None, uniques: Uniques = NO_UNIQUES
    ) -> None:
        self.database = database
        self.statements = statements or Statements(database.engine)
        self._uniques = uniques

    async def read(
        self, plan: ReadPlan, values: Sequence[Any], caller: Caller, session: Session | None = None
    ) -> Page:
        """Run a read: one statement.

        Args:
            session: whose transaction it is part of, and sees; None for what is committed.

        Raises:
            BackstayError: what the database's door raises; `PGRST127` for what this engine cannot do.
        """
        door = self.door(session)
        row = (await door.read(self.statements.read(plan).bind(values, caller)))[0]
        total = None if plan.count is None else row[2]
        if plan.count is not None and total is None:
            total = await self.planned_count(door, plan, values, caller)
        return Page(row[0], row[1].encode(), total, place_of_last(row) if plan.keyed else "")

    async def read_keys(
        self,
        plan: ReadPlan,
        values: Sequence[Any],
        caller: Caller,
        keys: Sequence[Key],
        session: Session,
        *,
        in_order: bool,
    ) -> Page:
        """Run a read among the rows of those keys, in the session's transaction: one statement.

        Args:
            in_order: rows come in the order of the keys.
        """
        compiled = self.statements.read_keys(plan, in_order=in_order, is_one=len(keys) == 1)
        statement = compiled.bind([*values, keys_document(keys)], caller)
        row = (await self.door(session).read(statement))[0]
        return Page(row[0], row[1].encode(), None if plan.count is None else row[2])

    async def find(self, resource: Resource, key: Key, caller: Caller, session: Session) -> Any | None:
        """The row of that key as an object on the session, if this caller may read it; with every column."""
        return await readable_object(session, caller, resource, key)

    async def write(
        self,
        plan: WritePlan,
        rows: Sequence[Row],
        values: Sequence[Any],
        caller: Caller,
        precondition: Precondition | None = None,
        session: Session | None = None,
    ) -> Written:
        """Run a write in one transaction; nothing of it remains when it raises.

        Args:
            rows: values by column name, in the order of the columns; one row for an update, none for a delete.
            precondition: sees the document of the rows about to be touched (None when there are none), and raises.
            session: whose transaction it becomes part of, and which is to be undone as a whole when it raises. A plan
                that is to be undone is left to whoever opened it to undo.
        """
        compiled = self.statements.write(plan)
        program = compiled.program(rows, values, caller, precondition)
        if session is not None:
            return await self.run(program, session)
        if plan.undone:
            return await self.tried(program)
        at_once = compiled.at_once(rows, caller)
        if at_once is not None:
            try:
                return await self.database.write(at_once, atomic=False)
            except BackstayError as error:
                # Nothing of it was kept: the several statements say what is wrong, and the same on both engines.
                if error.code != REFUSED:
                    raise
        is_one_statement = compiled.is_one_statement and precondition is None
        has_one_shape = len({tuple(row) for row in rows}) <= 1
        return await self.database.write(program, atomic=not (is_one_statement and has_one_shape))

    def keyed(self, plan: WritePlan) -> KeyedWrite:
        """The steps of a write between which hooks run; each is a program for `run`."""
        return self.statements.keyed(plan)

    async def run(self, program: Program[T], session: Session) -> T:
        """Run one step in the session's transaction, after what the session has yet to write."""
        return await self.door(session).write(program)

    async def tried(self, program: Program[Written]) -> Written:
        """Run a program to its end and keep nothing of what it did."""
        try:
            return await self.database.write(lambda: _undoing(program))
        except _UndoneError as undone:
            return undone.written

    async def planned_count(self, door: Door, plan: ReadPlan, values: Sequence[Any], caller: Caller) -> int:
        """How many rows PostgreSQL's planner expects. The one question that takes a second statement."""
        rows = await door.read(self.statements.estimate(plan).bind(values, caller))
        expected: int = json.loads(rows[0][0])[0]["Plan"]["Plan Rows"]
        return expected

    def door(self, session: Session | None) -> Door:
        """What runs statements: within the session's transaction, or each on its own."""
        if session is None:
            return self.database
        return WithinSession(self.database.engine, session, self._uniques)


def place_of_last(row: ResultRow) -> str:
    """The place of the last row in the order, of what a read for pages gives."""
    # Neither database writes a line end within JSON.
    return (row[-1] or "").rpartition("\n")[2]


class _UndoneError(Exception):
    """Ends a transaction whose program did all that it should."""

    def __init__(self, written: Written) -> None:
        self.written = written


def _undoing(program: Program[Written]) -> Generator[Statement, list[ResultRow], Written]:
    written = yield from program()
    raise _UndoneError(written)
