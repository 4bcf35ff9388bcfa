"""Rows as CSV (RFC 4180): a header line, then a line for each row.

Made from the JSON document, so that a value reads the same in both. Null is an empty field, empty text is `""`. No
value is altered: what a spreadsheet would take for a formula is for whoever opens it in one to mind.
"""

from __future__ import annotations

import re
from typing import Any

from backstay.controllers.resources.exact_json import Digits, read, written

_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$|^$')


def csv_of(document: bytes) -> bytes:
    """A JSON array of flat objects as CSV lines; an embed becomes its JSON."""
    rows: list[dict[str, Any]] = read(document)
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
    if isinstance(value, Digits):
        return value
    if isinstance(value, str):
        return _quoted(value)
    return _quoted(written(value))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
