"""JSON text, strictly read and canonically written (RFC 8259).

Reading keeps numbers exact (ints, and `Decimal` for everything with a point or exponent) and refuses what parsers
disagree about: duplicate keys, NaN, lone surrogates, nesting over 64 levels. Writing gives the one form that equal
values share: keys sorted by length and then by code point, no needless digits, as PostgreSQL's jsonb does.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64
MAX_KEYS = 1000
MAX_DIGITS = 400

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SURROGATES = re.compile("[\ud800-\udfff]")


def loads(text: str) -> Any:
    """Parse one JSON document.

    Raises:
        ValueError: for anything that is not JSON, or is ambiguous or oversized JSON; the text says why.
    """
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(text)
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKETS.finditer(text):
        token = match[0]
        if token in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        elif token in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    if len(pairs) > MAX_KEYS:
        raise ValueError(f"an object has more than {MAX_KEYS} keys")
    return value


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _number(digits: str) -> Decimal:
    value = Decimal(digits)
    if len(digits) > MAX_DIGITS or not -MAX_DIGITS < value.adjusted() < MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_constant,
)


def has_surrogates(text: str) -> bool:
    """True for text that no UTF encoding can carry."""
    return _SURROGATES.search(text) is not None


def canonical(value: Any) -> str:
    """Write a value as jsonb shows it, without the spaces: equal values give equal text."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number_text(Decimal(repr(value)))
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return (
            "{"
            + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{canonical(value[key])}" for key in keys)
            + "}"
        )
    return "[" + ",".join(canonical(item) for item in value) + "]"


def number_text(value: Decimal) -> str:
    """A number in plain notation, with the digits it was written with; `-0` is `0`."""
    text = format(value, "f")
    return text.removeprefix("-") if value.is_zero() else text
