"""Writing: WritePlan + rows → a program of statements, run by the database in one transaction.

In charge of the order of a write's statements and of undoing it, by raising, when a row as it will be fails a check.
What the rules ask was decided by the plan; the statements themselves are made in `dml.py`.

A write that shows nothing and whose checks read no other rows is one statement. Others add: a lock (delete that shows
rows, preconditions), one count for checks that read other rows, and one read for the answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.catalog import Field, ValueKind
from backstay.models.resources.plan import WritePlan
from backstay.models.resources.request import Conflict, Shape, WriteKind
from backstay.repositories.database import Program, ResultRow, Statement
from backstay.repositories.resources.dialects import Dialect, stored
from backstay.repositories.resources.dml import WriteStatements, keys_document, rows_document
from backstay.repositories.resources.insert_at_once import InsertsAtOnce, Row

Precondition = Callable[[bytes | None], None]
Steps = Generator[Statement, list[ResultRow], Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did.

    Attributes:
        count: rows inserted, updated or deleted.
        inserted: how many of them are new.
        body: the JSON array of the written rows as the caller sees them; None when nothing was asked for.
        keys: their primary keys as the driver gives them.
    """

    count: int
    inserted: int
    body: bytes | None
    keys: tuple[tuple[Any, ...], ...]


def _names(row: Row) -> tuple[str, ...]:
    return tuple(row)


@dataclass(slots=True)
class Tally:
    """Keys of the rows written so far, in order, and which of them are new."""

    keys: list[tuple[Any, ...]] = field(default_factory=list)
    new: list[bool] = field(default_factory=list)

    def note(self, key: tuple[Any, ...], *, is_new: bool) -> None:
        self.keys.append(key)
        self.new.append(is_new)

    def some(self, *, is_new: bool) -> list[tuple[Any, ...]]:
        return [key for key, new in zip(self.keys, self.new, strict=True) if new is is_new]


