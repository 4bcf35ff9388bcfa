"""Writes of tables that have hooks: the same plans, run in steps, with the user's hooks between them.

In charge of the order. New rows: values read and defaults filled in, `before_create`, `validate`, insert and checks,
`after_create`, answer. Changed rows: found and locked, `before_update`, `validate` on the merged row, update and
checks, `after_update`, answer. Deleted rows: found and locked, `before_delete`, delete, `after_delete`. An upsert finds
which rows exist first, so each of its rows has the hooks of what happens to it.

All of it is one transaction. What a row costs beyond its hooks is said in docs/business-logic.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from types import MappingProxyType
from typing import Any

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.resources.plan import PlannedQuery, WritePlan
from backstay.models.resources.request import Conflict, Shape, WriteKind
from backstay.repositories.database import Program, T
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.fetch import TableRepository
from backstay.repositories.resources.keyed import Key, KeyedWrite
from backstay.repositories.resources.objects import column_values, load_objects, release
from backstay.repositories.resources.write import Precondition, Written
from backstay.services.context import Context
from backstay.services.hooks import TableHooks
from backstay.services.resources.new_rows import NewRows
from backstay.services.resources.rows import read_own
from backstay.utils.bounded import BoundedDict

KEPT_VARIANTS = 500
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Transaction:
    """Where a write happens: for whom, on which session, around which hooks."""

    context: Context
    session: Session
    hooks: TableHooks

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.context.caller

    async def run(self, name: str, *arguments: Any) -> None:
        """Run the hooks of that name."""
        await self.hooks.run(name, self.context, self.session, *arguments)


@dataclass(slots=True)
class _Change:
    """One row to change: its key and object as found, what is set, and what it held before."""

    key: Key
    values: Values
    row: Any = None
    old: Values = field(default_factory=dict)


class HookedWrites:
    """Runs them."""

    def __init__(self, repository: TableRepository, max_rows: int) -> None:
        self._repository = repository
        self._max_rows = max_rows
        self._inserts: BoundedDict[WritePlan, WritePlan] = BoundedDict(KEPT_VARIANTS)
        self._updates: BoundedDict[WritePlan, WritePlan] = BoundedDict(KEPT_VARIANTS)

    async def insert(self, at: Transaction, plan: WritePlan, rows: NewRows, values: Sequence[Any]) -> Written:
        """Insert rows, or meet those that exist."""
        met = await self._met(at, plan, rows)
        keys: dict[int, Key] = {}
        if plan.conflict is Conflict.MERGE:
            changes = {number: _Change(key, rows.changes(number)) for number, key in met.items()}
            written = await self._change(at, self._update_plan(plan), list(changes.values()), rows.path)
            keys |= zip(changes, written, strict=True)
        new = [number for number in range(len(rows)) if number not in met]
        inserted = await self._insert_new(at, plan, rows, new)
        keys |= inserted
        ordered = [keys[number] for number in sorted(keys)]
        if plan.shape is Shape.OBJECT and len(ordered) != 1:
            raise BackstayError("PGRST116", details=f"The result contains {len(ordered)} rows")
        return await self._written(at, plan, ordered, values, inserted=len(inserted))

    async def update(
        self,
        at: Transaction,
        plan: WritePlan,
        row: Values,
        values: Sequence[Any],
        precondition: Precondition | None,
    ) -> Written:
        """Change the rows that match."""
        found = await self._found(at, plan, values, precondition)
        keys = await self._change(at, plan, [_Change(key, dict(row)) for key in found], lambda number: "")
        return await self._written(at, plan, keys, values)

    async def delete(
        self, at: Transaction, plan: WritePlan, values: Sequence[Any], precondition: Precondition | None
    ) -> Written:
        """Delete the rows that match."""
        keys = await self._found(at, plan, values, precondition)
        rows = await load_objects(at.session, plan.resource, keys)
        for row in rows:
            await at.run("before_delete", row)
        written = await self._written(at, plan, keys, values)
        if keys:
            await self._step(at, self._keyed(plan).removed(keys, at.caller))
        release(at.session, rows)
        for row in rows:
            await at.run("after_delete", row)
        return written

    async def _met(self, at: Transaction, plan: WritePlan, rows: NewRows) -> dict[int, Key]:
        """The keys of the rows that an upsert meets, by number of the row."""
        if plan.conflict is None:
            return {}
        keyed = self._keyed(plan)
        met = {}
        for number in range(len(rows)):
            key = await self._step(at, keyed.met(rows.complete(number), at.caller))
            if key is not None:
                met[number] = key
        return met

    async def _insert_new(
        self, at: Transaction, plan: WritePlan, rows: NewRows, numbers: Sequence[int]
    ) -> dict[int, Key]:
        """Insert the rows of those numbers; returns their keys."""
        for number in numbers:
            given = rows.complete(number)
            values = dict(given)
            await at.run("before_create", values)
            rows.take(number, _settled(plan, given, values, rows.path(number)))
        rows.refuse_missing(numbers)
        for number in numbers:
            await at.run("validate", MappingProxyType(dict(rows.complete(number))))
        if not numbers:
            return {}
        complete = [rows.complete(number) for number in numbers]
        written = await self._repository.write(
            self._insert_plan(plan), complete, (), at.caller, session=at.session
        )
        keys = dict(zip(numbers, written.keys, strict=plan.conflict is not Conflict.IGNORE))
        if at.hooks.has("after_create"):
            for row in await load_objects(at.session, plan.resource, list(keys.values())):
                await at.run("after_create", row)
        return keys

    async def _change(
        self, at: Transaction, plan: WritePlan, changes: list[_Change], path: Callable[[int], str]
    ) -> list[Key]:
        """Change found rows; returns their keys as they are afterwards."""
        hooks = at.hooks
        if hooks.has("before_update", "validate") or hooks.wants_old:
            rows = await load_objects(at.session, plan.resource, [change.key for change in changes])
            for change, row in zip(changes, rows, strict=True):
                change.row, change.old = row, column_values(plan.resource, row)
        for number, change in enumerate(changes):
            values = dict(change.values)
            await at.run("before_update", change.row, values)
            change.values = _settled(plan, change.values, values, path(number))
        for change in changes:
            await at.run("validate", MappingProxyType({**change.old, **change.values}))
        if not changes:
            return []
        program = self._keyed(plan).changed(list(_groups(plan, changes)), at.caller)
        keys = list(await self._step(at, program))
        if hooks.has("after_update"):
            rows = await load_objects(at.session, plan.resource, keys)
            for change, row in zip(changes, rows, strict=True):
                await at.run("after_update", row, MappingProxyType(change.old))
        return keys

    async def _found(
        self, at: Transaction, plan: WritePlan, values: Sequence[Any], precondition: Precondition | None
    ) -> list[Key]:
        keys = await self._step(at, self._keyed(plan).found(values, at.caller, precondition))
        if len(keys) > self._max_rows:
            raise BackstayError("54000", f"at most {self._max_rows} rows may be written at once")
        return keys

    async def _written(
        self, at: Transaction, plan: WritePlan, keys: Sequence[Key], values: Sequence[Any], inserted: int = 0
    ) -> Written:
        """What the write did, with the answer as the rows are now."""
        body = None
        if plan.answer is not None:
            body = await self._step(at, self._keyed(plan).answered(keys, values, at.caller))
        return Written(count=len(keys), inserted=inserted, body=body, keys=tuple(keys))

    async def _step(self, at: Transaction, program: Program[T]) -> T:
        return await self._repository.run(program, at.session)

    def _keyed(self, plan: WritePlan) -> KeyedWrite:
        return self._repository.keyed(plan)

    def _insert_plan(self, plan: WritePlan) -> WritePlan:
        """The insert alone, which answers nothing. A row that appears meanwhile is a duplicate to a merge."""
        made = self._inserts.get(plan)
        if made is None:
            conflict = None if plan.conflict is Conflict.MERGE else plan.conflict
            made = replace(plan, answer=None, conflict=conflict, shape=Shape.ARRAY)
            self._inserts[plan] = made
        return made

    def _update_plan(self, plan: WritePlan) -> WritePlan:
        """What an upsert does to the rows that it meets."""
        made = self._updates.get(plan)
        if made is None:
            target = PlannedQuery(plan.resource, (), (), plan.conflict_target, True, (), None, None, None)
            made = replace(
                plan,
                kind=WriteKind.UPDATE,
                target=target,
                checks=plan.conflict_checks,
                conflict=None,
                answer=None,
                shape=Shape.ARRAY,
            )
            self._updates[plan] = made
        return made


def _settled(plan: WritePlan, given: Mapping[str, Any], values: Values, path: str) -> Values:
    """The values after a hook: those it set are read as any other, in the order of the table's columns.

    Raises:
        LookupError: for what is no column, or one that the database fills.
        BackstayError: `validation_failed`.
    """
    resource = plan.resource
    for name in values:
        if name not in resource.fields or resource.fields[name].generated:
            raise LookupError(f"a hook set '{name}', which is no column of '{resource.name}' that can be set")
    changed = [name for name in values if name not in given or _is_other(given[name], values[name])]
    settled = values | read_own(resource, changed, values, path)
    return {name: settled[name] for name in resource.fields if name in settled}


def _is_other(one: Any, other: Any) -> bool:
    """Whether a value may be another than it was. Lists and objects can be changed in place."""
    return one is not other or isinstance(other, dict | list)


def _groups(plan: WritePlan, changes: Sequence[_Change]) -> Iterable[tuple[list[Key], Values]]:
    """Neighbours with the same values are one statement, unless the values are their keys."""
    moves = {each.name for each in plan.resource.primary_key}
    for _, group in groupby(changes, key=lambda change: repr(change.values)):
        some = list(group)
        if moves.isdisjoint(some[0].values):
            yield [change.key for change in some], some[0].values
        else:
            yield from (([change.key], change.values) for change in some)
