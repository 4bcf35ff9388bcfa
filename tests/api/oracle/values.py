"""Kinds of values: random ones, their literals in a query string, their form in JSON, their order.

Written from what PostgreSQL does and not from the product's code, which is what is being tested.
"""

from __future__ import annotations

import datetime as dt
import json
import random as randomness
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON as JsonType
from sqlalchemy import BigInteger, Boolean, DateTime, Enum, Float, Numeric, Text, Uuid
from sqlalchemy.types import TypeEngine

Random = randomness.Random


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    UUID = "uuid"
    TIMESTAMP = "timestamp"
    ENUM = "enum"
    JSON = "json"


# Not in alphabetical order: an enum sorts by position.
CHOICES = ("small", "medium", "large", "Giant")
EMAILS = ("ann@example.org", "bob@example.org")
IDS = tuple(UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + number) for number in range(4))
_TEXTS = (
    *EMAILS, "", "a", "A", "ab", "aB", "Äb", "ä", "a,b", 'q"x', "(b)", "100%", "a_b", "*", "b\\c", "null", "true",
    " z", "日本", "😀", "a.b", "{a}", "not.eq.1", "line\nend", "'; --",
)  # fmt: skip
_FLOATS = (0.0, 0.1, 0.1 + 0.2, -2.5, 1e-7, 3.0, 123456789.125, 1e22)
_JSONS: tuple[Any, ...] = (
    {}, [], 0, "x", True, {"a": 1}, {"a": "1", "b": None}, {"a": {"b": [1, "two", None]}}, [1, 2.5, {"a": "ä"}],
    {"b": True, "a": [0]}, {"a": "x"},
)  # fmt: skip
_NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


def random_value(random: Random, kind: Kind) -> Any:
    """One of few values, so that rows share them and literals meet them. Never None."""
    match kind:
        case Kind.TEXT:
            return random.choice(_TEXTS)
        case Kind.INTEGER:
            return random.choice((-2, 0, 1, 2, 3, 10, 2**40))
        case Kind.FLOAT:
            return random.choice(_FLOATS)
        case Kind.DECIMAL:
            return Decimal(random.choice((-150, 0, 1, 10, 100, 250, 12345))).scaleb(-2)
        case Kind.BOOLEAN:
            return random.random() < 0.5
        case Kind.UUID:
            return random.choice(IDS)
        case Kind.TIMESTAMP:
            return _NOON + dt.timedelta(microseconds=random.choice((0, 1, 500_000, 510_000, 86_400_000_000)))
        case Kind.ENUM:
            return random.choice(CHOICES)
        case Kind.JSON:
            return random.choice(_JSONS)


def sql_type(kind: Kind, name: str) -> TypeEngine[Any]:
    """The column type; `name` is what an enum is called."""
    types: Mapping[Kind, TypeEngine[Any]] = {
        Kind.TEXT: Text(),
        Kind.INTEGER: BigInteger(),
        Kind.FLOAT: Float(53),
        Kind.DECIMAL: Numeric(10, 2),
        Kind.BOOLEAN: Boolean(),
        Kind.UUID: Uuid(),
        Kind.TIMESTAMP: DateTime(timezone=True),
        Kind.ENUM: Enum(*CHOICES, name=name),
        Kind.JSON: JsonType(),
    }
    return types[kind]


def shown(value: Any) -> Any:
    """The value as an answer's JSON has it, read with exact numbers."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dt.datetime):
        return _timestamp_text(value)
    if isinstance(value, dict | list):
        return json.loads(json.dumps(value), parse_float=Decimal)
    return value


def _timestamp_text(value: dt.datetime) -> str:
    text = value.astimezone(dt.UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "+00:00"


def sendable(value: Any) -> Any:
    """The value as the body of a write may hold it."""
    if isinstance(value, Decimal):
        return str(value)
    return value if isinstance(value, float | dict | list) else shown(value)


def as_text(value: Any) -> str | None:
    """What `::text` gives for the kinds that a cast is tried with."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def literal(value: Any, kind: Kind) -> str:
    """The value as it stands in a filter."""
    if kind is Kind.JSON:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return as_text(value) or ""


def sort_key(value: Any, kind: Kind) -> Any:
    """A key in the order of the database: text by code point, enums by position."""
    if kind is Kind.ENUM:
        return CHOICES.index(value)
    return value


def frozen(value: Any) -> Any:
    """Equal for equal JSON values alone: `1` and `1.0` are equal; `1`, `true` and `"1"` are not."""
    if isinstance(value, dict):
        return "object", frozenset((key, frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return "array", tuple(frozen(item) for item in value)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__, value
    if isinstance(value, int | float | Decimal):
        return "number", Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return type(value).__name__, value


def step_into(value: Any, key: str | int) -> Any:
    """`->key`. MISSING, and not None, when there is nothing: a JSON null is a value."""
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key, MISSING)
    if isinstance(value, dict) or isinstance(key, str) or value is MISSING:
        return MISSING
    # PostgreSQL keeps a scalar as an array of one, and lets it show.
    items = value if isinstance(value, list) else [value]
    return items[key] if -len(items) <= key < len(items) else MISSING


MISSING = object()


def json_text(value: Any) -> str | None:
    """`->>`: a string itself, null for null, other values as jsonb is printed."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key))
        return "{" + ", ".join(f"{json.dumps(key)}: {_inner_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inner_text, value)) + "]"
    return json.dumps(value)


def _inner_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return json_text(value) or ""
