"""PostgreSQL's jsonb on SQLite: steps into a document, its order, and the casts of a select.

Registered on every connection beside `sqlite_functions.py`. A function that raises makes the statement fail with
`22P02`; a collation never raises.
"""

from __future__ import annotations

import datetime as dt
import math
import sqlite3
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from backstay.models.types import timestamp_text, trimmed
from backstay.repositories.database.sqlite_functions import Budget, float_text
from backstay.utils import json_text


def register(connection: sqlite3.Connection, budget: Budget) -> None:
    """Make the functions and the collation known to a connection."""
    connection.create_function("backstay_json_at", 2, json_at, deterministic=True)
    connection.create_function("backstay_json_text", 2, json_text_at, deterministic=True)
    connection.create_function("backstay_cast", 3, partial(cast, budget), deterministic=True)
    connection.create_function("backstay_in_zone", 2, in_zone, deterministic=True)
    connection.create_collation("backstay_json", compare_json)


def json_at(document: str | None, step: str | int) -> str | None:
    """`->`: the JSON text at one step; null where there is nothing."""
    if document is None:
        return None
    found, value = _step(json_text.loads(document), step)
    return json_text.canonical(value) if found else None


def json_text_at(document: str | None, step: str | int) -> str | None:
    """`->>`: the same as plain text; a JSON null is null."""
    if document is None:
        return None
    found, value = _step(json_text.loads(document), step)
    if not found or value is None:
        return None
    return value if isinstance(value, str) else jsonb_text(value)


def _step(value: Any, step: str | int) -> tuple[bool, Any]:
    if isinstance(value, dict) and isinstance(step, str):
        return step in value, value.get(step)
    if isinstance(step, int) and not isinstance(value, dict):
        # PostgreSQL keeps a scalar as an array of one, and lets it show.
        items = value if isinstance(value, list) else [value]
        if -len(items) <= step < len(items):
            return True, items[step]
    return False, None


def jsonb_text(value: Any) -> str:
    """JSON as jsonb prints it: with a space after each comma and colon."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{json_text.canonical(key)}: {jsonb_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(jsonb_text(item) for item in value) + "]"
    return json_text.canonical(value)


def compare_json(one: str, other: str) -> int:
    """jsonb's order: object > array > boolean > number > string > null, then by value."""
    if one == other:
        return 0
    try:
        a, b = _order(json_text.loads(one)), _order(json_text.loads(other))
    except ValueError:
        a, b = (0, one), (0, other)
    return (a > b) - (a < b)


def _order(value: Any) -> tuple[Any, ...]:
    if value is None:
        return (0,)
    if isinstance(value, str):
        return (1, value.encode())
    if isinstance(value, bool):
        return (3, value)
    if isinstance(value, int | float | Decimal):
        return (2, Decimal(value))
    if isinstance(value, list):
        # An empty array sorts below everything: jsonb has kept that oddity for compatibility.
        return (4, len(value), tuple(map(_order, value))) if value else (-1,)
    keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    pairs = tuple(part for key in keys for part in (_order(key), _order(value[key])))
    return (5, len(value), pairs)


def in_zone(value: str | None, zone: str) -> str | None:
    """A stored point in time on the clocks of a time zone; in UTC where its calendar has no such day."""
    if value is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(value).astimezone(ZoneInfo(zone))
    except OverflowError:
        return value
    local = trimmed(moment.replace(tzinfo=None).isoformat())
    return local + moment.isoformat()[len(moment.replace(tzinfo=None).isoformat()) :]


def cast(budget: Budget, value: Any, source: str, target: str) -> Any:
    """`::type` as PostgreSQL does it, from and to the stored forms.

    Raises:
        ValueError: for text that is no such value.
        BackstayError: `22003` for a number that the type cannot hold.
    """
    if value is None:
        return None
    try:
        return _CASTS[target](value, source)
    except OverflowError as error:
        raise budget.fail("22003") from error
    except InvalidOperation as error:
        raise ValueError("not such a value") from error


def _to_text(value: Any, source: str) -> str:
    if source == "boolean":
        return "true" if value else "false"
    if source in ("timestamp", "datetime"):
        return str(value).replace("T", " ").removesuffix(":00" if source == "timestamp" else "\0")
    if source == "json":
        return jsonb_text(json_text.loads(value))
    if source == "float":
        return str(float_text(value))
    return str(value)


def _to_integer(value: Any, source: str) -> int:
    if source == "text":
        number = int(value.strip()) if value.strip().lstrip("+-").isdigit() else _refuse()
    elif source == "float":
        number = round(value)
    elif source == "decimal":
        number = int(Decimal(value).to_integral_value("ROUND_HALF_UP"))
    else:
        number = int(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError
    return number


def _to_float(value: Any) -> float:
    number = float(value)
    if math.isinf(number):
        raise OverflowError
    return number


def _to_decimal(value: Any, source: str) -> str:
    # PostgreSQL takes 15 digits of a float, those that it can vouch for.
    number = Decimal(format(value, ".15g") if source == "float" else str(value).strip())
    return json_text.number_text(number) if number.is_finite() else _refuse()


def _to_boolean(value: Any, source: str) -> int:
    if source == "integer":
        return int(value != 0)
    known = {"true": 1, "t": 1, "yes": 1, "on": 1, "1": 1, "false": 0, "f": 0, "no": 0, "off": 0, "0": 0}
    return known[value.strip().lower()] if value.strip().lower() in known else _refuse()


def _to_date(value: Any, source: str) -> str:
    return dt.date.fromisoformat(value[:10] if source == "timestamp" else value).isoformat()


def _to_timestamp(value: Any, source: str) -> str:
    return timestamp_text(dt.datetime.fromisoformat(value), timezone=True)


def _refuse() -> Any:
    raise ValueError("not such a value")


_CASTS: dict[str, Callable[[Any, str], Any]] = {
    "text": _to_text,
    "integer": _to_integer,
    "float": lambda value, source: _to_float(value),
    "decimal": _to_decimal,
    "boolean": _to_boolean,
    "uuid": lambda value, source: str(UUID(value)),
    "date": _to_date,
    "timestamp": _to_timestamp,
    "json": lambda value, source: json_text.canonical(json_text.loads(value)),
}
