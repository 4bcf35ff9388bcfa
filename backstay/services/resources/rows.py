"""Rows of a JSON body, read as values of a table's columns, with one problem reported for each bad value.

Strict about types: a number is not text and `1` is not true. What JSON has no form for may come as itself, from code of
the user's (a `UUID`, a `date`). What the column's type, length, nullability and choices
say is checked here, the same for both databases; uniqueness, references and check constraints by the database.
"""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from backstay.errors import BackstayError, FieldProblem
from backstay.models.catalog import Field, Resource, ValueKind
from backstay.services.resources import literals
from backstay.utils import json_text

MAX_PROBLEMS = 100
# Controls other than tab and line ends, and the two overrides that make text read as what it is not.
REFUSED_CHARACTERS = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u202d\u202e\ud800-\udfff]")


class _BadValueError(Exception):
    """What is wrong with one value."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message


def read_rows(
    resource: Resource,
    fields: Sequence[Field],
    rows: Sequence[Mapping[str, Any]],
    *,
    single: bool,
    textual: bool = False,
) -> list[dict[str, Any]]:
    """Each row's values of those fields that it has, by column name.

    Args:
        textual: the values are texts, or None, and not JSON.

    Raises:
        BackstayError: `validation_failed` with one `FieldProblem` per bad value (the first hundred).
    """
    problems: list[FieldProblem] = []
    complete = []
    read = read_written if textual else read_value
    for number, row in enumerate(rows):
        values = {}
        for field in fields:
            if field.name in row:
                try:
                    values[field.name] = value = read(row[field.name], field)
                    if value is not None and field.name in resource.bounds:
                        _check_bounds(value, resource.bounds[field.name])
                except _BadValueError as bad:
                    path = field.name if single else f"{number}.{field.name}"
                    problems.append(FieldProblem(path, bad.code, bad.message))
        complete.append(values)
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise BackstayError("validation_failed", details=problems[:MAX_PROBLEMS])
    return complete


def read_own(resource: Resource, names: Sequence[str], row: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Values that code of the user's has set, by column name; `path` comes before the names of columns in problems.

    Raises:
        BackstayError: `validation_failed`.
    """
    fields = [resource.fields[name] for name in names]
    try:
        return read_rows(resource, fields, [row], single=True)[0]
    except BackstayError as error:
        found = error.details if isinstance(error.details, list) else ()
        problems = [
            FieldProblem(path + each.path, each.code, each.message)
            for each in found
            if isinstance(each, FieldProblem)
        ]
        raise BackstayError("validation_failed", details=problems) from error


def _check_bounds(value: Any, bounds: Mapping[str, Any]) -> None:
    """What the table's check constraints ask of one value, so that it is said beside the other problems."""
    for keyword, limit in bounds.items():
        measured = len(value) if keyword.endswith("Length") else value
        holds, words = _BOUNDS[keyword]
        if not holds(measured, limit):
            shown = ", ".join(map(str, limit)) if keyword == "enum" else limit
            raise _BadValueError("check", f"{words} {shown}")


_BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (operator.ge, "must be at least"),
    "maximum": (operator.le, "must be at most"),
    "exclusiveMinimum": (operator.gt, "must be more than"),
    "exclusiveMaximum": (operator.lt, "must be less than"),
    "minLength": (operator.ge, "must have a length of at least"),
    "maxLength": (operator.le, "must have a length of at most"),
    "enum": (lambda value, choices: value in choices, "must be one of"),
}


def read_value(value: Any, field: Field) -> Any:
    """One JSON value as a value of the field."""
    if value is None:
        if not field.nullable:
            raise _BadValueError("null", "must not be null")
        return None
    return _READERS[field.kind](value, field)


def read_written(value: str | None, field: Field) -> Any:
    """A value that came as text, from CSV or a form; JSON columns and arrays may hold JSON in it.

    Raises:
        _BadValueError: it is no such value.
    """
    if value is None:
        return None
    is_json = field.kind is ValueKind.JSON or (field.kind is ValueKind.ARRAY and value.startswith("["))
    try:
        if is_json:
            return read_value(literals.read_json(value), field)
        if field.kind in _READ_AS_LITERALS:
            return literals.read_scalar(value, field)
    except BackstayError as error:
        raise _BadValueError("format", f"is no value of type {field.sql_type}") from error
    return read_value(value, field)


_READ_AS_LITERALS = frozenset({ValueKind.INTEGER, ValueKind.FLOAT, ValueKind.BOOLEAN, ValueKind.ARRAY})


def _text(value: Any, field: Field) -> str:
    text = _string(value)
    if field.length is not None and len(text) > field.length:
        raise _BadValueError("length", f"must have at most {field.length} characters, has {len(text)}")
    return text


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _BadValueError("type", "must be a string")
    if REFUSED_CHARACTERS.search(value):
        raise _BadValueError("character", "holds a control character that text may not hold")
    return value


