"""Computed fields: `hybrid_property` and `column_property` of a mapped class become read-only fields.

In charge of what such an expression reads, and so of who may see it: a field that reads a column with a rule has that
rule too, beside its own. Decision 0021 says what is refused at start, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, inspect
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.sql import visitors
from sqlalchemy.sql.util import _deep_deannotate
from sqlalchemy.types import TypeEngine

from backstay.models.access.rules import AccessRules, Conjunction
from backstay.models.access.terms import CallerTerm
from backstay.models.catalog import Field
from backstay.models.types import portable

Describe = Callable[[TypeEngine[Any]], dict[str, Any] | None]


def computed_names(model: type) -> list[str]:
    """The attributes that are computed fields. One whose name begins with an underscore is the model's own affair."""
    mapper: Any = inspect(model)
    columns = set(mapper.local_table.columns)
    properties = [attribute.key for attribute in mapper.column_attrs if attribute.columns[0] not in columns]
    hybrids = [
        name
        for name, described in mapper.all_orm_descriptors.items()
        if described.extension_type is HybridExtensionType.HYBRID_PROPERTY
    ]
    inherited = set(mapper.columns.values()) - columns if mapper.inherits else set()
    joined = {key for key in properties if mapper.attrs[key].columns[0] in inherited}
    return [name for name in (*properties, *hybrids) if name not in joined and not name.startswith("_")]


def computed_fields(
    model: type,
    describe: Describe,
    stored: Mapping[str, Field],
    rules: AccessRules,
    problems: list[str],
) -> Iterator[Field]:
    """The computed fields of a model. Their rules in `rules` are completed by those of what they read."""
    for name in computed_names(model):
        found = _read(model, name, describe, stored, has_rule=name in rules.fields)
        if isinstance(found, str):
            problems.append(f"{model.__name__}.{name}: {found}")
            continue
        field, read = found
        parts = [rules.fields[key] for key in (name, *read) if key in rules.fields]
        if parts:
            rules.fields[name] = parts[0] if len(parts) == 1 else Conjunction(parts)
        yield field


def _read(
    model: type, name: str, describe: Describe, stored: Mapping[str, Field], *, has_rule: bool
) -> tuple[Field, list[str]] | str:
    """The field and the columns it reads, or why it cannot be served."""
    if name in stored:
        return "a computed field cannot have the name of a column"
    expression = _expression(model, name)
    if isinstance(expression, str):
        return expression
    type_ = portable(expression.type)
    described = describe(type_)
    if described is None:
        return f"its type {expression.type!r} cannot be served; say which it is with type_coerce() or type_="
    table: Table = model.__table__  # type: ignore[attr-defined]  # every mapped class has one
    parts = list(visitors.iterate(expression))
    if any(isinstance(part, CallerTerm) for part in parts):
        return "a computed field cannot read the caller; a rule can"
    read = [part for part in parts if isinstance(part, Column) and isinstance(part.table, Table)]
    reads_rows = any(part.__visit_name__ in _STATEMENTS for part in parts)
    if reads_rows or any(column.table is not table for column in read):
        if not has_rule:
            return "it reads other rows, whose rules do not hold in it; say in `fields` who may see it"
        # What it makes of its own row's columns still has their rules.
        read = [column for column in read if column.table is table]
    field = Field(
        name=name,
        column=Column(name, type_),
        nullable=True,
        has_default=True,
        generated=True,
        expression=expression,
        **described,
    )
    return field, list(dict.fromkeys(str(column.name) for column in read))


_STATEMENTS = frozenset({"select", "exists", "scalar_select", "compound_select", "textual_select"})


def _expression(model: type, name: str) -> ColumnElement[Any] | str:
    """What the attribute is in SQL. A hybrid runs its own code for that, which may be of no use there."""
    try:
        found: Any = getattr(model, name)
        element = found.__clause_element__() if hasattr(found, "__clause_element__") else found
    except Exception as error:  # noqa: BLE001 - the code is the user's; whatever it raises is told at the start
        return f"it gives no SQL expression ({type(error).__name__}: {error}); give it one with .expression"
    if not isinstance(element, ColumnElement):
        return "it gives no SQL expression; give it one with .expression, or a name that begins with an underscore"
    bare: ColumnElement[Any] = _deep_deannotate(element)
    label = getattr(bare, "element", None)
    return label if bare.__visit_name__ == "label" and isinstance(label, ColumnElement) else bare
