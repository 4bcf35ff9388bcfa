"""A matrix as a JSON document that can be kept beside the code, and read again to be compared.

Every column is in it, so that a new one is a difference; one that is as open as its row is the single word `*`.
"""

from __future__ import annotations

import json
from typing import Any

from backstay.errors import BackstayError
from backstay.models.access.matrix import WHOLE_ROW, Matrix, Place

FORMAT = "backstay access matrix 1"


def document_of(matrix: Matrix) -> str:
    """The matrix as text; the same matrix is the same text."""
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for place, cells in matrix.cells.items():
        columns = tables.setdefault(place.table, {}).setdefault(place.action, {})
        whole = columns.get(WHOLE_ROW)
        columns[place.column] = WHOLE_ROW if cells == whole else dict(cells)
    content = {"format": FORMAT, "callers": list(matrix.callers), "tables": tables}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_document(text: str) -> Matrix:
    """The matrix of such a document.

    Raises:
        BackstayError: `bad_request`, for text that is none.
    """
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise BackstayError(
                "bad_request", f"the file is of the format {content['format']!r}, not {FORMAT!r}"
            )
        return Matrix(tuple(map(str, content["callers"])), dict(_cells(content["tables"])))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackstayError("bad_request", "the file holds no matrix that `--save` has written") from error


def _cells(tables: Any) -> Any:
    for table, actions in tables.items():
        for action, columns in actions.items():
            for column, cells in columns.items():
                yield Place(table, action, column), _read(columns[WHOLE_ROW] if cells == WHOLE_ROW else cells)


def _read(cells: Any) -> dict[str, str]:
    return {str(caller): str(cell) for caller, cell in cells.items()}
