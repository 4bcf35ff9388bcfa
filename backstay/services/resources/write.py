"""Writing resources: which columns a write sets, with which values, under which plan.

Every door's writes come through here, so this is where hooks of the user's have their place. A table without hooks
pays one look-up in a dictionary for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from backstay.config.rest import RestSettings
from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.catalog import Resource
from backstay.models.resources.plan import WritePlan
from backstay.models.resources.request import Conflict, Rows, Write
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.fetch import ResourceRepository
from backstay.repositories.resources.write import Precondition, Written
from backstay.services.context import Context
from backstay.services.hooks import TableHooks
from backstay.services.resources.hooked import HookedWrites, Transaction
from backstay.services.resources.kinds import CallerKinds
from backstay.services.resources.literals import read_values
from backstay.services.resources.new_rows import Defaults, NewRows
from backstay.services.resources.plan import Planner
from backstay.services.resources.plan_write import plan_write
from backstay.services.resources.rows import read_rows
from backstay.services.unit_of_work import UnitOfWork, once_more, require_writing
from backstay.utils.bounded import BoundedDict

KEPT_PLANS = 2000
NO_HOOKS: Mapping[str, TableHooks] = {}

_ON_INSERT = ("before_create", "validate", "after_create")
_ON_UPDATE = ("before_update", "validate", "after_update")
_ON_DELETE = ("before_delete", "after_delete")


class ResourceWriter:
    """Changes resources.

    Args:
        units: opens the transaction of a write that has hooks, when it is not part of another.
        hooks: by table.
    """

    def __init__(
        self,
        planner: Planner,
        kinds: CallerKinds,
        repository: ResourceRepository,
        settings: RestSettings,
        units: UnitOfWork,
        hooks: Mapping[str, TableHooks] = NO_HOOKS,
    ) -> None:
        self.planner = planner
        self.kinds = kinds
        self.repository = repository
        self.settings = settings
        self._units = units
        self._hooks = hooks
        self._hooked = HookedWrites(repository, settings.max_write_rows)
        self._plans: BoundedDict[Hashable, WritePlan] = BoundedDict(KEPT_PLANS)
        self._defaults = {name: Defaults(resource) for name, resource in planner.catalog.resources.items()}

    async def insert(
        self,
        context: Context,
        write: Write,
        values: Sequence[Any],
        rows: Rows,
        session: Session | None = None,
    ) -> Written:
        """Insert rows, or with `write.conflict` meet those that exist. All of them or none.

        Args:
            values: literals of the query, which an answer with filtered embeds has.
            session: whose transaction it becomes part of; it is to be undone as a whole when this raises.

        Raises:
            BackstayError: `validation_failed` with one entry per bad value; `PGRST204`, `42501`, `23505` and the like.
        """
        if len(rows.items) > self.settings.max_write_rows:
            raise BackstayError(
                "54000", f"at most {self.settings.max_write_rows} rows may be written at once"
            )
        columns = _columns(rows)
        plan = self._plan(context, write, columns)
        if not rows.items:
            return Written(count=0, inserted=0, body=b"[]" if write.representation else None, keys=())
        literals = read_values(plan.parameters, values)
        hooks = self._hooks_on(plan, _ON_INSERT if plan.conflict is None else (*_ON_INSERT, *_ON_UPDATE))
        if hooks is not None:
            return await self._insert_hooked(context, plan, rows, literals, session, hooks)
        complete = NewRows(plan, rows, self._defaults[plan.resource.name], context.caller)
        complete.refuse_missing(range(len(complete)))
        _refuse_repeated(plan, complete.all())
        return await self._run(context, plan, complete.all(), literals, session=session)

    async def update(
        self,
        context: Context,
        write: Write,
        values: Sequence[Any],
        rows: Rows,
        precondition: Precondition | None = None,
        session: Session | None = None,
    ) -> Written:
        """Set columns of the rows that match the filters and that the caller may change."""
        if len(rows.items) != 1:
            raise BackstayError("PGRST102", "the body of an update is one object")
        plan = self._plan(context, write, _columns(rows))
        read = read_rows(plan.resource, plan.fields, rows.items, single=True, textual=rows.textual)[0]
        for field, make in self._defaults[plan.resource.name].on_update:
            read.setdefault(field.name, make(context.caller))
        literals = read_values(plan.parameters, values)
        hooks = self._hooks_on(plan, _ON_UPDATE)
        if hooks is None:
            return await self._run(context, plan, [read], literals, precondition, session)
        async with self._transaction(context, session, hooks, plan) as at:
            return await self._hooked.update(at, plan, read, literals, precondition)

    async def delete(
        self,
        context: Context,
        write: Write,
        values: Sequence[Any],
        precondition: Precondition | None = None,
        session: Session | None = None,
    ) -> Written:
        """Delete the rows that match the filters and that the caller may delete."""
        plan = self._plan(context, write, ())
        literals = read_values(plan.parameters, values)
        hooks = self._hooks_on(plan, _ON_DELETE)
        if hooks is None:
            return await self._run(context, plan, (), literals, precondition, session)
        async with self._transaction(context, session, hooks, plan) as at:
            return await self._hooked.delete(at, plan, literals, precondition)

    async def _insert_hooked(
        self,
        context: Context,
        plan: WritePlan,
        rows: Rows,
        literals: Sequence[Any],
        session: Session | None,
        hooks: TableHooks,
    ) -> Written:
        async def insert() -> Written:
            complete = NewRows(plan, rows, self._defaults[plan.resource.name], context.caller)
            _refuse_repeated(plan, complete.all())
            async with self._transaction(context, session, hooks, plan) as at:
                return await self._hooked.insert(at, plan, complete, literals)

        # A row that was made between looking and inserting is one that an upsert meets the second time.
        again = session is None and plan.conflict is Conflict.MERGE
        return await (once_more(insert) if again else insert())

    def _hooks_on(self, plan: WritePlan, names: Sequence[str]) -> TableHooks | None:
        """The table's hooks, when one of them has one of those names."""
        hooks = self._hooks.get(plan.resource.name)
        return hooks if hooks is not None and hooks.has(*names) else None

    @asynccontextmanager
    async def _transaction(
        self, context: Context, session: Session | None, hooks: TableHooks, plan: WritePlan
    ) -> AsyncIterator[Transaction]:
        """The transaction of one write with hooks: that of the session, or one of its own, which a write that is only
        tried keeps nothing of."""
        try:
            with hooks.level():
                if session is not None:
                    require_writing(session)
                    yield Transaction(context, session, hooks)
                else:
                    async with self._units.begin(context) as own:
                        yield Transaction(context, own, hooks)
                        if plan.undone:
                            await own.rollback()
        except BackstayError as error:
            said = self._said_to(context.caller, hooks.resource, error)
            if said is error:
                raise
            raise said from error

    def _plan(self, context: Context, write: Write, columns: tuple[str, ...]) -> WritePlan:
        place = (write, columns, self.kinds.of(context.caller))
        plan = self._plans.get(place)
        if plan is None:
            plan = self._plans[place] = plan_write(self.planner, write, columns, context.caller)
        return plan

    async def _run(
        self,
        context: Context,
        plan: WritePlan,
        rows: Sequence[Mapping[str, Any]],
        values: Sequence[Any],
        precondition: Precondition | None = None,
        session: Session | None = None,
    ) -> Written:
        if session is not None:
            require_writing(session)
        try:
            return await self.repository.write(plan, rows, values, context.caller, precondition, session)
        except BackstayError as error:
            raise self._said_to(context.caller, plan.resource, error) from error

    def _said_to(self, caller: Caller, resource: Resource, error: BackstayError) -> BackstayError:
        """A broken constraint, told without naming a column that the caller cannot see."""
        if error.code not in ("23505", "23502", "23514"):
            return error
        hidden = [name for name, rule in resource.access.fields.items() if rule.fold(caller) is not True]
        text = f"{error.message} {error.details} {error.hint}"
        return BackstayError(error.code) if any(name in text for name in hidden) else error


def _columns(rows: Rows) -> tuple[str, ...]:
    """The columns that a write sets: those asked for, or every key of the rows, in order of appearance."""
    if rows.columns is not None:
        return tuple(dict.fromkeys(rows.columns))
    return tuple(dict.fromkeys(key for row in rows.items for key in row))


def _refuse_repeated(plan: WritePlan, rows: Sequence[Mapping[str, Any]]) -> None:
    """Two rows of one upsert that mean the same row: which should win is not for us to guess."""
    if plan.conflict is not Conflict.MERGE:
        return
    keys = [tuple(row.get(field.name) for field in plan.on_conflict) for row in rows]
    known = [key for key in keys if None not in key]
    if len(set(map(repr, known))) != len(known):
        raise BackstayError("21000", "ON CONFLICT DO UPDATE command cannot affect row a second time")
