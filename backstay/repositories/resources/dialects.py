"""What the two databases spell differently: JSON forms, comparisons, casts, and the driver's form of each value.

The compiler asks one of these two objects; nothing else in the compiler knows which database it writes for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, Subquery
from sqlalchemy.engine import Dialect as SqlDialect

from backstay.models.catalog import Field, ValueKind
from backstay.models.resources.plan import Comparison, Parameter, Reference
from backstay.models.resources.request import Aggregate
from backstay.models.types import decimal_text, timestamp_text, trimmed
from backstay.repositories.database import Engine
from backstay.utils import json_text

Expression = ColumnElement[Any]
Encoder = Callable[[Any], Any]
Source = FromClause


class Dialect(Protocol):
    """One database's spellings."""

    engine: Engine
    sql: SqlDialect

    def parameter(self, name: str, parameter: Parameter) -> Expression:
        """The bind parameter for a literal of a plan."""

    def encoder(self, parameter: Parameter) -> Encoder | None:
        """From a literal's Python value to what the driver takes; None for no change."""

    def caller_value(self, value: Any) -> Any:
        """A value of the caller as the driver takes it."""

    def inside(self, value: Expression, reference: Reference) -> Expression:
        """The value at the end of a JSON path."""

    def comparison(self, value: Expression, comparison: Comparison, bind: Expression) -> Expression:
        """A column compared with a literal; not yet negated."""

    def sort_key(self, value: Expression, reference: Reference) -> Expression:
        """What to order by, so that both databases order alike."""

    def shown(self, value: Expression, kind: ValueKind, field: Field) -> Expression:
        """The value as it stands in the JSON of the answer."""

    def cast(self, value: Expression, source: ValueKind, target: ValueKind) -> Expression:
        """`::type` in a select."""

    def computed(self, value: Expression, field: Field) -> Expression:
        """The expression of a computed field, in the form in which a column of its type would hold it."""

    def in_zone(self, value: Expression, zone: str) -> Expression:
        """A point in time as it stands in the JSON of the answer, on the clocks of a time zone."""

    def aggregate(
        self, function: Aggregate, value: Expression, kind: ValueKind, outcome: Field
    ) -> Expression:
        """One value out of those of a group, of the type of `outcome`."""

    def group_key(self, value: Expression, kind: ValueKind | None) -> Expression:
        """What to group by; `kind` is None for finished JSON, here and below."""

    def of_group(self, value: Expression, kind: ValueKind | None, field: Field) -> Expression:
        """The value of a group's rows, which are equal but may be written in several ways."""

    def group_order(self, value: Expression, kind: ValueKind | None, field: Field) -> Expression:
        """What to order groups by, so that both databases order alike."""

    def json_value(self, value: Expression) -> Expression:
        """Finished JSON that comes from a subquery, as it stands in the JSON of the answer."""

    def array_json(self, value: Expression) -> Expression:
        """The values of all rows, each in its JSON form, as a JSON array."""

    def json_row(self, pairs: Sequence[tuple[str, Expression]]) -> list[Expression]:
        """The columns of a row's subquery."""

    def row_json(self, row: Select[Any], name: str) -> Select[Any]:
        """One such row as a JSON value; `name` is free for a subquery."""

    def rows_json(self, rows: Subquery) -> Expression:
        """All rows of that subquery as a JSON array."""

    def document(self, rows: Subquery) -> Expression:
        """All rows of that subquery as the text of a JSON array."""

    def json_list(self, values: Sequence[Expression]) -> Expression:
        """A JSON array of those values."""

    def json_text(self, value: Expression) -> Expression:
        """A JSON value as the text of one."""

    def placed_row(self, row: Select[Any], place: Expression, name: str) -> Select[Any]:
        """A row as one JSON value `j`, and its place as `k`; `name` is free for a subquery."""

    def placed_document(self, rows: Subquery) -> tuple[Expression, Expression]:
        """All such rows as the text of a JSON array, and text whose last line is the place of the last one."""


def plain(value: Any) -> Any:
    """Any Python value in SQLite's storage form."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        return decimal_text(value, None)
    if isinstance(value, dt.datetime):
        return timestamp_text(value, timezone=value.tzinfo is not None)
    if isinstance(value, dt.time):
        return trimmed(value.isoformat())
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def stored(value: Any, field: Field) -> Any:
    """A value of a field in SQLite's storage form."""
    if value is None:
        return None
    if field.kind is ValueKind.DECIMAL:
        return decimal_text(value, field.scale)
    if field.kind is ValueKind.JSON:
        return json_text.canonical(value)
    if field.kind is ValueKind.ARRAY:
        return array_text(value, field)
    return plain(value)


def array_text(items: Sequence[Any], field: Field) -> str:
    """The items of an array as the JSON text that SQLite keeps."""
    assert field.item is not None
    return "[" + ",".join(fragment(item, field.item) for item in items) + "]"


def fragment(value: Any, field: Field) -> str:
    """A value as a piece of JSON text, in the form the API shows it."""
    if value is None:
        return "null"
    kind = field.kind
    if kind is ValueKind.JSON:
        return json_text.canonical(value)
    if kind is ValueKind.ARRAY:
        return array_text(value, field)
    if kind is ValueKind.BYTES:
        return json_text.canonical("\\x" + value.hex())
    if kind is ValueKind.DECIMAL:
        return decimal_text(value, field.scale)
    if kind in (ValueKind.BOOLEAN, ValueKind.INTEGER):
        return json_text.canonical(value)
    if kind is ValueKind.FLOAT:
        return repr(float(value))
    return json_text.canonical(plain(value))
