"""JSON bodies: bytes become plain values, within limits that hold before memory or time is spent.

In charge of what JSON is (RFC 8259) and of how rows look in it. Not in charge of what a column may hold: NUL and
other characters that a database cannot store are refused with the value they stand in.

Numbers with a fraction or an exponent become `Decimal`, so that exact columns stay exact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, NoReturn

from backstay.errors import BackstayError

MAX_DEPTH = 64
MAX_KEYS = 1000
MAX_DIGITS = 400

# Larger exponents are bombs: written out, 1e999999999 has a gigabyte of digits. 64-bit floats end at 1e308.
MAX_EXPONENT = 400

# A string without an end reaches to the end of the body, so that no quote is ever looked at twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def decode_json(body: bytes) -> Any:
    """The value of a JSON document in UTF-8.

    Raises:
        BackstayError: PGRST102 for what is not JSON or beyond the limits, unprocessable for a repeated key, which is
            JSON with an unpredictable meaning (RFC 8259 section 4).
    """
    if not body:
        raise _invalid("The body is empty.")
    if body.startswith((b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")):
        raise _invalid("The body must be UTF-8 without a byte order mark.")
    _check_depth(body)
    try:
        text = body.decode()
        value = json.loads(
            text,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
        if _SURROGATE_ESCAPE.search(text):
            _check_text(value)
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.msg} at character {error.pos + 1}.") from error
    except UnicodeError as error:
        raise _invalid("The body must be UTF-8, without lone surrogates.") from error
    except (ValueError, RecursionError) as error:
        raise _invalid("The body is not valid JSON.") from error
    return value


def rows_of(body: Any, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a write: one for an object, any number for an array of objects.

    Args:
        columns: when given, rows need not have the same keys.

    Raises:
        BackstayError: PGRST102.
    """
    rows = body if isinstance(body, list) else [body]
    if not all(isinstance(row, dict) for row in rows):
        raise _invalid("The body must be an object, or an array of objects.")
    if columns is None and rows:
        keys = rows[0].keys()
        if any(row.keys() != keys for row in rows):
            raise BackstayError("PGRST102", "All object keys must match")
    return rows


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise _invalid(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS and len(text.lstrip("-")) > MAX_DIGITS:
        raise _invalid(f"A number has more than {MAX_DIGITS} digits.")
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= 2 * MAX_DIGITS else None
    except InvalidOperation:
        number = None
    if number is None or len(number.as_tuple().digits) > MAX_DIGITS or abs(_exponent(number)) > MAX_EXPONENT:
        raise _invalid(f"A number has more than {MAX_DIGITS} digits, or an exponent beyond {MAX_EXPONENT}.")
    return number


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    # Both ends count: written out, digits reach from adjusted() down to the exponent.
    return max(abs(number.adjusted()), abs(exponent)) if isinstance(exponent, int) else MAX_EXPONENT + 1


def _constant(text: str) -> NoReturn:
    raise _invalid(f"{text} is not a JSON value.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise _invalid(f"An object has more than {MAX_KEYS} keys.")
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BackstayError("unprocessable", "An object has the same key twice.")
    return value


def _check_text(value: Any) -> None:
    """Raises UnicodeEncodeError for a lone surrogate; recursion is as deep as the document, 64 levels at most."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict):
        for key, item in value.items():
            key.encode()
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)


def _invalid(details: str) -> BackstayError:
    return BackstayError("PGRST102", details=details)
