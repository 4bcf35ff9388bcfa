"""The steps of a write between which hooks of the user's run, each a program in the transaction of a session.

In charge of finding and locking the rows first and of writing exactly those by their keys, so that what a hook saw is
what is written; of the checks that follow; and of the answer, which is formed last. A write without hooks is one
program (`write.py`).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, case, delete, literal_column, select, true, tuple_, update

from backstay.models.access.caller import Caller
from backstay.models.resources.plan import WritePlan
from backstay.models.resources.request import Shape
from backstay.repositories.database import Program, ResultRow, Statement
from backstay.repositories.resources.compile import CompiledStatement
from backstay.repositories.resources.dialects import Dialect, Expression
from backstay.repositories.resources.dml import WriteStatements, keys_document, keys_table
from backstay.repositories.resources.write import CompiledWrite, Precondition, Steps, Tally

Key = tuple[Any, ...]
Values = Mapping[str, Any]


class KeyedWrite(CompiledWrite):
    """The steps of one write plan."""

    statements: KeyedStatements

    def __init__(self, plan: WritePlan, dialect: Dialect) -> None:
        super().__init__(plan, dialect)
        self.statements = KeyedStatements(plan, dialect)

    def found(
        self, values: Sequence[Any], caller: Caller, precondition: Precondition | None
    ) -> Program[list[Key]]:
        """The keys of the rows to change, locked; the precondition holds for what the caller sees of them."""

        def run() -> Generator[Statement, list[ResultRow], list[Key]]:
            rows = yield self.statements.lock().bind(values, caller)
            keys = [tuple(row) for row in rows]
            self._refuse_number(len(keys))
            if precondition is not None:
                body = yield from self._answer(keys, values, caller)
                precondition(body if keys else None)
            return keys

        return run

    def met(self, row: Values, caller: Caller) -> Program[Key | None]:
        """The key of the row that an upsert of those values meets, locked; None when there is none.

        Raises:
            BackstayError: `42501` when the caller may not change it.
        """

        def run() -> Generator[Statement, list[ResultRow], Key | None]:
            fields = [field for field in self.plan.on_conflict if row.get(field.name) is not None]
            if len(fields) < len(self.plan.on_conflict):
                return None
            encoded = [self.statements.encoder(field)(row[field.name]) for field in fields]
            rows = yield self.statements.met().bind(encoded, caller)
            if not rows:
                return None
            if not rows[0][-1]:
                raise self._refused()
            return tuple(rows[0][:-1])

        return run

    def changed(
        self, groups: Sequence[tuple[Sequence[Key], Values]], caller: Caller
    ) -> Program[tuple[Key, ...]]:
        """Set each group's values in the rows of its keys; returns their keys as they are now, in that order."""

        def run() -> Generator[Statement, list[ResultRow], tuple[Key, ...]]:
            tally = Tally()
            for keys, row in groups:
                yield from self._change_rows(keys, row, caller, tally)
            yield from self._verify(tally, caller)
            return tuple(tally.keys)

        return run

    def removed(self, keys: Sequence[Key], caller: Caller) -> Program[None]:
        """Delete the rows of those keys, as far as they are still there."""

        def run() -> Generator[Statement, list[ResultRow], None]:
            yield self.statements.delete_rows(is_one=len(keys) == 1).bind([keys_document(keys)], caller)

        return run

    def answered(self, keys: Sequence[Key], values: Sequence[Any], caller: Caller) -> Program[bytes]:
        """The rows of those keys as the caller sees them."""

        def run() -> Generator[Statement, list[ResultRow], bytes]:
            return (yield from self._answer(list(keys), values, caller))

        return run

    def _change_rows(self, keys: Sequence[Key], row: Values, caller: Caller, tally: Tally) -> Steps:
        names = tuple(row)
        encoded = [self.statements.encoder(field)(row[field.name]) for field in self._fields(names)]
        statement = self.statements.update_rows(names, is_one=len(keys) == 1)
        result = yield statement.bind([*encoded, keys_document(keys)], caller)
        written = Tally()
        for each in result:
            self._note_changed(each, written)
        if len(written.keys) != len(keys):  # a hook has removed one of them
            raise self._refused()
        # In the order of the keys, unless they themselves were changed, which is only ever one.
        place = {key: number for number, key in enumerate(keys)}
        for key in sorted(written.keys, key=lambda key: place.get(key, 0)):
            tally.note(key, is_new=False)

    def _note_changed(self, row: ResultRow, tally: Tally) -> None:
        width = len(self.plan.resource.primary_key)
        if not row[width]:
            raise self._refused()
        tally.note(tuple(row[:width]), is_new=False)

    def _refuse_number(self, count: int) -> None:
        if self.plan.max_affected is not None and count > self.plan.max_affected:
            raise self._too_many(count)
        if self.plan.shape is Shape.OBJECT and count != 1:
            raise self._not_one(count)


class KeyedStatements(WriteStatements):
    """The statements of those steps, made once per plan."""

    def met(self) -> CompiledStatement:
        """The row that holds the values of an upsert's conflict target; its key, and whether it may be changed."""
        made = self._made.get("met")
        if made is None:
            build = self._build(0)
            alias = self.table.alias("m")
            same = [
                alias.c[field.column.key] == self._own(build, number, field)
                for number, field in enumerate(self.plan.on_conflict)
            ]
            rules = [build.predicate(rule, alias) for rule in self.plan.conflict_target]
            may = case((and_(true(), *rules), literal_column("1")), else_=literal_column("0"))
            found = select(*self._key(alias), may).select_from(alias).where(*same)
            if self.dialect.engine == "postgresql":
                found = found.with_for_update(of=alias)
            made = self._made["met"] = build.finish(found)
        return made

    def update_rows(self, names: tuple[str, ...], *, is_one: bool) -> CompiledStatement:
        """Set those columns in the rows of a document of keys; returns key, passes."""
        place = ("update rows", names, is_one)
        made = self._made.get(place)
        if made is None:
            build = self._build(0)
            fields = [self.plan.resource.fields[name] for name in names]
            changes: dict[str, Any] = {
                field.column.key: self._own(build, number, field) for number, field in enumerate(fields)
            }
            unchanged = self.plan.resource.primary_key[0].column
            statement = update(self.table).where(self._among(build, len(names), is_one))
            statement = statement.values(changes or {unchanged.key: unchanged})
            made = build.finish(statement.returning(*self._key(self.table), self._passes(False)))
            self._made[place] = made
        return made

    def delete_rows(self, *, is_one: bool) -> CompiledStatement:
        """Delete the rows of a document of keys."""
        place = ("delete rows", is_one)
        made = self._made.get(place)
        if made is None:
            build = self._build(0)
            made = build.finish(delete(self.table).where(self._among(build, 0, is_one)))
            self._made[place] = made
        return made

    def _among(self, build: Any, number: int, is_one: bool) -> Expression:
        """The condition that a row's key is in the document that is the own parameter of that number."""
        keys, parts, _ = keys_table(build, self.plan.resource.primary_key, number, is_one=is_one)
        wanted = select(*parts).select_from(keys)
        own = self._key(self.table)
        return own[0].in_(wanted) if len(own) == 1 else tuple_(*own).in_(wanted)
