"""The stage: a database with the same rows for each contender, so that the inserts of one do not slow another, and
the contenders served on them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import psutil
from sqlalchemy import MetaData, Table, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backstay.config.database import DatabaseSettings
from backstay.models.auth.user import User
from backstay.models.base import Model
from backstay.repositories.database.sessions import open_sessions
from bench import atlas, hand_written
from bench.data import BACKSTAY, HAND_WRITTEN, Row, Rows, make_rows
from bench.measure import Stage
from bench.operations import Operation, make_tokens
from bench.served import Served
from tests.engines import PostgresServer

_ROWS_PER_INSERT = 1000


@contextmanager
def staged(
    engine: str,
    operations: Sequence[Operation],
    contenders: Sequence[str],
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Stage]:
    """Databases filled and contenders served, until the block ends; `variables` go over the servers' environment."""
    rows = make_rows()
    tokens = make_tokens(rows.users)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="backstay-bench-")))
        postgres_pid = None
        if engine == "postgresql":
            server = PostgresServer()
            stack.callback(server.remove)
            server.create()
            postgres_pid = _postgres_child()
            urls = _postgres_urls(server)
        else:
            urls = _sqlite_urls(folder)
        _fill_all(urls, rows)
        served = {
            name: stack.enter_context(Served(name, folder, urls.get(name, ""), variables))
            for name in contenders
        }
        yield Stage(
            served, {operation.name: operation.asks(rows, tokens) for operation in operations}, postgres_pid
        )


def _sqlite_urls(folder: Path) -> dict[str, str]:
    """Where the databases will be."""
    return {name: f"sqlite:///{folder / name}.db" for name in (BACKSTAY, HAND_WRITTEN)}


def _postgres_urls(server: PostgresServer) -> dict[str, str]:
    """Empty databases on a running server."""
    return {name: server.create_database(name) for name in (BACKSTAY, HAND_WRITTEN)}


def _fill_all(urls: Mapping[str, str], rows: Rows) -> None:
    """Make the tables of both contenders and store the rows, each through its own models."""
    asyncio.run(_fill_both(urls, rows))


async def _fill_both(urls: Mapping[str, str], rows: Rows) -> None:
    sessions = open_sessions(DatabaseSettings(url=urls[BACKSTAY]), Path("/"), {})
    tables = [
        Model.metadata.tables[name]
        for name in (User.__tablename__, *[model.__tablename__ for model in atlas.MODELS])
    ]
    await _fill(sessions.engine, Model.metadata, tables, rows)
    await sessions.close()
    engine = hand_written.make_engine(urls[HAND_WRITTEN])
    metadata = hand_written.Base.metadata
    await _fill(
        engine,
        metadata,
        [metadata.tables[name] for name in ("users", "countries", "airports", "trips")],
        rows,
    )
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


def _postgres_child() -> int:
    pids = [child.pid for child in psutil.Process().children() if child.name().startswith("postgres")]
    return int(pids[-1])
