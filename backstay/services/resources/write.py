"""Writing resources: which columns a write sets, with which values, under which plan."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from backstay.config.rest import RestSettings
from backstay.errors import BackstayError, FieldProblem
from backstay.models.access.caller import Caller
from backstay.models.catalog import Field, Resource
from backstay.models.defaults import Default, insert_default, update_default
from backstay.models.resources.plan import WritePlan
from backstay.models.resources.request import Conflict, Rows, Write
from backstay.repositories.database.sessions import Session
from backstay.repositories.resources.fetch import ResourceRepository
from backstay.repositories.resources.write import Precondition, Written
from backstay.services.context import Context
from backstay.services.resources.kinds import CallerKinds
from backstay.services.resources.literals import read_values
from backstay.services.resources.plan import Planner
from backstay.services.resources.plan_write import plan_write
from backstay.services.resources.rows import read_rows
from backstay.utils.bounded import BoundedDict

KEPT_PLANS = 2000


class ResourceWriter:
    """Changes resources."""

    def __init__(
        self, planner: Planner, kinds: CallerKinds, repository: ResourceRepository, settings: RestSettings
    ) -> None:
        self.planner = planner
        self.kinds = kinds
        self.repository = repository
        self.settings = settings
        self._plans: BoundedDict[Hashable, WritePlan] = BoundedDict(KEPT_PLANS)
        self._defaults = {name: _Defaults(resource) for name, resource in planner.catalog.resources.items()}

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
        complete = self._complete(plan, rows, context.caller)
        _refuse_repeated(plan, complete)
        return await self._run(context, plan, complete, read_values(plan.parameters, values), session=session)

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
        return await self._run(
            context, plan, [read], read_values(plan.parameters, values), precondition, session
        )

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
        return await self._run(context, plan, (), read_values(plan.parameters, values), precondition, session)

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

    def _complete(self, plan: WritePlan, rows: Rows, caller: Caller) -> list[dict[str, Any]]:
        """Each row with a value for every column it sets, defaults filled in, in one order of columns."""
        fields = plan.fields
        read = read_rows(plan.resource, fields, rows.items, single=rows.single, textual=rows.textual)
        defaults = self._defaults[plan.resource.name]
        given = {field.name for field in fields}
        for row in read:
            for field in fields:
                if field.name not in row and not rows.missing_default:
                    row[field.name] = None
            for field, make in defaults.on_insert:
                if field.name not in row:
                    row[field.name] = make(caller)
        _refuse_missing(plan.resource, read, given, caller, single=rows.single)
        order = list(plan.resource.fields)
        return [{name: row[name] for name in order if name in row} for row in read]


class _Defaults:
    """What the application fills in for one table."""

    def __init__(self, resource: Resource) -> None:
        self.on_insert = _made(resource, insert_default)
        self.on_update = _made(resource, update_default)


def _made(resource: Resource, default: Callable[[Any], Default | None]) -> list[tuple[Field, Default]]:
    found = ((field, default(field.column)) for field in resource.fields.values())
    return [(field, make) for field, make in found if make is not None]


def _columns(rows: Rows) -> tuple[str, ...]:
    """The columns that a write sets: those asked for, or every key of the rows, in order of appearance."""
    if rows.columns is not None:
        return tuple(dict.fromkeys(rows.columns))
    return tuple(dict.fromkeys(key for row in rows.items for key in row))


def _refuse_missing(
    resource: Resource, rows: Sequence[Mapping[str, Any]], given: set[str], caller: Caller, *, single: bool
) -> None:
    """Columns that must have a value and have none. One that is hidden from the caller is not named."""
    hidden = {name for name, rule in resource.access.fields.items() if rule.fold(caller) is False}
    problems = []
    names_hidden = False
    for number, row in enumerate(rows):
        for field in resource.fields.values():
            value = row.get(field.name)
            if value is None and not field.nullable and (field.name in row or not field.has_default):
                if field.name in hidden:
                    names_hidden = True
                    continue
                path = field.name if single else f"{number}.{field.name}"
                code, message = (
                    ("null", "must not be null") if field.name in given else ("required", "is required")
                )
                problems.append(FieldProblem(path, code, message))
    if problems:
        raise BackstayError("validation_failed", details=problems[:100])
    if names_hidden:
        raise BackstayError("23502")


def _refuse_repeated(plan: WritePlan, rows: Sequence[Mapping[str, Any]]) -> None:
    """Two rows of one upsert that mean the same row: which should win is not for us to guess."""
    if plan.conflict is not Conflict.MERGE:
        return
    keys = [tuple(row.get(field.name) for field in plan.on_conflict) for row in rows]
    known = [key for key in keys if None not in key]
    if len(set(map(repr, known))) != len(known):
        raise BackstayError("21000", "ON CONFLICT DO UPDATE command cannot affect row a second time")
