"""PostgreSQL's enum types in migrations: made before the first column that needs one, dropped after the last.

Alembic leaves both to whoever edits the file. SQLite has no such types, so nothing happens there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from alembic import op
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import AddColumnOp, CreateTableOp, MigrateOperation, OpContainer
from sqlalchemy import Column, Enum, text
from sqlalchemy.dialects.postgresql import ENUM

_UNUSED = text(
    "SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
    " WHERE t.typname = :name AND n.nspname = current_schema()"
    " AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.atttypid IN (t.oid, t.typarray) AND NOT a.attisdropped)"
)


def create_enum(name: str, labels: Sequence[str]) -> None:
    """Make the type, unless it is there. Called by migration files."""
    if op.get_bind().dialect.name == "postgresql":
        ENUM(*labels, name=name).create(op.get_bind(), checkfirst=True)


def drop_enum(name: str) -> None:
    """Drop the type, unless a column still has it. Called by migration files."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql" and bind.execute(_UNUSED, {"name": name}).scalar():
        ENUM(name=name).drop(bind, checkfirst=False)


def add_enum_types(upgrade: OpContainer, downgrade: OpContainer) -> None:
    """Write the calls of both functions into a migration that is being made."""
    made, unmade = _types(upgrade), _types(downgrade)
    upgrade.ops = [*_creations(made), *upgrade.ops, *map(DropEnumOp, unmade)]
    downgrade.ops = [*_creations(unmade), *downgrade.ops, *map(DropEnumOp, made)]


def render_enum(type_: Enum, context: AutogenContext) -> str:
    """The text of a column's type, which never makes the database's type by itself."""
    context.imports.add("from sqlalchemy.dialects import postgresql")
    arguments = ", ".join([*map(repr, type_.enums), f"name={type_.name!r}"])
    native = f"postgresql.ENUM({arguments}, create_type=False)"
    return f"sa.Enum({arguments}).with_variant({native}, 'postgresql')"


class CreateEnumOp(MigrateOperation):
    """A call of `create_enum`."""

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        self.name = name
        self.labels = tuple(labels)


class DropEnumOp(MigrateOperation):
    """A call of `drop_enum`."""

    def __init__(self, name: str) -> None:
        self.name = name


@renderers.dispatch_for(CreateEnumOp)
def _render_create(context: AutogenContext, operation: CreateEnumOp) -> str:
    context.imports.add(f"from {__name__} import create_enum")
    return f"create_enum({operation.name!r}, {operation.labels!r})"


@renderers.dispatch_for(DropEnumOp)
def _render_drop(context: AutogenContext, operation: DropEnumOp) -> str:
    context.imports.add(f"from {__name__} import drop_enum")
    return f"drop_enum({operation.name!r})"


def _creations(types: dict[str, list[str]]) -> Iterable[MigrateOperation]:
    return [CreateEnumOp(name, labels) for name, labels in types.items()]


def _types(container: OpContainer) -> dict[str, list[str]]:
    """Enum types of the columns that these operations add, by name."""
    types = (column.type for column in _added(container))
    return {
        type_.name: type_.enums
        for type_ in types
        if isinstance(type_, Enum) and type_.native_enum and type_.name
    }


def _added(container: OpContainer) -> Iterator[Column[object]]:
    for operation in container.ops:
        if isinstance(operation, OpContainer):
            yield from _added(operation)
        elif isinstance(operation, CreateTableOp):
            yield from (item for item in operation.columns if isinstance(item, Column))
        elif isinstance(operation, AddColumnOp):
            yield operation.column
