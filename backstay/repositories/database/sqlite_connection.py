"""One SQLite connection, opened the one way this product opens them.

In charge of the pragmas, the functions and the time limit of a connection. Not in charge of which thread uses it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import monotonic

from backstay.repositories.database import ResultRow, Statement, sqlite_aggregates, sqlite_json
from backstay.repositories.database.sqlite_functions import Budget, install

STATEMENTS_KEPT = 512
BUSY_SECONDS = 5.0
# Pages of one connection's cache in KiB, and the length the log is cut back to after a checkpoint.
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA case_sensitive_like = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
    "PRAGMA journal_size_limit = 67108864",
)


class SqliteConnection:
    """A connection with its time budget. Used by one thread at a time."""

    __slots__ = ("budget", "raw")

    def __init__(self, path: Path, *, read_only: bool, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open the file.

        Raises:
            sqlite3.Error: it cannot be opened, or is no database.
        """
        self.budget = Budget()
        self.raw = sqlite3.connect(
            path,
            timeout=busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS_KEPT,
        )
        try:
            prepare(self.raw, self.budget)
            if read_only:
                self.raw.execute("PRAGMA query_only = ON")
        except BaseException:
            self.raw.close()
            raise

    def fetch(self, statement: Statement, seconds: float) -> list[ResultRow]:
        """All rows of one statement that may run for that long.

        Raises:
            sqlite3.Error, OverflowError, UnicodeError: for `driver_errors.from_sqlite`.
        """
        self.budget.deadline = monotonic() + seconds
        return self.raw.execute(statement.sql, statement.parameters).fetchall()

    def close(self) -> None:
        """Close without an opinion about how it went: what was committed is on the disk already."""
        self.raw.close()


def prepare(connection: sqlite3.Connection, budget: Budget) -> None:
    """Give a new connection its functions and pragmas."""
    install(connection, budget)
    sqlite_json.register(connection, budget)
    sqlite_aggregates.register(connection, budget)
    for pragma in PRAGMAS:
        connection.execute(pragma)
