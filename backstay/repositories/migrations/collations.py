"""Keeps collations when SQLite's tables are rebuilt, as a change of a column makes Alembic do.

Alembic builds the new table from what SQLAlchemy reads of the old one, which on SQLite leaves collations out: a
column of exact numbers would then order and compare as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Inspector, String, Table, event, text

_DECLARED = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"


@contextmanager
def kept_collations() -> Iterator[None]:
    """While this is open, tables that are read from SQLite come with their collations."""
    event.listen(Table, "column_reflect", _add_collation)
    try:
        yield
    finally:
        event.remove(Table, "column_reflect", _add_collation)


def _add_collation(inspector: Inspector, table: Table, column: dict[str, Any]) -> None:
    if inspector.dialect.name != "sqlite" or not isinstance(column["type"], String):
        return
    with inspector._operation_context() as connection:
        declared = connection.execute(text(_DECLARED), {"name": table.name}).scalar()
    if declared:
        column["type"].collation = collation_of(column["name"], declared)


def collation_of(column: str, declaration: str) -> str | None:
    """The collation that a `CREATE TABLE` statement gives a column; None for the default one."""
    found = re.search(
        rf"""[(,]\s*["`\[]?{re.escape(column)}["`\]]?\s+(?:[^,()]|\([^()]*\))*?\bCOLLATE\s+["`\[]?(\w+)""",
        declaration,
        re.IGNORECASE,
    )
    return found[1] if found else None
