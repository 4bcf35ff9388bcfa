"""Asking one row which conditions hold for it: one statement that reads, for whoever explains rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import literal_column, select

from backstay.models.access.caller import Caller
from backstay.models.access.rules import Predicate
from backstay.models.catalog import Resource
from backstay.models.resources.plan import Comparison, Form, Parameter, Reference
from backstay.models.resources.request import Operator
from backstay.repositories.database import Database
from backstay.repositories.resources.compile import Build, CompiledStatement
from backstay.repositories.resources.dialects import Dialect
from backstay.repositories.resources.postgres_dialect import PostgresDialect
from backstay.repositories.resources.sqlite_dialect import SqliteDialect


class RowClauses:
    """Conditions of rules, asked of rows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect: Dialect = SqliteDialect() if database.engine == "sqlite" else PostgresDialect()

    async def ask(
        self, resource: Resource, key: Sequence[Any], predicates: Sequence[Predicate], caller: Caller
    ) -> list[bool | None] | None:
        """Which of the predicates hold for the row of that key, null included; None when there is no such row.

        Raises:
            BackstayError: what the database's door raises.
        """
        compiled = compile_clauses(resource, predicates, self._dialect)
        rows = await self._database.read(compiled.bind(key, caller))
        if not rows:
            return None
        return [None if value is None else bool(value) for value in rows[0][1:]]


def compile_clauses(
    resource: Resource, predicates: Sequence[Predicate], dialect: Dialect
) -> CompiledStatement:
    """The conditions as columns, of the row whose key is given as values."""
    parameters = [Parameter(slot, Form.SCALAR, field) for slot, field in enumerate(resource.primary_key)]
    build = Build(dialect, parameters, predicates)
    table = resource.table.alias("row")
    same = []
    for parameter, field in zip(parameters, resource.primary_key, strict=True):
        comparison = Comparison(Reference(field), Operator.EQ, parameter)
        column = build.value(comparison.reference, table)
        same.append(dialect.comparison(column, comparison, build.parameter(parameter)))
    asked = [build.predicate(predicate, table).label(f"c{n}") for n, predicate in enumerate(predicates)]
    return build.finish(select(literal_column("1").label("found"), *asked).select_from(table).where(*same))
