"""`nodeId`: the base64 of `["public", table, key, …]` (protocol reference, 1.6)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from backstay.utils import json_text

SCHEMA = "public"
_MOST_CHARACTERS = 4000


def node_id(table: str, key: Sequence[Any]) -> str:
    """The name of a row."""
    values = [format(value, "f") if isinstance(value, Decimal) else value for value in key]
    text = json.dumps([SCHEMA, table, *values], ensure_ascii=False)
    return base64.b64encode(text.encode()).decode()


def read_node_id(text: str) -> tuple[str, list[str]] | None:
    """Table and key, as literals; None for what names no row of any table."""
    try:
        parts = json_text.loads(base64.b64decode(text[:_MOST_CHARACTERS], validate=True).decode())
    except (binascii.Error, ValueError):
        return None
    if not isinstance(parts, list) or len(parts) < 3 or parts[0] != SCHEMA or not isinstance(parts[1], str):
        return None
    if any(part is None or isinstance(part, list | dict) for part in parts[2:]):
        return None
    return parts[1], [str(part).lower() if isinstance(part, bool) else str(part) for part in parts[2:]]
