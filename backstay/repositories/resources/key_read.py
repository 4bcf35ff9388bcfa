"""Compiling a read among the rows of a document of keys: what an action gives, as its caller may see it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, literal_column, select

from backstay.models.resources.plan import PlannedQuery, ReadPlan
from backstay.repositories.resources.compile import Build, CompiledStatement
from backstay.repositories.resources.dialects import Dialect
from backstay.repositories.resources.dml import keys_table, same_key


def compile_key_read(plan: ReadPlan, dialect: Dialect, *, in_order: bool, is_one: bool) -> CompiledStatement:
    """Compile a read; its result is that of `compile_read`. The document of keys comes after the plan's values."""
    build = _KeyBuild(plan, dialect, in_order=in_order, is_one=is_one)
    rows = build.rows(plan.query).subquery("q")
    columns = [func.count(), dialect.document(rows)]
    if plan.count is not None:
        columns.append(build.number_of(plan.query))
    return build.finish(select(*columns).select_from(rows))


class _KeyBuild(Build):
    def __init__(self, plan: ReadPlan, dialect: Dialect, *, in_order: bool, is_one: bool) -> None:
        super().__init__(
            dialect, plan.parameters, plan.predicates, own_from=len(plan.parameters), zone=plan.zone
        )
        self._keeps_order = in_order
        self._is_one = is_one

    def rows(self, query: PlannedQuery) -> Select[Any]:
        table = self.alias(query)
        fields = query.resource.primary_key
        keys, parts, place = keys_table(self, fields, 0, is_one=self._is_one)
        same = same_key(table, fields, parts)
        conditions = list(self.conditions(query, table))

        def found(shown: Select[Any]) -> Select[Any]:
            # What is shown may come from a join of the table with what is spread into it.
            joined = shown.select_from(table).select_from(keys).where(same, *conditions)
            return joined.order_by(place) if self._keeps_order and not query.grouped else joined

        return self._shown_page(found, query, table)

    def _cuts_first(self, query: PlannedQuery) -> bool:
        """Never while the order is that of the keys, which a page that is cut would no longer know."""
        return not self._keeps_order and super()._cuts_first(query)

    def number_of(self, query: PlannedQuery) -> Any:
        """How many rows there are, whatever the limits say."""
        table = self.alias(query)
        fields = query.resource.primary_key
        keys, parts, _ = keys_table(self, fields, 0, is_one=self._is_one)
        found: Select[Any] = (
            select(literal_column("1")).select_from(keys).join(table, same_key(table, fields, parts))
        )
        return (
            select(func.count())
            .select_from(found.where(*self.conditions(query, table)).subquery())
            .scalar_subquery()
        )
