"""Defaults of columns that the application makes: constants, functions, and values of the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

from backstay.models.access.caller import Caller
from backstay.models.access.rules import term_value
from backstay.models.access.terms import CallerTerm

Default = Callable[[Caller], Any]


def insert_default(column: Column[Any]) -> Default | None:
    """What makes the value of a new row's column when none is given; None when the database or nobody does."""
    return _default(column.default)


def update_default(column: Column[Any]) -> Default | None:
    """What makes the value of a changed row's column when none is given (`onupdate=`)."""
    return _default(column.onupdate)


def _default(default: Any) -> Default | None:
    if default is None:
        return None
    if isinstance(default, ScalarElementColumnDefault):
        constant = default.arg
        return lambda caller: constant
    if isinstance(default, CallableColumnDefault):
        # SQLAlchemy wraps every function into one that takes its execution context.
        make: Callable[[Any], Any] = default.arg
        return lambda caller: make(None)
    if isinstance(default.arg, CallerTerm):
        term: CallerTerm = default.arg
        return lambda caller: term_value(term, caller)
    return None
