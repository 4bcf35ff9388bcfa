"""The catalog: what the mapped classes say, read once into plain values.

Every later stage works from these and never asks SQLAlchemy's mappers again. Only the SQL compiler looks at
`Field.column` and `Resource.table`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy import types as sa
from sqlalchemy.dialects.postgresql import ranges
from sqlalchemy.types import TypeEngine

from backstay.errors import ConfigurationError
from backstay.models.access.rules import Access, AccessRules


class ValueKind(StrEnum):
    """What sort of values a column holds, whatever its database calls it."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    UUID = "uuid"
    TIMESTAMP = "timestamp"
    DATETIME = "datetime"
    DATE = "date"
    TIME = "time"
    BYTES = "bytes"
    ENUM = "enum"
    JSON = "json"
    ARRAY = "array"
    RANGE = "range"


class Cardinality(StrEnum):
    """How many rows of the target one row has, by which key. The values are those of PGRST201's details."""

    MANY_TO_ONE = "many-to-one"
    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"

    @property
    def is_one(self) -> bool:
        """True when an embed of it is an object, false when it is an array."""
        return self in (Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_ONE)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One column.

    Attributes:
        bits: width of an integer: 16, 32 or 64.
        length: most code points of a text; None for no bound.
        precision, scale: digits in all, and after the point, of a decimal; None for no bound.
        item: what an array holds.
        has_default: a row may be inserted without a value for it.
    """

    name: str
    kind: ValueKind
    column: Column[Any]
    nullable: bool
    has_default: bool
    bits: int = 64
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    choices: tuple[str, ...] = ()
    item: Field | None = None
    generated: bool = False
    sql_type: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Junction:
    """The table between the two sides of a many-to-many relation."""

    resource: Resource
    near: tuple[tuple[Field, Field], ...]
    far: tuple[tuple[Field, Field], ...]
    constraints: tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """A way from one resource to another.

    Attributes:
        constraint: name of the foreign key (for a junction, of both, joined by `and`).
        pairs: column of the source with the column of the target that it equals; empty for a junction.
        attribute: name of the `relationship()` that declares it, if there is one.
    """

    source: Resource
    target: Resource
    cardinality: Cardinality
    constraint: str
    pairs: tuple[tuple[Field, Field], ...]
    junction: Junction | None = None
    attributes: tuple[str, ...] = ()
    key_on_source: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Unique:
    """A set of columns no two rows share, and the name under which its violation is reported."""

    name: str
    fields: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Resource:
    """One served table. Relations are filled in once all resources are known; constant from then on."""

    name: str
    model: type
    table: Table
    fields: Mapping[str, Field]
    primary_key: tuple[Field, ...]
    uniques: tuple[Unique, ...]
    access: AccessRules
    description: str = ""
    relations: tuple[Relation, ...] = field(default=())


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Every served table by name."""

    resources: Mapping[str, Resource]

    def without_rules(self) -> list[str]:
        """Names of the models that have no access rules, and so are served to nobody."""
        return [name for name, resource in self.resources.items() if not resource.access.declared]


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
        resource.relations = tuple(_relations(resource, by_table))
    return Catalog(resources)


def _read_resource(model: type, problems: list[str]) -> Resource | None:
    table: Table = model.__table__  # type: ignore[attr-defined]  # every mapped class has one
    if table.name == "rpc":
        problems.append(f"{model.__name__}: a table cannot be called 'rpc', which is a path of the protocol")
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
    names = {attribute.key: attribute.columns[0].name for attribute in model.__mapper__.column_attrs}  # type: ignore[attr-defined]
    for key in list(rules.fields):
        if names.get(key) not in fields:
            problems.append(f"{model.__name__}: there is a rule for the column '{key}', which does not exist")
        else:
            rules.fields[names[key]] = rules.fields.pop(key)
    if problems:
        return None
    return Resource(
        name=table.name,
        model=model,
        table=table,
        fields=fields,
        primary_key=tuple(fields[column.name] for column in table.primary_key.columns),
        uniques=tuple(_uniques(table)),
        access=rules,
        description=_description(model),
    )


def _description(model: type) -> str:
    text = model.__dict__.get("__doc__") or ""
    return " ".join(text.split())


def _uniques(table: Table) -> Iterable[Unique]:
    yield Unique(str(table.primary_key.name), tuple(c.name for c in table.primary_key.columns))
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield Unique(str(constraint.name), tuple(column.name for column in constraint.columns))
    for index in table.indexes:
        if index.unique and not any(index.dialect_options[name].get("where") is not None for name in _ENGINES):
            yield Unique(str(index.name), tuple(column.name for column in index.columns))


