"""Text searches in migrations: `backstay migrate make` compares the models' with those the database has an index for.

A change of a search is its removal before everything else and its making after everything else, so that columns may
come and go between. Tables that are made from their metadata get theirs as well, as tests do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from alembic import op
from alembic.autogenerate import comparators, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import CreateTableOp, MigrateOperation, OpContainer, UpgradeOps
from alembic.util import DispatchPriority
from sqlalchemy import Connection, Table, event

from backstay.models.search import KEPT_IN, TableSearch, searches_of
from backstay.repositories.migrations.search_index import make_index, remove_index, stored_searches


def create_search(table: str, name: str, columns: Sequence[str], config: str) -> None:
    """Make the index of a search, with an entry for every row there is. Called by migration files."""
    make_index(op.get_bind(), TableSearch(table, name, tuple(columns), config))


def drop_search(table: str, name: str) -> None:
    """Drop the index of a search, if it is there. Called by migration files."""
    remove_index(op.get_bind(), TableSearch(table, name, (), ""))


def leave_to_searches(container: OpContainer) -> None:
    """A table's note of its searches is no part of the table that a migration makes; Alembic would write it out."""
    for operation in container.ops:
        if isinstance(operation, OpContainer):
            leave_to_searches(operation)
        elif isinstance(operation, CreateTableOp):
            operation.info.pop(KEPT_IN, None)


class CreateSearchOp(MigrateOperation):
    """A call of `create_search`."""

    def __init__(self, search: TableSearch) -> None:
        self.search = search

    def reverse(self) -> MigrateOperation:
        return DropSearchOp(self.search)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return ("add_search", self.search)


class DropSearchOp(MigrateOperation):
    """A call of `drop_search`."""

    def __init__(self, search: TableSearch) -> None:
        self.search = search

    def reverse(self) -> MigrateOperation:
        return CreateSearchOp(self.search)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return ("remove_search", self.search)


@comparators.dispatch_for("schema", priority=DispatchPriority.LAST)
def _compare(context: AutogenContext, upgrade: UpgradeOps, schemas: object) -> None:
    assert context.connection is not None
    declared = set(_declared(context))
    stored = {
        search
        for search in stored_searches(context.connection).values()
        if context.run_name_filters(search.table, "table", {"schema_name": None})
    }
    gone, new = (
        sorted(found, key=lambda search: search.stored_as) for found in (stored - declared, declared - stored)
    )
    upgrade.ops = [*map(DropSearchOp, gone), *upgrade.ops, *map(CreateSearchOp, new)]


def _declared(context: AutogenContext) -> Iterator[TableSearch]:
    for table in context.sorted_tables:
        if context.run_object_filters(table, table.name, "table", False, None):
            yield from searches_of(table)


@renderers.dispatch_for(CreateSearchOp)
def _render_create(context: AutogenContext, operation: CreateSearchOp) -> str:
    context.imports.add(f"from {__name__} import create_search")
    search = operation.search
    return f"create_search({search.table!r}, {search.name!r}, {list(search.columns)!r}, config={search.config!r})"


@renderers.dispatch_for(DropSearchOp)
def _render_drop(context: AutogenContext, operation: DropSearchOp) -> str:
    context.imports.add(f"from {__name__} import drop_search")
    return f"drop_search({operation.search.table!r}, {operation.search.name!r})"


@event.listens_for(Table, "after_create")
def _make_with_table(table: Table, connection: Connection, **options: object) -> None:
    for search in searches_of(table):
        make_index(connection, search)


@event.listens_for(Table, "before_drop")
def _remove_with_table(table: Table, connection: Connection, **options: object) -> None:
    for search in searches_of(table):
        remove_index(connection, search)