class CompiledWrite:
    """The statements of one write plan, compiled as they are first needed."""

    def __init__(self, plan: WritePlan, dialect: Dialect) -> None:
        self.plan = plan
        self.dialect = dialect
        self.statements = WriteStatements(plan, dialect)
        self._at_once = InsertsAtOnce(plan, dialect, self.statements)

    @property
    def is_one_statement(self) -> bool:
        """True when nothing can be wrong once its only statement has run, so it needs no transaction of its own."""
        plan = self.plan
        return (
            plan.answer is None
            and plan.max_affected is None
            and plan.shape is Shape.ARRAY
            and plan.conflict is not Conflict.MERGE
            and not plan.checks
        )

    def at_once(self, rows: Sequence[Row], caller: Caller) -> Program[Written] | None:
        """The insert of these rows as one statement that fails when a row fails a check; None when it needs more."""
        statement = self._at_once.statement(rows, caller)
        if statement is None:
            return None

        def run() -> Generator[Statement, list[ResultRow], Written]:
            result = yield statement
            width = len(self.plan.resource.primary_key)
            keys = tuple(tuple(row[:width]) for row in result)
            if self.plan.shape is Shape.OBJECT and len(keys) != 1:
                raise self._not_one(len(keys))
            body = None
            if self.plan.answer is not None:
                body = f"[{','.join(row[width] for row in result)}]".encode()
            return Written(count=len(keys), inserted=len(keys), body=body, keys=keys)

        return run

    def program(
        self, rows: Sequence[Row], values: Sequence[Any], caller: Caller, precondition: Precondition | None
    ) -> Program[Written]:
        """The program for one request."""

        def run() -> Generator[Statement, list[ResultRow], Written]:
            if self.plan.kind is WriteKind.INSERT:
                return self._insert(rows, values, caller)
            return self._change(rows[0] if rows else {}, values, caller, precondition)

        return run

    def _insert(
        self, rows: Sequence[Row], values: Sequence[Any], caller: Caller
    ) -> Generator[Statement, list[ResultRow], Written]:
        tally = Tally()
        for names, group in itertools.groupby(rows, key=_names):
            if self.dialect.engine == "postgresql":
                yield from self._insert_many(names, list(group), caller, tally)
            else:
                yield from self._insert_each(names, group, caller, tally)
        yield from self._verify(tally, caller)
        body = None
        if self.plan.answer is not None:
            body = yield from self._answer(tally.keys, values, caller)
        return self._finish(tally, body)

    def _insert_many(self, names: tuple[str, ...], rows: list[Row], caller: Caller, tally: Tally) -> Steps:
        statement = self.statements.insert(names)
        result: list[ResultRow] = []
        for document in [rows_document(rows, self._fields(names))] if names else [""] * len(rows):
            result += yield statement.bind([document], caller)
        for row in result:
            self._note(row, bool(row[-1]), tally)
        if self.plan.conflict is Conflict.MERGE and len(result) != len(rows):
            raise self._refused()

    def _insert_each(
        self, names: tuple[str, ...], rows: Iterable[Row], caller: Caller, tally: Tally
    ) -> Steps:
        fields = self._fields(names)
        statement = self.statements.insert(names)
        for row in rows:
            values = [stored(row[one.name], one) for one in fields]
            is_new = True
            if self.plan.conflict is Conflict.MERGE:
                existing = yield self.statements.existing(names).bind(values, caller)
                is_new = not existing
            result = yield statement.bind(values, caller)
            for written in result:
                self._refuse_long_number(written)
                self._note(written, is_new, tally)
            if self.plan.conflict is Conflict.MERGE and not result:
                raise self._refused()

    def _refuse_long_number(self, row: ResultRow) -> None:
        """After its greatest id, SQLite numbers a new row with one that the column cannot hold on PostgreSQL."""
        key = self.plan.resource.primary_key[0]
        if key.kind is ValueKind.INTEGER and row[0] >> (key.bits - 1) not in (0, -1):
            raise BackstayError("22003", f"{key.sql_type} out of range")

    def _change(
        self, row: Row, values: Sequence[Any], caller: Caller, precondition: Precondition | None
    ) -> Generator[Statement, list[ResultRow], Written]:
        plan, tally = self.plan, Tally()
        width = len(plan.resource.primary_key)
        body: bytes | None = None
        if precondition is not None or (plan.kind is WriteKind.DELETE and plan.answer is not None):
            found = yield self.statements.lock().bind(values, caller)
            body = yield from self._answer([tuple(key) for key in found], values, caller)
            if precondition is not None:
                precondition(body if found else None)
        if plan.kind is WriteKind.DELETE:
            result = yield self.statements.delete().bind(values, caller)
        else:
            names = tuple(row)
            settings = [self.statements.encoder(one)(row[one.name]) for one in self._fields(names)]
            result = yield self.statements.update(names).bind([*values, *settings], caller)
        for written in result:
            if plan.kind is WriteKind.UPDATE:
                self._note(written, False, tally)
            else:
                tally.note(tuple(written[:width]), is_new=False)
        yield from self._verify(tally, caller)
        if plan.answer is not None and plan.kind is WriteKind.UPDATE:
            body = yield from self._answer(tally.keys, values, caller)
        return self._finish(tally, body if plan.answer is not None else None)

    def _fields(self, names: Sequence[str]) -> list[Field]:
        return [self.plan.resource.fields[name] for name in names]

    def _note(self, row: ResultRow, is_new: bool, tally: Tally) -> None:
        """Take a returned row: its key, then whether it passes as new, and as changed."""
        width = len(self.plan.resource.primary_key)
        passes = row[width] if is_new or self.plan.kind is WriteKind.UPDATE else row[width + 1]
        if not passes:
            raise self._refused()
        tally.note(tuple(row[:width]), is_new=is_new)

    def _verify(self, tally: Tally, caller: Caller) -> Steps:
        """Checks that read other rows are asked once all rows are written."""
        plan = self.plan
        if plan.max_affected is not None and len(tally.keys) > plan.max_affected:
            raise self._too_many(len(tally.keys))
        if plan.shape is Shape.OBJECT and len(tally.keys) != 1:
            raise self._not_one(len(tally.keys))
        for is_new in (True, False):
            keys = tally.some(is_new=is_new)
            statement = self.statements.verify(is_new=is_new, is_one=len(keys) == 1)
            if keys and statement is not None:
                result = yield statement.bind([keys_document(keys)], caller)
                if result[0][0] != len(keys):
                    raise self._refused()

    def _answer(
        self, keys: list[tuple[Any, ...]], values: Sequence[Any], caller: Caller
    ) -> Generator[Statement, list[ResultRow], bytes]:
        if not keys:
            return b"[]"
        statement = self.statements.answer(is_one=len(keys) == 1)
        result = yield statement.bind([*values, keys_document(keys)], caller)
        body: str = result[0][1]
        return body.encode()

    def _finish(self, tally: Tally, body: bytes | None) -> Written:
        return Written(count=len(tally.keys), inserted=sum(tally.new), body=body, keys=tuple(tally.keys))

    def _too_many(self, count: int) -> BackstayError:
        return BackstayError("PGRST124", details=f"The query affects {count} rows")

    def _not_one(self, count: int) -> BackstayError:
        return BackstayError("PGRST116", details=f"The result contains {count} rows")

    def _refused(self) -> BackstayError:
        return BackstayError(
            "42501", f'new row violates row-level security policy for table "{self.plan.resource.name}"'
        )
