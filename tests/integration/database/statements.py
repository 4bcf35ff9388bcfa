"""Small programs and the tables they work on, the same for both engines."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateTable

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.models.base import NAMING
from backstay.repositories.database import Database, Program, ResultRow, Statement
from backstay.repositories.database.choose import open_database

METADATA = MetaData(naming_convention=NAMING)
COUNTRIES = Table(
    "countries",
    METADATA,
    Column("code", Text, primary_key=True),
)
PORTS = Table(
    "ports",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("region", Text),
    Column("depth", Integer),
    Column("country_code", Text, ForeignKey("countries.code")),
    UniqueConstraint("name", "region"),
    CheckConstraint("depth >= 0", name="depth"),
)
NEVER_ENDS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
# About 50 ms on either engine.
TAKES_LONGER = (
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200000) SELECT count(*) FROM c"
)


def statement(database: Database, sql: str, *parameters: Any) -> Statement:
    """A statement written with `?`, in the engine's own style."""
    if database.engine == "postgresql":
        numbers = count(1)
        sql = re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
    return Statement(sql, parameters)


def one(database: Database, sql: str, *parameters: Any) -> Program[list[ResultRow]]:
    """A program of one statement, which returns its rows."""

    def program() -> Generator[Statement, list[ResultRow], list[ResultRow]]:
        return (yield statement(database, sql, *parameters))

    return program


def port(database: Database, number: int, name: str | None = None) -> Program[list[ResultRow]]:
    """Inserts one port and returns its number."""
    return one(
        database, "INSERT INTO ports (id, name) VALUES (?, ?) RETURNING id", number, name or f"port {number}"
    )


async def ports(database: Database) -> list[int]:
    """The numbers of all ports that are committed."""
    rows = await database.read(Statement("SELECT id FROM ports ORDER BY id"))
    return [row[0] for row in rows]


async def code_of(awaitable: Any) -> str:
    """The code of the error that this must raise."""
    try:
        await awaitable
    except BackstayError as error:
        return error.code
    raise AssertionError("no error")


@asynccontextmanager
async def with_ports(settings: DatabaseSettings) -> AsyncIterator[Database]:
    """An open database with the tables above."""
    database = open_database(settings, Path(), METADATA.tables.values())
    await database.open()
    try:
        for table in METADATA.sorted_tables:
            await database.write(one(database, str(CreateTable(table).compile(dialect=dialect(database)))))
        yield database
    finally:
        await database.close()


def dialect(database: Database) -> Dialect:
    """SQLAlchemy's name for the engine."""
    dialects: dict[str, Any] = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}
    made: Dialect = dialects[database.engine]()
    return made
