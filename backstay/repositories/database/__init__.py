"""The door to the database: two backends, `sqlite.py` and `postgres.py`, behind one protocol; and within a session's
transaction, `within.py`.

A read is one statement. A write is a *program*: a generator that yields statements, receives their rows, and
returns the result. The backend runs all of a program in one transaction and undoes it when the program raises, so
the same program runs grouped with others on SQLite's writer thread, and over the network on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

Engine = Literal["sqlite", "postgresql"]
ResultRow = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL in the engine's own parameter style (`?`, `$1`) with values the engine's driver takes as they are."""

    sql: str
    parameters: tuple[Any, ...] = ()


T = TypeVar("T")
Program = Callable[[], Generator[Statement, list[ResultRow], T]]


class Door(Protocol):
    """Where statements are run: a database, or the transaction of a session on one (`within.py`).

    Every method raises only `BackstayError`: `23505`, `23503`, `23502`, `23514` for broken constraints, `40001`
    for a lost race, `57014` for a statement over its time, `PGRST000` for a connection that failed, `overloaded`.
    """

    engine: Engine

    async def read(self, statement: Statement) -> list[ResultRow]:
        """Run one read-only statement and return all its rows."""

    async def write(self, program: Program[T], *, atomic: bool = True) -> T:
        """Run a program in one transaction and return its result once that is durable.

        A program may be run again when nothing of the first run was kept, so outside of the database it does nothing.

        Args:
            atomic: False when the program is a single statement whose rows need no check, so that PostgreSQL may
                commit it by itself, without two more round trips.
        """


class Database(Door, Protocol):
    """One database, open."""

    async def open(self) -> None:
        """Connect. Called once, before anything else."""

    async def close(self) -> None:
        """Finish what runs, then disconnect."""

    async def ping(self) -> None:
        """Answer when the database answers."""
