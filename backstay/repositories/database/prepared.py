"""A statement of SQLAlchemy's, compiled once, for the platform's own door.

In charge of values and rows in the form that the columns' own types give them, as a session would have it, without a
session: for what is run so often that the session would cost more than the statement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import Select
from sqlalchemy.sql.type_api import TypeEngine

from backstay.repositories.database import Engine, ResultRow, Statement

_Convert = Callable[[Any], Any]


class Prepared:
    """SQL in an engine's own spelling, and how to put values into it and get them out of its rows.

    Args:
        statement: each `bindparam` of it has a name, by which `bind` is given its value.
    """

    def __init__(self, statement: Select[Any] | UpdateBase, engine: Engine) -> None:
        dialect = _dialect(engine)
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._binds = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or ()
        ]
        self._results = [_from_driver(column.type, dialect) for column in statement.exported_columns]

    def bind(self, values: Mapping[str, Any]) -> Statement:
        """The statement with these values."""
        return Statement(
            self._sql,
            tuple([process(values[name]) if process else values[name] for name, process in self._binds]),
        )

    def rows(self, found: Iterable[ResultRow]) -> list[tuple[Any, ...]]:
        """Rows of its result, as Python has them."""
        return [
            tuple(
                [
                    convert(value) if convert else value
                    for convert, value in zip(self._results, row, strict=True)
                ]
            )
            for row in found
        ]


def _dialect(engine: Engine) -> Dialect:
    if engine == "postgresql":
        dialect: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
        return dialect
    return SQLiteDialect_pysqlite()


def _from_driver(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    own = kind.dialect_impl(dialect)
    if isinstance(own, JSON):
        # SQLAlchemy's asyncpg has the connection read it; ours hand on the text.
        return _from_json
    return own.result_processor(dialect, None)


def _from_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)
