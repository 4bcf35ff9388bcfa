"""A database for each contender, with the same rows, so that the inserts of one do not slow another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import MetaData, Table, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backstay.config.database import DatabaseSettings
from backstay.models.auth.user import User
from backstay.repositories.database.sessions import open_sessions
from bench import atlas, hand_written
from bench.data import Row, Rows
from tests.engines import PostgresServer

BACKSTAY, HAND_WRITTEN, HELLO = "backstay", "hand-written", "hello world"
_ROWS_PER_INSERT = 1000


def sqlite_urls(folder: Path) -> dict[str, str]:
    """Where the databases will be."""
    return {name: f"sqlite:///{folder / name}.db" for name in (BACKSTAY, HAND_WRITTEN)}


def postgres_urls(server: PostgresServer) -> dict[str, str]:
    """Empty databases on a running server."""
    return {name: server.create_database(name) for name in (BACKSTAY, HAND_WRITTEN)}


def fill(urls: Mapping[str, str], rows: Rows) -> None:
    """Make the tables of both contenders and store the rows, each through its own models."""
    asyncio.run(_fill_both(urls, rows))


async def _fill_both(urls: Mapping[str, str], rows: Rows) -> None:
    sessions = open_sessions(DatabaseSettings(url=urls[BACKSTAY]), Path("/"), {})
    tables = [atlas.Model.metadata.tables[name] for name in (User.__tablename__, "countries", "airports", "trips")]
    await _fill(sessions.engine, atlas.Model.metadata, tables, rows)
    await sessions.close()
    engine = hand_written.make_engine(urls[HAND_WRITTEN])
    metadata = hand_written.Base.metadata
    await _fill(engine, metadata, [metadata.tables[name] for name in ("users", "countries", "airports", "trips")], rows)
    await engine.dispose()


async def _fill(engine: AsyncEngine, metadata: MetaData, tables: Sequence[Table], rows: Rows) -> None:
    contents: tuple[list[Row], ...] = (rows.users, rows.countries, rows.airports, rows.trips)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        for table, content in zip(tables, contents, strict=True):
            for start in range(0, len(content), _ROWS_PER_INSERT):
                await connection.execute(insert(table), content[start : start + _ROWS_PER_INSERT])
    async with engine.begin() as connection:
        # Both planners get to know the tables, as they do in a database that has run for a while.
        await connection.execute(text("ANALYZE"))
