"""Rows in CSV (RFC 4180): a header line with the names of columns, then a line for each row.

In charge of the form, within limits, in time linear in the body. A value is the text of one, as in a filter; nothing
and a bare `NULL` are null, `""` is empty text, which is also how answers are written.
"""

from __future__ import annotations

import re

from backstay.errors import BackstayError

MAX_COLUMNS = 1000
# A row is a dictionary, and takes 1.4 µs to read: half a megabyte of lines would be a hundred of rows.
MAX_ROWS = 50_000
MAX_CELLS = 500_000

_CELL = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",\r\n]*+))(,|\r\n|\n|\r|\Z)')
_BLANK = re.compile(r"[\r\n]*+")

Row = dict[str, str | None]


def csv_rows(body: bytes) -> list[Row]:
    """The rows of a document in UTF-8.

    Raises:
        BackstayError: PGRST102 for what is not CSV or beyond the limits, unprocessable for a repeated column.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BackstayError("PGRST102", "The body must be UTF-8.") from error
    names, position = _line(text, _after_blanks(text, 0))
    if not all(names):
        raise BackstayError("PGRST102", "The first line must name every column.")
    if len(names) > MAX_COLUMNS:
        raise BackstayError("PGRST102", f"A line has more than {MAX_COLUMNS} fields.")
    if len(set(names)) != len(names):
        raise BackstayError("unprocessable", "The first line has the same column twice.")
    rows: list[Row] = []
    position = _after_blanks(text, position)
    while position < len(text):
        cells, position = _line(text, position)
        if len(cells) != len(names):
            raise BackstayError("PGRST102", "All lines must have same number of fields")
        rows.append(dict(zip(map(str, names), cells, strict=True)))
        if len(rows) > MAX_ROWS or len(rows) * len(names) > MAX_CELLS:
            raise BackstayError("PGRST102", f"The body has more than {MAX_ROWS} lines or {MAX_CELLS} fields.")
        position = _after_blanks(text, position)
    return rows


def _line(text: str, position: int) -> tuple[list[str | None], int]:
    cells: list[str | None] = []
    while True:
        found = _CELL.match(text, position)
        if found is None:
            raise BackstayError(
                "PGRST102", "Empty or invalid CSV", details=f"character {position + 1} begins no field"
            )
        quoted, plain, end = found.groups()
        if quoted is not None:
            cells.append(quoted.replace('""', '"'))
        else:
            cells.append(None if plain in ("", "NULL") else plain)
        position = found.end()
        if end != ",":
            return cells, position
        if len(cells) > MAX_COLUMNS:
            raise BackstayError("PGRST102", f"A line has more than {MAX_COLUMNS} fields.")


def _after_blanks(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return position if found is None else found.end()
