"""Literals of a request, read as values of the column they are compared with.

In charge of text as it stands in a query string: the accepted spellings are PostgreSQL's, and what is refused is
refused with its SQLSTATE and message, on both databases. Values of JSON bodies are read in `rows.py`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from uuid import UUID

import re2

from backstay.errors import BackstayError
from backstay.models.catalog import Field, ValueKind
from backstay.models.resources.plan import Form, Parameter
from backstay.models.resources.request import SqlPattern
from backstay.services.resources import search_syntax
from backstay.utils import json_text

V = TypeVar("V")

MAX_DECIMAL_DIGITS = 1000
MAX_LIST_ITEMS = 10_000
# PostgreSQL's numeric has up to 131072 digits before the point; nobody filters by more than a thousand.
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,5})?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?\Z")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?\Z"
)
_HEX = re.compile(r"\\x([0-9a-fA-F]{2})*\Z")
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}


def read_values(parameters: Sequence[Parameter], values: Sequence[Any]) -> list[Any]:
    """The values of a plan's parameters, in their order.

    Raises:
        BackstayError: `22P02`, `22003`, `22007`, `22021`, `22025`, `2201B`, `42601` for what is no such value.
    """
    return [_FORMS[parameter.form](values[parameter.slot], parameter.field) for parameter in parameters]


def read_scalar(text: str, field: Field | None) -> Any:
    """One literal as a value of the field's type; as text when there is no field."""
    if field is None:
        return read_text(text)
    return _SCALARS[field.kind](text, field)


def read_text(text: str, field: Field | None = None) -> str:
    """Text without NUL, which PostgreSQL cannot hold."""
    if "\0" in text:
        raise BackstayError("22021", "a null character (\\u0000) cannot stand in text")
    return text


def _syntax(text: str, name: str) -> BackstayError:
    return BackstayError("22P02", f'invalid input syntax for type {name}: "{text[:100]}"')


def _out_of_range(text: str, name: str) -> BackstayError:
    return BackstayError("22003", f'value "{text[:100]}" is out of range for type {name}')


def _integer(text: str, field: Field) -> int:
    text = text.strip(" ")
    if not _INTEGER.match(text):
        raise _syntax(text, field.sql_type)
    if len(text) > 25 or not -(1 << field.bits - 1) <= (value := int(text)) < 1 << field.bits - 1:
        raise _out_of_range(text, field.sql_type)
    return value


def _float(text: str, field: Field) -> float:
    if not NUMBER.match(text):
        raise _syntax(text, field.sql_type)
    value = float(text)
    if math.isinf(value):
        raise _out_of_range(text, field.sql_type)
    return value


def _decimal(text: str, field: Field) -> Decimal:
    if not NUMBER.match(text):
        raise _syntax(text, field.sql_type)
    return bounded_decimal(text, field.sql_type)


