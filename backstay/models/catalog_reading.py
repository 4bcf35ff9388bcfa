"""Reading mapped classes into the catalog: tables, columns and what their types mean.

In charge of refusing, at start, what cannot be served. The ways between tables are found in `catalog_relations.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy import types as sa
from sqlalchemy.dialects.postgresql import ranges
from sqlalchemy.types import TypeEngine

from backstay.errors import ConfigurationError
from backstay.models.access.rules import Access, AccessRules
from backstay.models.bounds import check_keywords
from backstay.models.catalog import Catalog, Field, Resource, ValueKind
from backstay.models.catalog_computed import computed_fields, computed_names
from backstay.models.catalog_relations import read_relations, read_uniques


def read_catalog(models: Iterable[type]) -> Catalog:
    """Read mapped classes into a catalog.

    Raises:
        ConfigurationError: for a table called `rpc`, without a primary key, with a column type that cannot be
            served, or with rules for a column it does not have; all such problems at once.
    """
    problems: list[str] = []
    resources: dict[str, Resource] = {}
    for model in models:
        resource = _read_resource(model, problems)
        if resource is not None:
            resources[resource.name] = resource
    if problems:
        raise ConfigurationError(problems)
    by_table = {resource.table: resource for resource in resources.values()}
    for resource in resources.values():
        resource.bounds = check_keywords(resource)
        resource.relations = tuple(read_relations(resource, by_table))
    return Catalog(resources)


def _read_resource(model: type, problems: list[str]) -> Resource | None:
    table: Table = model.__table__  # type: ignore[attr-defined]  # every mapped class has one
    if table.name in ("rpc", "$batch"):
        problems.append(
            f"{model.__name__}: a table cannot be called '{table.name}', which is a path of the protocol"
        )
    fields = {}
    for column in table.columns:
        read = _read_field(column)
        if read is None:
            problems.append(
                f"{model.__name__}.{column.name}: columns of type {column.type!r} cannot be served"
            )
        else:
            fields[column.name] = read
    rules = AccessRules(Access.registry.get(model))
    _name_rules(model, table, fields, rules, problems)
    for computed in computed_fields(model, describe, fields, rules, problems):
        fields[computed.name] = computed
    if problems:
        return None
    return Resource(
        name=table.name,
        model=model,
        table=table,
        fields=fields,
        primary_key=tuple(fields[column.name] for column in table.primary_key.columns),
        uniques=tuple(read_uniques(table)),
        access=rules,
        description=_description(model),
    )


def _name_rules(
    model: type, table: Table, fields: Mapping[str, Field], rules: AccessRules, problems: list[str]
) -> None:
    """Field rules by the names of columns, where they were declared by attribute."""
    names = {key: key for key in computed_names(model)} | {
        attribute.key: attribute.columns[0].name
        for attribute in model.__mapper__.column_attrs  # type: ignore[attr-defined]  # every mapped class has one
        if attribute.columns[0] in table.columns.values()
    }
    for key in list(rules.fields):
        if key not in names or (names[key] != key and names[key] not in fields):
            problems.append(f"{model.__name__}: there is a rule for the column '{key}', which does not exist")
        else:
            rules.fields[names[key]] = rules.fields.pop(key)


def _description(model: type) -> str:
    text = model.__dict__.get("__doc__") or ""
    return " ".join(text.split())


def _read_field(column: Column[Any]) -> Field | None:
    described = describe(column.type)
    if described is None:
        return None
    computed = column.computed is not None
    return Field(
        name=str(column.name),
        column=column,
        nullable=bool(column.nullable),
        has_default=column.default is not None
        or column.server_default is not None
        or column.identity is not None
        or computed
        or column is column.table._autoincrement_column,
        generated=computed or (column.identity is not None and bool(column.identity.always)),
        **described,
    )


def describe(type_: TypeEngine[Any]) -> dict[str, Any] | None:
    """The parts of a `Field` that follow from the column's type; None for a type that cannot be served."""
    if isinstance(type_, sa.TypeDecorator):
        return describe(type_.impl_instance)
    if isinstance(type_, sa.Enum):
        return {"kind": ValueKind.ENUM, "choices": tuple(type_.enums), "sql_type": type_.name or "text"}
    if isinstance(type_, sa.ARRAY):
        inner = describe(type_.item_type)
        if inner is None:
            return None
        item = Field(
            name="", column=Column("item", type_.item_type), nullable=True, has_default=False, **inner
        )
        return {"kind": ValueKind.ARRAY, "item": item, "sql_type": f"{item.sql_type}[]"}
    if isinstance(type_, ranges.AbstractRange):
        return {"kind": ValueKind.RANGE, "sql_type": type_.__visit_name__.lower()}
    for python_type, parts_of in _DESCRIPTIONS:
        if isinstance(type_, python_type):
            return parts_of(type_)
    return None


def _integer(bits: int, sql_type: str) -> Callable[[Any], dict[str, Any]]:
    return lambda type_: {"kind": ValueKind.INTEGER, "bits": bits, "sql_type": sql_type}


_DESCRIPTIONS: tuple[tuple[type[Any], Callable[[Any], dict[str, Any]]], ...] = (
    (sa.SmallInteger, _integer(16, "smallint")),
    (sa.BigInteger, _integer(64, "bigint")),
    (sa.Integer, _integer(32, "integer")),
    (sa.Boolean, lambda type_: {"kind": ValueKind.BOOLEAN, "sql_type": "boolean"}),
    (
        sa.Float,
        lambda type_: {
            "kind": ValueKind.FLOAT,
            "sql_type": "real"
            if type_.precision is not None and type_.precision <= 24
            else "double precision",
        },
    ),
    (
        sa.Numeric,
        lambda type_: {
            "kind": ValueKind.DECIMAL,
            "precision": type_.precision,
            "scale": type_.scale if type_.scale is not None or type_.precision is None else 0,
            "sql_type": "numeric",
        },
    ),
    (sa.Uuid, lambda type_: {"kind": ValueKind.UUID, "sql_type": "uuid"}),
    (
        sa.DateTime,
        lambda type_: {
            "kind": ValueKind.TIMESTAMP if type_.timezone else ValueKind.DATETIME,
            "sql_type": "timestamp with time zone" if type_.timezone else "timestamp without time zone",
        },
    ),
    (sa.Date, lambda type_: {"kind": ValueKind.DATE, "sql_type": "date"}),
    (sa.Time, lambda type_: {"kind": ValueKind.TIME, "sql_type": "time without time zone"}),
    (sa.LargeBinary, lambda type_: {"kind": ValueKind.BYTES, "sql_type": "bytea", "length": type_.length}),
    (sa.JSON, lambda type_: {"kind": ValueKind.JSON, "sql_type": "jsonb"}),
    (
        sa.String,
        lambda type_: {
            "kind": ValueKind.TEXT,
            "length": type_.length,
            "sql_type": "character varying" if type_.length else "text",
        },
    ),
)
