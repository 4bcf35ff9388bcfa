"""Users' own sessions see the same database under the same limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.repositories.database import Database
from backstay.repositories.database.choose import unique_names
from backstay.repositories.database.sessions import Sessions, from_session, open_sessions
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork
from tests.engines import free_port
from tests.integration.database.statements import METADATA, NEVER_ENDS, PORTS, port, ports, with_ports


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    async with with_ports(database_settings) as database:
        yield database


@pytest.fixture
async def sessions(database_settings: DatabaseSettings, database: Database) -> AsyncIterator[Sessions]:
    sessions = open_sessions(database_settings, Path(), unique_names(METADATA.tables.values()))
    yield sessions
    await sessions.close()


async def test_sessions_and_programs_see_each_other(database: Database, sessions: Sessions) -> None:
    await database.write(port(database, 1))
    async with sessions.factory.begin() as session:
        assert list(await session.scalars(select(PORTS.c.id))) == [1]
        await session.execute(insert(PORTS).values(id=2, name="b"))
    assert await ports(database) == [1, 2]


async def test_a_session_that_is_not_committed_leaves_nothing(database: Database, sessions: Sessions) -> None:
    async with sessions.factory() as session:
        await session.execute(insert(PORTS).values(id=2, name="b"))
    assert await ports(database) == []


async def test_sessions_that_read_and_then_write_do_not_lose_the_race(
    database: Database, sessions: Sessions
) -> None:
    async def add() -> None:
        async with sessions.factory.begin() as session:
            known = await session.scalar(text("SELECT coalesce(max(id), 0) FROM ports"))
            assert known is not None
            await session.execute(insert(PORTS).values(id=known + 1, name="x"))

    if database.engine == "sqlite":
        await asyncio.gather(
            *[add() for _ in range(10)], *[database.write(port(database, 100 + n)) for n in range(10)]
        )
        assert len(await ports(database)) == 20


async def test_a_reading_session_cannot_write(sessions: Sessions) -> None:
    async with sessions.reading() as session:
        with pytest.raises(DBAPIError):
            await session.execute(insert(PORTS).values(id=2, name="b"))
    async with sessions.factory.begin() as session:
        await session.execute(insert(PORTS).values(id=2, name="b"))


async def test_a_query_of_a_session_is_stopped_in_time_and_errors_read_the_same(
    database: Database, sessions: Sessions
) -> None:
    await database.write(port(database, 1))
    failures = []
    for sql in (NEVER_ENDS, "INSERT INTO ports (id, name) VALUES (1, 'a')"):
        async with sessions.factory() as session:
            with pytest.raises(DBAPIError) as raised:
                await session.execute(text(sql))
            failures.append(from_session(raised.value, sessions.uniques))
    assert [failure.code for failure in failures] == ["57014", "23505"]
    assert failures[1].message == 'duplicate key value violates unique constraint "ports_pkey"'


async def test_the_engine_is_not_made_before_it_is_needed(tmp_path: Path) -> None:
    sessions = open_sessions(DatabaseSettings(url=f"sqlite:///{tmp_path}/none/a.db"), tmp_path, {})
    await sessions.close()
    assert not (tmp_path / "none").exists()


async def test_a_session_that_finds_every_connection_taken_says_so(
    database_settings: DatabaseSettings,
) -> None:
    """It was raised as SQLAlchemy's own error, and answered as a fault of ours (500)."""
    few = {"pool_size": 1, "reader_threads": 1, "pool_timeout_seconds": 0.05}
    sessions = open_sessions(database_settings.model_copy(update=few), Path(), {})
    units = UnitOfWork(sessions)
    try:
        async with units.begin(Context(), reading=True) as holder:
            await holder.execute(text("SELECT 1"))
            with pytest.raises(BackstayError) as refused:
                async with units.begin(Context(), reading=True) as session:
                    await session.execute(text("SELECT 1"))
        assert refused.value.code == "PGRST003"
    finally:
        await sessions.close()


async def test_a_session_says_that_the_server_cannot_be_reached(tmp_path: Path) -> None:
    """The network's own error came through, and was answered as a fault of ours (500)."""
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    sessions = open_sessions(DatabaseSettings(url=url), tmp_path, {})
    try:
        with pytest.raises(BackstayError) as refused:
            async with UnitOfWork(sessions).begin(Context()) as session:
                await session.execute(text("SELECT 1"))
        assert (refused.value.code, refused.value.retry_after_seconds) == ("PGRST000", 1)
    finally:
        await sessions.close()