def bounded_decimal(text: str, name: str) -> Decimal:
    """A decimal whose plain notation has at most a thousand digits, so that no exponent inflates it."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise _syntax(text, name) from error
    if len(text) > MAX_DECIMAL_DIGITS or not -MAX_DECIMAL_DIGITS < value.adjusted() < MAX_DECIMAL_DIGITS:
        raise _out_of_range(text, name)
    return value


def _boolean(text: str, field: Field) -> bool:
    value = _BOOLEANS.get(text.strip(" ").lower())
    if value is None:
        raise _syntax(text, "boolean")
    return value


def _uuid(text: str, field: Field) -> UUID:
    try:
        if len(text) in (32, 36, 38):
            return UUID(text)
    except ValueError:
        pass
    raise _syntax(text, "uuid")


def read_timestamp(text: str, field: Field) -> dt.datetime:
    """A point in time, in UTC; without a zone it is read as UTC. A `datetime` field loses the zone again."""
    if not _TIMESTAMP.match(text):
        raise BackstayError("22007", f'invalid input syntax for type {field.sql_type}: "{text[:100]}"')
    try:
        value = dt.datetime.fromisoformat(text)
        value = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise BackstayError("22007", f'date/time field value out of range: "{text[:100]}"') from error
    return value if field.kind is ValueKind.TIMESTAMP else value.replace(tzinfo=None)


def _date(text: str, field: Field) -> dt.date:
    return _calendar(_DATE, dt.date.fromisoformat, text, field)


def _time(text: str, field: Field) -> dt.time:
    return _calendar(_TIME, dt.time.fromisoformat, text, field)


def _calendar(form: re.Pattern[str], read: Callable[[str], V], text: str, field: Field) -> V:
    if not form.match(text):
        raise BackstayError("22007", f'invalid input syntax for type {field.sql_type}: "{text[:100]}"')
    try:
        return read(text)
    except ValueError as error:
        raise BackstayError("22007", f'date/time field value out of range: "{text[:100]}"') from error


def _bytes(text: str, field: Field) -> bytes:
    if not _HEX.match(text):
        raise _syntax(text, "bytea")
    return bytes.fromhex(text[2:])


def _enum(text: str, field: Field) -> str:
    if text not in field.choices:
        raise BackstayError("22P02", f'invalid input value for enum {field.sql_type}: "{text[:100]}"')
    return text


def _array(text: str, field: Field) -> list[Any]:
    """A PostgreSQL array literal of one dimension: `{a,"b c",NULL}`."""
    assert field.item is not None
    return [None if item is None else read_scalar(item, field.item) for item in array_items(text)]


# Around items PostgreSQL passes over these alone: a no-break space is a text as any other.
_SPACES = " \t\n\r\v\f"
_ARRAY_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",{}\\]*?))\s*(,|\Z)', re.DOTALL | re.ASCII)


def array_items(text: str) -> list[str | None]:
    """The items of an array literal; None for an unquoted NULL."""
    if not (text.startswith("{") and text.endswith("}")):
        raise BackstayError("22P02", f'malformed array literal: "{text[:100]}"')
    inner = text[1:-1]
    items: list[str | None] = []
    position = 0
    if not inner.strip(_SPACES):
        return items
    while True:
        match = _ARRAY_ITEM.match(inner, position)
        if match is None or (match[1] is None and not match[2]):
            raise BackstayError("22P02", f'malformed array literal: "{text[:100]}"')
        quoted, plain, separator = match.groups()
        if quoted is not None:
            items.append(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        else:
            items.append(None if plain.upper() == "NULL" else plain)
        if len(items) > MAX_LIST_ITEMS:
            raise BackstayError("54000", f"a list may have at most {MAX_LIST_ITEMS} items")
        if not separator:
            return items
        position = match.end()


_SCALARS: dict[ValueKind, Callable[[str, Field], Any]] = {
    ValueKind.TEXT: read_text,
    ValueKind.INTEGER: _integer,
    ValueKind.FLOAT: _float,
    ValueKind.DECIMAL: _decimal,
    ValueKind.BOOLEAN: _boolean,
    ValueKind.UUID: _uuid,
    ValueKind.TIMESTAMP: read_timestamp,
    ValueKind.DATETIME: read_timestamp,
    ValueKind.DATE: _date,
    ValueKind.TIME: _time,
    ValueKind.BYTES: _bytes,
    ValueKind.ENUM: _enum,
    ValueKind.JSON: lambda text, field: read_json(text),
    ValueKind.ARRAY: _array,
    ValueKind.RANGE: read_text,
}


def read_json(text: str) -> Any:
    """A JSON literal, with exact numbers."""
    try:
        return json_text.loads(read_text(text))
    except ValueError as error:
        raise BackstayError("22P02", "invalid input syntax for type json", details=str(error)) from error


def _pattern(text: str, field: Field | None) -> str:
    """A LIKE pattern, in which `*` is another spelling of `%`."""
    pattern = read_text(text)
    if not isinstance(text, SqlPattern):
        pattern = pattern.replace("*", "%")
    if len(pattern) > MAX_PATTERN:
        raise BackstayError("54000", f"a pattern may have at most {MAX_PATTERN} characters")
    trailing = len(pattern) - len(pattern.rstrip("\\"))
    if trailing % 2:
        raise BackstayError("22025")
    return pattern


MAX_PATTERN = 1000
_RE2_OPTIONS = re2.Options()
_RE2_OPTIONS.log_errors = False


def _regex(text: str, field: Field | None) -> str:
    """A regular expression that a linear-time engine accepts, so that no pattern can stall a database."""
    pattern = read_text(text)
    if len(pattern) > MAX_PATTERN:
        raise BackstayError("54000", f"a pattern may have at most {MAX_PATTERN} characters")
    try:
        re2.compile(pattern, options=_RE2_OPTIONS)
    except re2.error as error:
        raise BackstayError("2201B", "invalid regular expression", details=str(error)[:200]) from error
    return pattern


def _each(read: Callable[[str, Field | None], Any]) -> Callable[[Sequence[str], Field | None], list[Any]]:
    def read_list(texts: Sequence[str], field: Field | None) -> list[Any]:
        if len(texts) > MAX_LIST_ITEMS:
            raise BackstayError("54000", f"a list may have at most {MAX_LIST_ITEMS} items")
        return [read(text, field) for text in texts]

    return read_list


def _key(text: str, field: Field | None) -> Any:
    """A value of a cursor: the server wrote it, so what cannot be read is of a column that was another one then."""
    try:
        return read_scalar(text, field)
    except BackstayError as error:
        raise BackstayError("bad_cursor") from error


_FORMS: dict[Form, Callable[[Any, Any], Any]] = {
    Form.SCALAR: read_scalar,
    Form.LIST: _each(read_scalar),
    Form.PATTERN: _pattern,
    Form.PATTERN_LIST: _each(_pattern),
    Form.REGEX: _regex,
    Form.REGEX_LIST: _each(_regex),
    Form.TEXT_LIST: _each(read_text),
    Form.CONTAINER: read_scalar,
    Form.KEY: _key,
    Form.COUNT: lambda value, field: value,
    Form.SEARCH: lambda text, field: search_syntax.read_query(text),
    Form.SEARCH_PLAIN: lambda text, field: search_syntax.read_plain(text),
    Form.SEARCH_PHRASE: lambda text, field: search_syntax.read_phrase(text),
    Form.SEARCH_WEB: lambda text, field: search_syntax.read_web(text),
}
