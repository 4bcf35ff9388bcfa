"""The door of the generated API to the database: runs plans, keeps what was compiled for them.

Rows never become Python objects on the read path: what comes back is the document's text and two numbers.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.resources.plan import JointPlan, ReadPlan, WritePlan
from backstay.repositories.database import Database, Door, Program, ResultRow, Statement, T
from backstay.repositories.database.driver_errors import Uniques
from backstay.repositories.database.sessions import Session
from backstay.repositories.database.within import WithinSession
from backstay.repositories.resources.compile import (
    CompiledStatement,
    compile_estimate,
    compile_read,
)
from backstay.repositories.resources.compile_joint import compile_joint
from backstay.repositories.resources.dialects import Dialect
from backstay.repositories.resources.dml import keys_document
from backstay.repositories.resources.insert_at_once import REFUSED, Row
from backstay.repositories.resources.key_read import compile_key_read
from backstay.repositories.resources.keyed import Key, KeyedWrite
from backstay.repositories.resources.postgres_dialect import PostgresDialect
from backstay.repositories.resources.sqlite_dialect import SqliteDialect
from backstay.repositories.resources.write import CompiledWrite, Precondition, Written
from backstay.utils.bounded import BoundedDict

# A statement takes about 5 ms to compile and 20 KiB to keep.
KEPT_STATEMENTS = 2000
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


class ResourceRepository:
    """Reads and writes of resources, by plan."""

    def __init__(self, database: Database, uniques: Uniques = NO_UNIQUES) -> None:
        self.database = database
        self._uniques = uniques
        self.dialect: Dialect = SqliteDialect() if database.engine == "sqlite" else PostgresDialect()
        self._reads: BoundedDict[ReadPlan, CompiledStatement] = BoundedDict(KEPT_STATEMENTS)
        self._key_reads: BoundedDict[tuple[ReadPlan, bool, bool], CompiledStatement] = BoundedDict(
            KEPT_STATEMENTS
        )
        self._joint: BoundedDict[JointPlan, CompiledStatement] = BoundedDict(KEPT_STATEMENTS)
        self._estimates: BoundedDict[ReadPlan, CompiledStatement] = BoundedDict(KEPT_STATEMENTS)
        self._writes: BoundedDict[WritePlan, CompiledWrite] = BoundedDict(KEPT_STATEMENTS)
        self._keyed: BoundedDict[WritePlan, KeyedWrite] = BoundedDict(KEPT_STATEMENTS)

    async def read(
        self, plan: ReadPlan, values: Sequence[Any], caller: Caller, session: Session | None = None
    ) -> Page:
        """Run a read: one statement.

        Args:
            session: whose transaction it is part of, and sees; None for what is committed.

        Raises:
            BackstayError: what the database's door raises; `PGRST127` for what this engine cannot do.
        """
        compiled = self._reads.get(plan)
        if compiled is None:
            compiled = self._reads[plan] = compile_read(plan, self.dialect)
        door = self._door(session)
        rows = await door.read(compiled.bind(values, caller))
        row = rows[0]
        total = None if plan.count is None else row[2]
        if plan.count is not None and total is None:
            total = await self._planned(door, plan, values, caller)
        if not plan.keyed:
            return Page(row[0], row[1].encode(), total)
        # Neither database writes a line end within JSON.
        return Page(row[0], row[1].encode(), total, (row[-1] or "").rpartition("\n")[2])

    async def read_joint(self, plan: JointPlan, values: Sequence[Any], caller: Caller) -> list[bytes]:
        """Run several reads as one statement; the JSON array of each.

        Raises:
            BackstayError: as `read`.
        """
        compiled = self._joint.get(plan)
        if compiled is None:
            compiled = self._joint[plan] = compile_joint(plan, self.dialect)
        rows = await self.database.read(compiled.bind(values, caller))
        return [text.encode() for text in rows[0]]

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
        place = (plan, in_order, len(keys) == 1)
        compiled = self._key_reads.get(place)
        if compiled is None:
            made = compile_key_read(plan, self.dialect, in_order=in_order, is_one=len(keys) == 1)
            compiled = self._key_reads[place] = made
        statement = compiled.bind([*values, keys_document(keys)], caller)
        row = (await self._door(session).read(statement))[0]
        return Page(row[0], row[1].encode(), row[2] if plan.count is not None else None)

    async def _planned(self, door: Door, plan: ReadPlan, values: Sequence[Any], caller: Caller) -> int:
        """How many rows PostgreSQL's planner expects. The one question that takes a second statement."""
        compiled = self._estimates.get(plan)
        if compiled is None:
            compiled = self._estimates[plan] = compile_estimate(plan, self.dialect)
        rows = await door.read(compiled.bind(values, caller))
        expected: int = json.loads(rows[0][0])[0]["Plan"]["Plan Rows"]
        return expected

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
        compiled = self._writes.get(plan)
        if compiled is None:
            compiled = self._writes[plan] = CompiledWrite(plan, self.dialect)
        if session is not None:
            program = compiled.program(rows, values, caller, precondition)
            return await self._door(session).write(program)
        at_once = None if plan.undone else compiled.at_once(rows, caller)
        if at_once is not None:
            try:
                return await self.database.write(at_once, atomic=False)
            except BackstayError as error:
                # Nothing of it was kept: the several statements say what is wrong, and the same on both engines.
                if error.code != REFUSED:
                    raise
        program = compiled.program(rows, values, caller, precondition)
        if plan.undone:
            return await self._tried(program)
        atomic = (
            not compiled.is_one_statement or precondition is not None or len({tuple(row) for row in rows}) > 1
        )
        return await self.database.write(program, atomic=atomic)

    def keyed(self, plan: WritePlan) -> KeyedWrite:
        """The steps of a write between which hooks run; each is a program for `run`."""
        keyed = self._keyed.get(plan)
        if keyed is None:
            keyed = self._keyed[plan] = KeyedWrite(plan, self.dialect)
        return keyed

    async def run(self, program: Program[T], session: Session) -> T:
        """Run one step in the session's transaction, after what the session has yet to write."""
        return await self._door(session).write(program)

    def _door(self, session: Session | None) -> Door:
        if session is None:
            return self.database
        return WithinSession(self.database.engine, session, self._uniques)

    async def _tried(self, program: Program[Written]) -> Written:
        """Run a program to its end and keep nothing of what it did."""
        try:
            return await self.database.write(lambda: _undoing(program))
        except _UndoneError as undone:
            return undone.written


class _UndoneError(Exception):
    """Ends a transaction whose program did all that it should."""

    def __init__(self, written: Written) -> None:
        self.written = written


def _undoing(program: Program[Written]) -> Generator[Statement, list[ResultRow], Written]:
    written = yield from program()
    raise _UndoneError(written)
