"""Example values: one for each column and one row for each table, valid and always the same."""

from __future__ import annotations

from typing import Any

from backstay.models.bounds import Keywords
from backstay.models.catalog import Field, ValueKind

_VALUES: dict[ValueKind, Any] = {
    ValueKind.BOOLEAN: True,
    ValueKind.UUID: "0190a6f2-7c1d-7b3e-9c4f-2a6b8d0e1f35",
    ValueKind.TIMESTAMP: "2026-01-31T12:30:00+00:00",
    ValueKind.DATETIME: "2026-01-31T12:30:00",
    ValueKind.DATE: "2026-01-31",
    ValueKind.TIME: "12:30:00",
    ValueKind.JSON: {"key": "value"},
}
_TEXT = "example"
_RANGES = {
    "int4range": "[1,10)",
    "int8range": "[1,10)",
    "numrange": "[1.5,10)",
    "daterange": "[2026-01-01,2026-02-01)",
}


def example(field: Field, keywords: Keywords) -> Any:
    """A value that the column takes.

    Args:
        keywords: what its check constraints ask (`bounds.check_keywords`).
    """
    if "enum" in keywords or field.kind is ValueKind.ENUM:
        return keywords.get("enum", field.choices)[0]
    if field.kind in (ValueKind.INTEGER, ValueKind.FLOAT, ValueKind.DECIMAL):
        return _number(field, keywords)
    if field.kind is ValueKind.TEXT:
        return _text(field.length, keywords)
    if field.kind is ValueKind.BYTES:
        return "\\x" + "48656c6c6f"[: 10 if field.length is None else 2 * field.length]
    if field.kind is ValueKind.ARRAY:
        return [] if field.item is None else [example(field.item, {})]
    if field.kind is ValueKind.RANGE:
        return _RANGES.get(field.sql_type, "empty")
    return _VALUES[field.kind]


def example_filter(field: Field, keywords: Keywords) -> str:
    """A filter on the column."""
    if field.kind in (ValueKind.ARRAY, ValueKind.JSON, ValueKind.RANGE, ValueKind.BYTES):
        return "not.is.null"
    value = example(field, keywords)
    return f"eq.{str(value).lower() if isinstance(value, bool) else value}"


def example_key(key: tuple[Field, ...], keywords: dict[str, Keywords]) -> str:
    """A primary key as a path segment."""
    values = [example(field, keywords.get(field.name, {})) for field in key]
    return ",".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)


def _number(field: Field, keywords: Keywords) -> int | float:
    """The number nearest to one that is allowed."""
    if field.precision is not None and field.precision == field.scale:
        return 0
    lowest = max(keywords.get("minimum", 1), keywords.get("exclusiveMinimum", 0) + 1)
    highest = min(keywords.get("maximum", lowest), keywords.get("exclusiveMaximum", lowest + 1) - 1)
    value: int | float = min(lowest, highest)
    return value


def _text(length: int | None, keywords: Keywords) -> str:
    shortest: int = keywords.get("minLength", 0)
    longest: int = min(keywords.get("maxLength", len(_TEXT)), len(_TEXT) if length is None else length)
    return _TEXT[:longest].ljust(shortest, "x")