def _integer(value: Any, field: Field) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _BadValueError("type", "must be an integer")
    half = 1 << field.bits - 1
    if not -half <= value < half:
        raise _BadValueError("range", f"must be between {-half} and {half - 1}")
    return value


def _float(value: Any, field: Field) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise _BadValueError("type", "must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not -float("inf") < number < float("inf"):
        raise _BadValueError("range", "is too large for a double precision number")
    return number


def _decimal(value: Any, field: Field) -> Decimal:
    if isinstance(value, str):
        if not literals.NUMBER.match(value):
            raise _BadValueError("format", "must be a number")
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _BadValueError("type", "must be a number")
    number = Decimal(value)
    if not -literals.MAX_DECIMAL_DIGITS < number.adjusted() < literals.MAX_DECIMAL_DIGITS:
        raise _BadValueError("range", "has too many digits")
    exponent = number.normalize().as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    if field.scale is not None and decimals > field.scale:
        raise _BadValueError("range", f"must have at most {field.scale} digits after the point")
    if decimals > literals.MAX_DECIMAL_DIGITS:
        raise _BadValueError("range", "has too many digits")
    if field.precision is not None:
        before = field.precision - (field.scale or 0)
        if number and number.adjusted() >= before:
            raise _BadValueError("range", f"must have at most {before} digits before the point")
    return number


def _boolean(value: Any, field: Field) -> bool:
    if not isinstance(value, bool):
        raise _BadValueError("type", "must be true or false")
    return value


def _by_literal(what: str, native: Callable[[Any, Field], Any] | None = None) -> Callable[[Any, Field], Any]:
    """A value that is written as a string, with the spelling that a filter's literal has; or as what `native` takes."""

    def read(value: Any, field: Field) -> Any:
        if native is not None and not isinstance(value, str):
            own = native(value, field)
            if own is not None:
                return own
        try:
            return literals.read_scalar(_string(value), field)
        except BackstayError as error:
            raise _BadValueError("format", f"must be {what}") from error

    return read


def _as_it_is(type_: type[Any]) -> Callable[[Any, Field], Any]:
    # A datetime is a date to Python, and not to a column.
    return lambda value, field: value if isinstance(value, type_) and type(value) is not dt.datetime else None


def _moment(value: Any, field: Field) -> dt.datetime | None:
    """A point in time, in UTC; without a zone it is read as UTC, and a column without one gets none."""
    if not isinstance(value, dt.datetime):
        return None
    moment = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    return moment if field.kind is ValueKind.TIMESTAMP else moment.replace(tzinfo=None)


def _enum(value: Any, field: Field) -> str:
    text = _string(value.name if isinstance(value, Enum) else value)
    if text not in field.choices:
        raise _BadValueError("enum", "must be one of " + ", ".join(field.choices))
    return text


def _json(value: Any, field: Field) -> Any:
    if "\0" in json_text.canonical(value) or "\\u0000" in json_text.canonical(value):
        raise _BadValueError("character", "holds a null character, which JSON in the database may not hold")
    return value


def _array(value: Any, field: Field) -> list[Any]:
    assert field.item is not None
    if not isinstance(value, list):
        raise _BadValueError("type", "must be an array")
    if len(value) > literals.MAX_LIST_ITEMS:
        raise _BadValueError("length", f"must have at most {literals.MAX_LIST_ITEMS} items")
    return [read_value(item, field.item) for item in value]


def _bytes(value: Any, field: Field) -> bytes:
    read: bytes = _by_literal("hexadecimal digits after \\x", _as_it_is(bytes))(value, field)
    if field.length is not None and len(read) > field.length:
        raise _BadValueError("length", f"must have at most {field.length} bytes")
    return read


_READERS: dict[ValueKind, Callable[[Any, Field], Any]] = {
    ValueKind.TEXT: _text,
    ValueKind.INTEGER: _integer,
    ValueKind.FLOAT: _float,
    ValueKind.DECIMAL: _decimal,
    ValueKind.BOOLEAN: _boolean,
    ValueKind.UUID: _by_literal("a UUID", _as_it_is(UUID)),
    ValueKind.TIMESTAMP: _by_literal("an ISO 8601 date and time", _moment),
    ValueKind.DATETIME: _by_literal("an ISO 8601 date and time", _moment),
    ValueKind.DATE: _by_literal("an ISO 8601 date", _as_it_is(dt.date)),
    ValueKind.TIME: _by_literal("an ISO 8601 time of day", _as_it_is(dt.time)),
    ValueKind.BYTES: _bytes,
    ValueKind.ENUM: _enum,
    ValueKind.JSON: _json,
    ValueKind.ARRAY: _array,
    ValueKind.RANGE: _by_literal("a range"),
}
