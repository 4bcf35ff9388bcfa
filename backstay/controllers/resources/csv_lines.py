"""Rows as CSV (RFC 4180): a header line, then a line for each row.

Made from the JSON document, so that a value reads the same in both. Null is an empty field, empty text is `""`.
"""

from __future__ import annotations

import json
import re
from typing import Any

_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$|^$')


class _Digits(str):
    """A number as it was written."""

    __slots__ = ()


def csv_of(document: bytes) -> bytes:
    """A JSON array of flat objects as CSV lines; an embed becomes its JSON."""
    rows: list[dict[str, Any]] = json.loads(document, parse_float=_Digits, parse_int=_Digits)
    if not rows:
        return b""
    lines = [",".join(map(_quoted, rows[0]))]
    lines += [",".join(map(_field, row.values())) for row in rows]
    return "\n".join(lines).encode()


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Digits):
        return value
    if isinstance(value, str):
        return _quoted(value)
    return _quoted(_json(value))


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(key)}:{_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return value if isinstance(value, _Digits) else json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
