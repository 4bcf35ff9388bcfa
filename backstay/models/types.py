"""Column types that mean the same on both databases.

PostgreSQL has a native type for each; SQLite stores text or integers. `portable()` gives every column of a model
the SQLite form below, so that storing, comparing, ordering and showing a value agree on both (decision 0003):

- UUID: 36-character lower-case text;
- exact numbers: text under a collation that compares by value (registered on every connection);
- timestamps: the text PostgreSQL's `to_json` shows, in UTC, which also sorts by time;
- arrays: JSON;
- JSON: text, since SQLite would turn a lone number into a float;
- text: `COLLATE "C"` on PostgreSQL, so that order and comparison are by code point on both.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Enum, Integer, Numeric, SmallInteger, String, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY as PG_ARRAY
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import ARRAY, DateTime, Float, Time, TypeDecorator, TypeEngine

DECIMAL_COLLATION = "backstay_decimal"


class UuidText(TypeDecorator[UUID]):
    """A UUID as 36 characters of lower-case text (RFC 9562 section 4)."""

    impl = String(36)
    cache_ok = True

    def process_bind_param(self, value: UUID | str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> UUID | None:
        return None if value is None else UUID(value)


class DecimalText(TypeDecorator[Decimal]):
    """An exact number as plain decimal text with a fixed number of digits after the point, if one is declared."""

    impl = String
    cache_ok = True

    def __init__(self, scale: int | None = None) -> None:
        super().__init__(collation=DECIMAL_COLLATION)
        self.scale = scale

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> str | None:
        return None if value is None else decimal_text(Decimal(value), self.scale)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class TimestampText(TypeDecorator[dt.datetime]):
    """A point in time as UTC text; or, without a zone, a local date and time as text."""

    impl = String(32)
    cache_ok = True

    def __init__(self, timezone: bool = True) -> None:
        super().__init__()
        self.timezone = timezone

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else timestamp_text(value, self.timezone)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else dt.datetime.fromisoformat(value)


class TimeText(TypeDecorator[dt.time]):
    """A time of day as text with as many fractional digits as it needs."""

    impl = String(16)
    cache_ok = True

    def process_bind_param(self, value: dt.time | None, dialect: Dialect) -> str | None:
        return None if value is None else trimmed(value.isoformat())

    def process_result_value(self, value: str | None, dialect: Dialect) -> dt.time | None:
        return None if value is None else dt.time.fromisoformat(value)


class JsonText(JSON):
    """JSON in a column that SQLite takes for text: one it takes for JSON keeps a lone number as a rounded float."""


@compiles(JsonText, "sqlite")
def _compile_as_text(element: JsonText, compiler: Any, **options: Any) -> str:
    return "TEXT"


def decimal_text(value: Decimal, scale: int | None) -> str:
    """Plain notation, as PostgreSQL shows a numeric of that scale: `Decimal("1E+2")` is `100`, `-0` is `0`."""
    if scale is not None:
        value = value.quantize(Decimal(1).scaleb(-scale))
    text = format(value, "f")
    return text[1:] if value.is_zero() and text.startswith("-") else text


def timestamp_text(value: dt.datetime, timezone: bool) -> str:
    """ISO 8601 as PostgreSQL's `to_json`: UTC with `+00:00`, or no zone; no trailing zeros in the fraction."""
    if not timezone:
        return trimmed(value.replace(tzinfo=None).isoformat())
    moment = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    return trimmed(moment.replace(tzinfo=None).isoformat()) + "+00:00"


def trimmed(text: str) -> str:
    """An ISO time without the trailing zeros of its fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def portable(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """The same type, with the variant that makes it agree on the other database. Others are returned as they are."""
    if isinstance(type_, TypeDecorator) or type_._variant_mapping:
        return type_
    if isinstance(type_, Uuid):
        return type_.with_variant(UuidText(), "sqlite")
    if isinstance(type_, Numeric) and not isinstance(type_, Float):
        return type_.with_variant(DecimalText(type_.scale), "sqlite")
    if isinstance(type_, BigInteger | SmallInteger):
        # Only a column declared INTEGER numbers its rows by itself on SQLite; it holds 64 bits there.
        return type_.with_variant(Integer(), "sqlite")
    if isinstance(type_, DateTime):
        return type_.with_variant(TimestampText(bool(type_.timezone)), "sqlite")
    if isinstance(type_, Time):
        return type_.with_variant(TimeText(), "sqlite")
    if isinstance(type_, ARRAY):
        return PG_ARRAY(portable(type_.item_type)).with_variant(JsonText(none_as_null=True), "sqlite")
    if isinstance(type_, JSON) and not isinstance(type_, JSONB):
        portable_json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
        return portable_json.with_variant(JsonText(none_as_null=True), "sqlite")
    if isinstance(type_, JSONB):
        return JSONB(none_as_null=True).with_variant(JsonText(none_as_null=True), "sqlite")
    if isinstance(type_, String) and not isinstance(type_, Enum) and type_.collation is None:
        in_code_point_order = (
            Text(collation="C") if isinstance(type_, Text) else String(type_.length, collation="C")
        )
        return type_.with_variant(in_code_point_order, "postgresql")
    return type_
