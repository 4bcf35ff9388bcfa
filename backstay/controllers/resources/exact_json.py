"""JSON of answers, read and written again with every number as it stood.

In charge of going over a finished document where its form is not the one the database made: CSV, and objects without
their null members. Numbers stay digits, so that no exact one becomes a float on the way.
"""

from __future__ import annotations

import json
from typing import Any


class Digits(str):
    """A number as it was written."""

    __slots__ = ()


def read(document: bytes) -> Any:
    """The value of a document, its numbers as `Digits`."""
    return json.loads(document, parse_float=Digits, parse_int=Digits)


def written(value: Any) -> str:
    """The text of such a value, without spaces."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(key)}:{written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return value if isinstance(value, Digits) else _text(value)


def without_nulls(document: bytes) -> bytes:
    """The document without the members of objects that are null, as PostgreSQL's `json_strip_nulls`.

    A null in an array is an element like any other, and stays.
    """
    return written(_stripped(read(document))).encode()


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(item) for key, item in value.items() if item is not None}
    return [_stripped(item) for item in value] if isinstance(value, list) else value


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
