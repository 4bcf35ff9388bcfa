"""From a driver's exception to the catalogue, so that a client cannot tell the databases apart.

In charge of codes and public messages. Nothing of a driver's own text gets into them except names of tables, columns
and constraints; the whole of it stays in `__cause__` for the log. Keys that collide are named without their values,
which SQLite does not tell and which may be hidden from the caller.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping

import asyncpg

from backstay.errors import BackstayError
from backstay.repositories.database.sqlite_functions import Budget

Uniques = Mapping[tuple[str, tuple[str, ...]], str]
"""(table, columns) -> name of the primary key, unique constraint or unique index."""

RETRY_SECONDS = 1
# A strict table refused a value's type; `sqlite3` has no name for it in Python 3.11.
_SQLITE_CONSTRAINT_DATATYPE = sqlite3.SQLITE_CONSTRAINT | 12 << 8
SQLITE_ERRORS = (sqlite3.Error, OverflowError, UnicodeError)
POSTGRES_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    OverflowError,
    UnicodeError,
)

_TARGET = re.compile(r'\b(?:INTO|UPDATE|FROM)\s+(?:ONLY\s+)?"?(\w+)"?', re.IGNORECASE)
_SQLITE_CONSTRAINT = re.compile(r"^(?:UNIQUE|NOT NULL|CHECK) constraint failed: (.*)$", re.DOTALL)

_SQLITE_PRIMARY: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "overloaded",
    sqlite3.SQLITE_LOCKED: "overloaded",
    sqlite3.SQLITE_INTERRUPT: "57014",
    sqlite3.SQLITE_TOOBIG: "54000",
    sqlite3.SQLITE_MISMATCH: "22P02",
    sqlite3.SQLITE_FULL: "PGRST000",
    sqlite3.SQLITE_IOERR: "PGRST000",
    sqlite3.SQLITE_CANTOPEN: "PGRST000",
    sqlite3.SQLITE_READONLY: "PGRST000",
    sqlite3.SQLITE_PERM: "PGRST000",
    sqlite3.SQLITE_AUTH: "PGRST000",
    sqlite3.SQLITE_CORRUPT: "PGRST000",
    sqlite3.SQLITE_NOTADB: "PGRST000",
    sqlite3.SQLITE_PROTOCOL: "PGRST000",
    sqlite3.SQLITE_NOLFS: "PGRST000",
    sqlite3.SQLITE_NOMEM: "PGRST000",
}

_POSTGRES_STATE: Mapping[str, str] = {
    "21000": "21000",
    "22001": "22001",
    "22003": "22003",
    "22007": "22007",
    "22008": "22007",
    "22021": "22021",
    "22023": "22023",
    "22025": "22025",
    "22P02": "22P02",
    "22P03": "22P02",
    "22P05": "22021",
    "2201B": "2201B",
    "23503": "23503",
    "25006": "PGRST000",
    "40001": "40001",
    "40P01": "40001",
    "42704": "42704",
    "42P10": "42P10",
    "54000": "54000",
    "54001": "54000",
    "55P03": "overloaded",
    "57014": "57014",
    "57P01": "PGRST001",
    "57P02": "PGRST001",
    "57P03": "PGRST000",
    "57P05": "PGRST001",
}
_POSTGRES_CLASS: Mapping[str, str] = {
    "08": "PGRST001",
    "22": "22000",
    "28": "PGRST000",
    "3D": "PGRST000",
    "53": "PGRST000",
    "54": "54000",
    "58": "PGRST000",
}
_RETRIED = frozenset({"overloaded", "40001", "PGRST000", "PGRST001"})


def from_sqlite(error: Exception, sql: str, uniques: Uniques, budget: Budget | None = None) -> BackstayError:
    """What a failure of the standard library's driver means; `budget` tells what a function of ours raised."""
    if budget is not None and budget.failure is not None:
        failure, budget.failure = budget.failure, None
        return failure
    if isinstance(error, OverflowError):
        return BackstayError("22003")
    if isinstance(error, UnicodeError):
        return BackstayError("22021")
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return BackstayError("54000" if isinstance(error, sqlite3.DataError) else "internal_error")
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
        return _sqlite_constraint(code, str(error), sql, uniques)
    if code & 0xFF == sqlite3.SQLITE_ERROR:
        return _sqlite_value_error(str(error))
    return refusal(_SQLITE_PRIMARY.get(code & 0xFF, "internal_error"))


