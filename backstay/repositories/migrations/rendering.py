"""How column types are written into migration files, so that one file runs on SQLite and PostgreSQL.

A type whose forms for both databases come from `portable()` is written as the plain type inside that call; all
others are left to Alembic.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import CreateTableOp, OpContainer
from sqlalchemy import JSON, CheckConstraint, Column, Enum
from sqlalchemy.dialects.postgresql import ARRAY as PG_ARRAY
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import ARRAY, TypeDecorator, TypeEngine

from backstay.models.types import portable
from backstay.repositories.migrations.enums import render_enum

_IMPORT = "from backstay.models.types import portable"


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Alembic's hook: the text of a type, or False for its own rendering."""
    if kind == "type" and isinstance(item, Enum) and item.native_enum and item.name:
        return render_enum(item, context)
    if kind != "type" or not isinstance(item, TypeEngine) or not _is_portable(item):
        return False
    context.imports.add(_IMPORT)
    return f"portable({_plain(item, context)})"


def add_column_checks(container: OpContainer) -> None:
    """Checks declared on a column become checks of its table; Alembic would leave them out."""
    for operation in container.ops:
        if isinstance(operation, OpContainer):
            add_column_checks(operation)
        elif isinstance(operation, CreateTableOp):
            columns = [item for item in operation.columns if isinstance(item, Column)]
            checks = [check for column in columns for check in _checks(column)]
            operation.columns = [*operation.columns, *checks]


def _checks(column: Column[Any]) -> Iterator[CheckConstraint]:
    for constraint in sorted(column.constraints, key=lambda constraint: str(constraint.name)):
        if isinstance(constraint, CheckConstraint) and not getattr(constraint, "_type_bound", False):
            yield CheckConstraint(constraint.sqltext, name=constraint.name)


def _plain(type_: TypeEngine[Any], context: AutogenContext) -> str:
    if isinstance(type_, ARRAY):
        item = render_item("type", type_.item_type, context) or f"sa.{type_.item_type!r}"
        return f"sa.ARRAY({item})"
    if isinstance(type_, JSONB):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return "postgresql.JSONB()"
    if isinstance(type_, JSON):
        return "sa.JSON()"
    if type(type_).__module__.startswith("sqlalchemy.dialects.postgresql"):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return f"postgresql.{_bare(type_)!r}"
    return f"sa.{_bare(type_)!r}"


def _is_portable(type_: TypeEngine[Any]) -> bool:
    if isinstance(type_, TypeDecorator) or not type_._variant_mapping:
        return False
    made = portable(_bare(type_))
    return repr(made) == repr(type_) and _variants(made) == _variants(type_)


def _variants(type_: TypeEngine[Any]) -> dict[str, str]:
    return {dialect: repr(variant) for dialect, variant in type_._variant_mapping.items()}


def _bare(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type without what it is on other databases."""
    if isinstance(type_, PG_ARRAY):
        return PG_ARRAY(type_.item_type, as_tuple=type_.as_tuple, dimensions=type_.dimensions)
    return type_.copy() if not type_._variant_mapping else _without_variants(type_)


def _without_variants(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    bare = type_.copy()
    bare._variant_mapping = type(type_._variant_mapping)()
    return bare
