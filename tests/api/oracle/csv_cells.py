"""CSV answers and the oracle's rows in one form, in which they can be compared."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.api.oracle.values import as_text, frozen


def csv_of_rows(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """The lines that the oracle expects: names, then cells."""
    return [[*rows[0]], *([_cell(value) for value in row.values()] for row in rows)] if rows else []


def csv_of_text(text: str, rows: int) -> list[list[Any]]:
    """The lines of an answer. One whose only cell is null is empty, and ends the text when it comes last."""
    lines = csv.reader(io.StringIO(text + "\n" * bool(rows), newline=""))
    return [[_number(cell) for cell in line or ("",)] for line in lines]


def _cell(value: Any) -> Any:
    """A cell of a CSV as the oracle has it, numbers in a form without needless digits."""
    if isinstance(value, dict | list):
        return frozen(value)
    text = "" if value is None else as_text(value) or ""
    return _number(text)


def _number(text: str) -> Any:
    try:
        return Decimal(text).normalize()
    except ArithmeticError:
        return _compact(text)


def _compact(text: str) -> Any:
    """JSON inside a cell, without the spaces and the order that nobody promised."""
    try:
        return frozen(json.loads(text, parse_float=Decimal)) if text[:1] in ("{", "[") else text
    except ValueError:
        return text
