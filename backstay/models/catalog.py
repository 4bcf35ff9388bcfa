"""The catalog: what the mapped classes say, as plain values.

Every later stage works from these and never asks SQLAlchemy's mappers again. Only the SQL compiler looks at
`Field.column` and `Resource.table`. They are read in `catalog_reading.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ColumnElement, Float, Numeric, Table, Text
from sqlalchemy.types import TypeEngine

from backstay.models.access.rules import AccessRules


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
        generated: no write may set it.
        expression: what a computed field is worked out from, in columns of its table; None for a stored column.
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
    expression: ColumnElement[Any] | None = None


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
    """One served table. Relations are filled in once all resources are known; constant from then on.

    Attributes:
        fields: by name, the table's columns in their order, then computed fields, which `*` leaves out.
    """

    name: str
    model: type
    table: Table
    fields: Mapping[str, Field]
    primary_key: tuple[Field, ...]
    uniques: tuple[Unique, ...]
    access: AccessRules
    description: str = ""
    # What check constraints say of single columns, in JSON Schema's keywords.
    bounds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    relations: tuple[Relation, ...] = field(default=())


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Every served table by name."""

    resources: Mapping[str, Resource]

    def without_rules(self) -> list[str]:
        """Names of the models that have no access rules, and so are served to nobody."""
        return [name for name, resource in self.resources.items() if not resource.access.declared]


def value_field(kind: ValueKind, type_: TypeEngine[Any] | None = None, sql_type: str = "") -> Field:
    """A value that belongs to no table: the end of a JSON path, what a cast or an aggregate gives."""
    column = Column("value", type_ or Text())
    return Field("value", kind, column, nullable=True, has_default=False, sql_type=sql_type or kind.value)


# What stands at the end of a `->` path.
JSON_VALUE = value_field(ValueKind.JSON, JSON(), "jsonb")
BIGINT = value_field(ValueKind.INTEGER, BigInteger(), "bigint")
NUMERIC = value_field(ValueKind.DECIMAL, Numeric(), "numeric")
DOUBLE = value_field(ValueKind.FLOAT, Float(53), "double precision")
