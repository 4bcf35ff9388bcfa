"""Planning a write: Write + the columns it sets + Caller + Catalog → WritePlan. Pure, as `plan.py` is.

In charge of which rules guard a write: the verb's rule before (update, delete) and after (create, update), the field
rules of the columns that are set, and the read rule of whatever is found by a filter or shown in the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.access.rules import Predicate, Rule
from backstay.models.catalog import Field, Resource
from backstay.models.resources.plan import PlannedQuery, WritePlan
from backstay.models.resources.request import Conflict, Query, Write, WriteKind
from backstay.services.resources.plan import Planner, Planning
from backstay.services.resources.sight import Sight


def plan_write(planner: Planner, write: Write, columns: Sequence[str], caller: Caller) -> WritePlan:
    """Plan a write that sets `columns`.

    Raises:
        BackstayError: `PGRST205` for a table and `PGRST204` for a column that does not exist for this caller,
            `42501` for a verb that is never allowed, `21000` for an update or delete without a filter, `42P10` for
            a conflict target that nothing makes unique.
    """
    sight = Sight(planner.catalog, caller)
    planning = Planning(sight, planner.settings)
    resource = sight.resource(write.resource)
    making = _WritePlanning(planning, resource, write)
    making.refuse_forbidden()
    fields, masks = making.settable(columns)
    return making.plan(fields, masks)


class _WritePlanning:
    def __init__(self, planning: Planning, resource: Resource, write: Write) -> None:
        self.planning = planning
        self.resource = resource
        self.write = write

    def refuse_forbidden(self) -> None:
        """A verb that this caller may never use is refused before anything is said about columns."""
        access = self.resource.access
        rules = {
            WriteKind.INSERT: (access.create, access.update)
            if self.write.conflict is Conflict.MERGE
            else (access.create,),
            WriteKind.UPDATE: (access.update,),
            WriteKind.DELETE: (access.delete,),
        }
        for rule in rules[self.write.kind]:
            self._rule(rule)

    def settable(self, columns: Sequence[str]) -> tuple[tuple[Field, ...], tuple[Predicate, ...]]:
        """The fields of those names, and the field rules that must hold for the rows they are set in."""
        fields, masks = [], []
        for name in columns:
            reference = self.planning.sight.reference(self.resource, name)
            if reference is None:
                raise BackstayError(
                    "PGRST204",
                    f"Could not find the '{name}' column of '{self.resource.name}' in the schema cache",
                )
            if reference.field.generated:
                raise BackstayError("428C9", f'column "{name}" can only be updated to DEFAULT')
            if reference.mask is not None:
                masks.append(self.planning.remember(reference.mask))
            fields.append(reference.field)
        return tuple(fields), tuple(masks)

    def plan(self, fields: tuple[Field, ...], masks: tuple[Predicate, ...]) -> WritePlan:
        """Put the plan together, by the kind of write."""
        write, access = self.write, self.resource.access
        target: PlannedQuery | None = None
        checks: tuple[Predicate, ...] = ()
        conflict_target: tuple[Predicate, ...] = ()
        conflict_checks: tuple[Predicate, ...] = ()
        if write.kind is WriteKind.INSERT:
            checks = (*self._rule(access.create), *masks)
            if write.conflict is Conflict.MERGE:
                conflict_checks = (*self._rule(access.update), *masks)
                conflict_target = (*self._rule(access.read), *conflict_checks)
        else:
            rule = access.update if write.kind is WriteKind.UPDATE else access.delete
            target = self._target(rule, masks)
            checks = (*self._rule(rule), *masks) if write.kind is WriteKind.UPDATE else ()
        answer, readable = self._answer()
        return WritePlan(
            resource=self.resource,
            kind=write.kind,
            target=target,
            fields=fields,
            checks=checks,
            conflict=write.conflict,
            on_conflict=self._on_conflict(),
            conflict_target=conflict_target,
            conflict_checks=conflict_checks,
            answer=answer,
            readable=readable,
            parameters=tuple(self.planning.parameters),
            predicates=tuple(self.planning.predicates.values()),
            shape=write.shape,
            max_affected=write.max_affected,
            undone=write.undone,
            zone=write.zone,
        )

    def _rule(self, rule: Rule) -> tuple[Predicate, ...]:
        predicates, possible = self.planning.row_rule(rule)
        if possible:
            return predicates
        if self.write.kind is WriteKind.INSERT:
            raise row_refused(self.resource)
        raise BackstayError("42501", f"permission denied for table {self.resource.name}")

    def _target(self, rule: Rule, masks: tuple[Predicate, ...]) -> PlannedQuery:
        """The rows to touch: found as a read would find them, and open to the verb as they are."""
        query = self.write.query
        if not query.where:
            verb = self.write.kind.value.upper()
            raise BackstayError("21000", f"{verb} requires a WHERE clause")
        if query.limit is not None or query.offset is not None:
            raise BackstayError(
                "PGRST100",
                "limit and offset do not apply to an update or delete",
                hint="Use filters to say which rows are meant, and max-affected to bound their number.",
            )
        found = self.planning.query(self.resource, replace(query, select=(), order=()), depth=0)
        rule_predicates = self._rule(rule)
        return replace(found, predicates=(*found.predicates, *rule_predicates, *masks), max_rows=None)

    def _answer(self) -> tuple[PlannedQuery | None, tuple[Predicate, ...]]:
        if not self.write.representation:
            return None, ()
        readable = self._rule(self.resource.access.read)
        query = self.write.query
        shown = Query(select=query.select, order=query.order)
        planned = self.planning.query(self.resource, shown, depth=0)
        # Inserted rows are shown in the order in which they came, others as a read would show them.
        by_arrival = self.write.kind is WriteKind.INSERT and not query.order
        return replace(planned, order=() if by_arrival else planned.order, max_rows=None), readable

    def _on_conflict(self) -> tuple[Field, ...]:
        if self.write.conflict is None:
            return ()
        if not self.write.on_conflict:
            return self.resource.primary_key
        fields = []
        for name in self.write.on_conflict:
            reference = self.planning.sight.reference(self.resource, name)
            if reference is None:
                raise BackstayError("42703", f"column {self.resource.name}.{name} does not exist")
            fields.append(reference.field)
        wanted = {field.name for field in fields}
        if not any(set(unique.fields) == wanted for unique in self.resource.uniques):
            raise BackstayError("42P10")
        return tuple(fields)


def row_refused(resource: Resource) -> BackstayError:
    """The row as it would be is not one that this caller may write."""
    return BackstayError("42501", f'new row violates row-level security policy for table "{resource.name}"')