def _sqlite_constraint(code: int, text: str, sql: str, uniques: Uniques) -> BackstayError:
    found = _SQLITE_CONSTRAINT.match(text)
    names = found[1] if found else ""
    if code in (
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        sqlite3.SQLITE_CONSTRAINT_ROWID,
    ):
        return _sqlite_duplicate(names, uniques)
    if code == sqlite3.SQLITE_CONSTRAINT_NOTNULL:
        table, _, column = names.rpartition(".")
        return null_value(table, column)
    if code == sqlite3.SQLITE_CONSTRAINT_CHECK:
        return check_failed(target(sql), names)
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return BackstayError("23503")
    if code == _SQLITE_CONSTRAINT_DATATYPE:
        return BackstayError("22P02")
    return BackstayError("22000")


def _sqlite_duplicate(names: str, uniques: Uniques) -> BackstayError:
    if names.startswith("index '"):
        return duplicate_key(names[7:].rstrip("'"), ())
    parts = [name.rpartition(".") for name in names.split(", ")]
    table, columns = parts[0][0], tuple(part[2] for part in parts)
    name = uniques.get((table, columns))
    return duplicate_key(name if name is not None else f"{table}_{'_'.join(columns)}_key", columns)


def _sqlite_value_error(text: str) -> BackstayError:
    if "malformed JSON" in text or "user-defined function raised exception" in text:
        return BackstayError("22P02")
    if "too many" in text or "too large" in text or "parser stack overflow" in text:
        return BackstayError("54000")
    if "overflow" in text:
        return BackstayError("22003")
    if "ON CONFLICT clause does not match" in text:
        return BackstayError("42P10")
    return BackstayError("internal_error")


def from_postgres(error: BaseException, sql: str, uniques: Uniques) -> BackstayError:
    """What a failure of asyncpg, of the server behind it or of the way there means."""
    if type(error) is asyncpg.DataError:
        # The driver could not write a parameter in its type's form; the statement was not sent.
        return _unwritable(error.__cause__)
    if isinstance(error, asyncpg.PostgresError):
        return _postgres_state(error, sql, uniques)
    if isinstance(error, UnicodeError):
        return BackstayError("22021")
    if isinstance(error, OverflowError):
        return BackstayError("22003")
    if isinstance(error, (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return refusal("PGRST001")
    return BackstayError("internal_error")


def _unwritable(cause: BaseException | None) -> BackstayError:
    if isinstance(cause, OverflowError):
        return BackstayError("22003")
    return BackstayError("22021" if isinstance(cause, UnicodeError) else "22P02")


def _postgres_state(error: asyncpg.PostgresError, sql: str, uniques: Uniques) -> BackstayError:
    state = error.sqlstate or ""
    table, constraint = str(error.table_name or ""), str(error.constraint_name or "")
    if state == "23505":
        columns = next(
            (key[1] for key, name in uniques.items() if name == constraint and key[0] == table), ()
        )
        return duplicate_key(constraint, columns or _key_columns(error.detail))
    if state == "23502":
        return null_value(table, str(error.column_name or ""))
    if state == "23514":
        return check_failed(table or target(sql), constraint)
    return refusal(_POSTGRES_STATE.get(state) or _POSTGRES_CLASS.get(state[:2], "internal_error"))


def _key_columns(detail: str | None) -> tuple[str, ...]:
    """The columns of `Key (a, b)=(1, 2) already exists.`; none when the key is an expression."""
    found = re.match(r"Key \(([\w, ]+)\)=", detail or "")
    return tuple(found[1].split(", ")) if found else ()


def refusal(code: str) -> BackstayError:
    """An error of that code, with a time to come back where coming back helps."""
    return BackstayError(code, retry_after_seconds=RETRY_SECONDS if code in _RETRIED else None)


def duplicate_key(constraint: str, columns: tuple[str, ...]) -> BackstayError:
    """23505 in PostgreSQL's words."""
    return BackstayError(
        "23505",
        f'duplicate key value violates unique constraint "{constraint}"',
        details=f"Key ({', '.join(columns)}) already exists." if columns else None,
    )


def null_value(table: str, column: str) -> BackstayError:
    """23502 in PostgreSQL's words."""
    return BackstayError(
        "23502", f'null value in column "{column}" of relation "{table}" violates not-null constraint'
    )


def check_failed(table: str, constraint: str) -> BackstayError:
    """23514 in PostgreSQL's words."""
    return BackstayError("23514", f'new row for relation "{table}" violates check constraint "{constraint}"')


def target(sql: str) -> str:
    """The table a statement writes: SQLite names the check that failed, not where it stands."""
    found = _TARGET.search(sql)
    return found[1] if found else ""
