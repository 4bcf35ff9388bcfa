"""What text search has stored, as both the migrations that keep it and the compiler that asks it must spell it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from string import punctuation
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column
from sqlalchemy.dialects.postgresql import TSVECTOR

Expression = ColumnElement[Any]


def search_vector(columns: Sequence[Expression], config: str) -> Expression:
    """PostgreSQL's words of a text: the very expression that the index is on.

    ASCII's punctuation becomes spaces first, since PostgreSQL would otherwise find addresses, paths, signed numbers
    and compounds in it, each by rules of its own.
    """
    spaced = func.translate(one_text(columns), _quoted(punctuation), _quoted(" " * len(punctuation)))
    return func.to_tsvector(configuration(config), spaced, type_=TSVECTOR())


def one_text(columns: Sequence[Expression]) -> Expression:
    """A column as it is; several as one text, in which an absent one is empty."""
    return reduce(_joined, map(_or_empty, columns)) if len(columns) > 1 else columns[0]


def configuration(config: str) -> Expression:
    """PostgreSQL's configuration of that name, whatever the search path."""
    return literal_column(f"'pg_catalog.{config}'::regconfig")


def _or_empty(column: Expression) -> Expression:
    return func.coalesce(column, literal_column("''"))


def _joined(one: Expression, other: Expression) -> Expression:
    return one.op("||")(literal_column("' '")).op("||")(other)


def _quoted(text: str) -> Expression:
    return literal_column("'" + text.replace("'", "''") + "'")
