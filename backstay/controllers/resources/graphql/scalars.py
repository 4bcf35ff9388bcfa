"""The scalars of the schema: what values of columns look like in answers, and how they are read from arguments.

In charge of form alone: numbers that do not fit JavaScript's are strings, JSON is text. What a column may hold is said
where rows and literals are read.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLFloat,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
)
from graphql.language import FloatValueNode, IntValueNode, StringValueNode, ValueNode

from backstay.models.catalog import Field, ValueKind
from backstay.utils import json_text

Shown = Callable[[Any], Any]
_SHOWN_CHARACTERS = 50


def _text(name: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise GraphQLError(f"{name} is written as a string.")
        return value

    return read


def _big_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise GraphQLError("BigInt is written as a string of digits or as a number.")
    text = str(value)
    if not text.removeprefix("-").isdecimal() or len(text) > 20 or not text.isascii():
        raise GraphQLError("BigInt is written as a string of digits or as a number.")
    return int(text)


def _big_float(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | float | Decimal):
        raise GraphQLError("BigFloat is written as a string or as a number.")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise GraphQLError("BigFloat is written as a string or as a number.") from None
    if not number.is_finite() or len(str(value)) > json_text.MAX_DIGITS or abs(number.adjusted()) > 1000:
        raise GraphQLError("BigFloat has too many digits.")
    return number


def _json(value: Any) -> Any:
    try:
        return json_text.loads(_text("JSON")(value))
    except ValueError as error:
        raise GraphQLError(
            f"JSON is written as a string that holds it: {str(error)[:_SHOWN_CHARACTERS]}"
        ) from None


def _literal(read: Callable[[Any], Any], *, numbers: bool) -> Callable[[ValueNode], Any]:
    def read_literal(node: ValueNode, _variables: Any = None) -> Any:
        if isinstance(node, StringValueNode):
            return read(node.value)
        if numbers and isinstance(node, IntValueNode | FloatValueNode):
            return read(node.value)
        raise GraphQLError("This is no such value.", node)

    return read_literal


def _scalar(
    name: str, read: Callable[[Any], Any], description: str, *, numbers: bool = False
) -> GraphQLScalarType:
    return GraphQLScalarType(
        name,
        coerce_input_value=read,
        coerce_input_literal=_literal(read, numbers=numbers),
        description=description,
    )


BIG_INT = _scalar("BigInt", _big_int, "A whole number of up to 64 bits, as a string.", numbers=True)
BIG_FLOAT = _scalar("BigFloat", _big_float, "An exact number, as a string.", numbers=True)
JSON = _scalar("JSON", _json, "A JSON value, as a string that holds it.")
OPAQUE = _scalar("Opaque", _text("Opaque"), "A value of the database, as text.")
CURSOR = _scalar("Cursor", _text("Cursor"), "A place in a connection. It means nothing but to this server.")
DATETIME = _scalar("Datetime", _text("Datetime"), "ISO 8601 date and time; in UTC when it has no zone.")
DATE = _scalar("Date", _text("Date"), "ISO 8601 date.")
TIME = _scalar("Time", _text("Time"), "ISO 8601 time of day.")
UUID = _scalar("UUID", _text("UUID"), "RFC 9562.")
VOID = _scalar("Void", _text("Void"), "It is done, and there is nothing to say: always null.")

SCALARS = (BIG_INT, BIG_FLOAT, JSON, OPAQUE, CURSOR, DATETIME, DATE, TIME, UUID)

_BY_KIND: dict[ValueKind, GraphQLScalarType] = {
    ValueKind.TEXT: GraphQLString,
    ValueKind.ENUM: GraphQLString,
    ValueKind.FLOAT: GraphQLFloat,
    ValueKind.DECIMAL: BIG_FLOAT,
    ValueKind.BOOLEAN: GraphQLBoolean,
    ValueKind.UUID: UUID,
    ValueKind.TIMESTAMP: DATETIME,
    ValueKind.DATETIME: DATETIME,
    ValueKind.DATE: DATE,
    ValueKind.TIME: TIME,
    ValueKind.BYTES: OPAQUE,
    ValueKind.JSON: JSON,
    ValueKind.RANGE: OPAQUE,
}


_SHOWN: dict[str, Shown] = {
    BIG_INT.name: str,
    BIG_FLOAT.name: lambda value: format(value, "f") if isinstance(value, Decimal) else str(value),
    GraphQLFloat.name: float,
    JSON.name: json_text.canonical,
}


def scalar_of(field: Field) -> GraphQLScalarType:
    """The scalar of a field that is no array."""
    if field.kind is ValueKind.INTEGER:
        return GraphQLInt if field.bits <= 32 else BIG_INT
    return _BY_KIND[field.kind]


def shown(field: Field) -> Shown | None:
    """From the JSON of a read (exact numbers as `Decimal`) to that of the answer; None where they are the same."""
    if field.kind is ValueKind.ARRAY:
        each = None if field.item is None else shown(field.item)
        return None if each is None else partial(_each, each)
    return shown_as(scalar_of(field))


def shown_as(scalar: Any) -> Shown | None:
    """The same for a value that is known by its scalar alone."""
    return _SHOWN.get(scalar.name)


def literal(value: Any, field: Field) -> str:
    """An argument's value as the text that a filter's literal is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if field.kind is ValueKind.JSON:
        return json_text.canonical(value)
    return value if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)


def array_literal(items: list[Any], field: Field) -> str:
    """The items of an array as PostgreSQL writes it."""
    assert field.item is not None
    return (
        "{" + ",".join("NULL" if item is None else _quoted(literal(item, field.item)) for item in items) + "}"
    )


def written(value: Any, field: Field) -> Any:
    """An argument's value as a row's value: floats are exact there, as the numbers of a JSON body are."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list) and field.item is not None:
        item = field.item
        return [written(one, item) for one in value]
    return value


def _each(form: Shown, items: list[Any]) -> list[Any]:
    return [None if item is None else form(item) for item in items]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