def _read_field(column: Column[Any]) -> Field | None:
    described = _describe(column.type)
    if described is None:
        return None
    computed = column.computed is not None
    return Field(
        name=column.name,
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


def _describe(type_: TypeEngine[Any]) -> dict[str, Any] | None:
    """The parts of a `Field` that follow from the column's type."""
    if isinstance(type_, sa.TypeDecorator):
        return _describe(type_.impl_instance)
    if isinstance(type_, sa.Enum):
        return {"kind": ValueKind.ENUM, "choices": tuple(type_.enums), "sql_type": type_.name or "text"}
    if isinstance(type_, sa.ARRAY):
        inner = _describe(type_.item_type)
        if inner is None:
            return None
        item = Field(
            name="", column=Column("item", type_.item_type), nullable=True, has_default=False, **inner
        )
        return {"kind": ValueKind.ARRAY, "item": item, "sql_type": f"{item.sql_type}[]"}
    if isinstance(type_, ranges.AbstractRange):
        return {"kind": ValueKind.RANGE, "sql_type": type_.__visit_name__.lower()}
    for python_type, describe in _DESCRIPTIONS:
        if isinstance(type_, python_type):
            return describe(type_)
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


_ENGINES = ("sqlite", "postgresql")

# What stands at the end of a `->` path.
JSON_VALUE = Field(
    name="value",
    kind=ValueKind.JSON,
    column=Column("value", sa.JSON()),
    nullable=True,
    has_default=False,
    sql_type="jsonb",
)


def _relations(source: Resource, by_table: Mapping[Table, Resource]) -> Iterable[Relation]:
    """Every relation that starts at `source`: by its own keys, by keys that point at it, and by junctions."""
    named = _relationship_names(source)
    for key in _foreign_keys(source.table):
        target = by_table.get(key.referred_table)
        if target is not None:
            cardinality = Cardinality.ONE_TO_ONE if _is_unique(key) else Cardinality.MANY_TO_ONE
            yield _relation(source, target, cardinality, key, named, key_on_source=True)
    for other in by_table.values():
        for key in _foreign_keys(other.table):
            if key.referred_table is source.table:
                cardinality = Cardinality.ONE_TO_ONE if _is_unique(key) else Cardinality.ONE_TO_MANY
                yield _relation(source, other, cardinality, key, named, key_on_source=False)
        yield from _through(source, other, by_table, named)


def _relation(
    source: Resource,
    target: Resource,
    cardinality: Cardinality,
    key: ForeignKeyConstraint,
    named: Mapping[tuple[Any, ...], tuple[str, ...]],
    *,
    key_on_source: bool,
) -> Relation:
    pairs = []
    for element in key.elements:
        near, far = (element.parent, element.column) if key_on_source else (element.column, element.parent)
        pairs.append((source.fields[near.name], target.fields[far.name]))
    return Relation(
        source=source,
        target=target,
        cardinality=cardinality,
        constraint=str(key.name),
        pairs=tuple(pairs),
        attributes=named.get((key, key_on_source), ()),
        key_on_source=key_on_source,
    )


def _through(
    source: Resource,
    middle: Resource,
    by_table: Mapping[Table, Resource],
    named: Mapping[tuple[Any, ...], tuple[str, ...]],
) -> Iterable[Relation]:
    """Many-to-many relations over `middle`, whose two keys must be part of its primary key."""
    keys = [
        key
        for key in _foreign_keys(middle.table)
        if all(column.primary_key for column in key.columns) and key.referred_table in by_table
    ]
    for near in keys:
        for far in keys:
            if near is far or near.referred_table is not source.table:
                continue
            target = by_table[far.referred_table]
            junction = Junction(
                resource=middle,
                near=_pairs(near, source, middle),
                far=_pairs(far, target, middle),
                constraints=(str(near.name), str(far.name)),
            )
            yield Relation(
                source=source,
                target=target,
                cardinality=Cardinality.MANY_TO_MANY,
                constraint=f"{near.name} and {far.name}",
                pairs=(),
                junction=junction,
                attributes=named.get((middle.table, far), ()),
                key_on_source=False,
            )


def _pairs(key: ForeignKeyConstraint, outer: Resource, middle: Resource) -> tuple[tuple[Field, Field], ...]:
    return tuple((outer.fields[e.column.name], middle.fields[e.parent.name]) for e in key.elements)


def _foreign_keys(table: Table) -> list[ForeignKeyConstraint]:
    return sorted(table.foreign_key_constraints, key=lambda key: str(key.name))


def _is_unique(key: ForeignKeyConstraint) -> bool:
    columns = {column.name for column in key.columns}
    return any(set(unique.fields) == columns for unique in _uniques(key.table))


def _relationship_names(source: Resource) -> dict[tuple[Any, ...], tuple[str, ...]]:
    """Names of the model's `relationship()` attributes by the key they follow, and on which side it stands."""
    names: dict[tuple[Any, ...], tuple[str, ...]] = {}
    for relationship in source.model.__mapper__.relationships:  # type: ignore[attr-defined]
        if relationship.secondary is not None:
            for key in _foreign_keys(relationship.secondary):
                if {column for _, column in relationship.secondary_synchronize_pairs} == set(key.columns):
                    place: tuple[Any, ...] = (relationship.secondary, key)
                    names[place] = (*names.get(place, ()), relationship.key)
            continue
        on_source = relationship.direction.name == "MANYTOONE"
        pairs = {(near, far) for near, far in relationship.local_remote_pairs or ()}
        table = source.table if on_source else relationship.mapper.local_table
        for key in _foreign_keys(table):
            if {_oriented(e, on_source) for e in key.elements} == pairs:
                place = (key, on_source)
                names[place] = (*names.get(place, ()), relationship.key)
    return names


def _oriented(element: Any, on_source: bool) -> tuple[Any, Any]:
    return (element.parent, element.column) if on_source else (element.column, element.parent)
