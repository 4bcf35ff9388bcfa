"""Reads: limits of time and number, and a loop that never waits."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter

from backstay.config.database import DatabaseSettings
from backstay.repositories.database import Database, Statement
from backstay.repositories.database.sqlite import SqliteDatabase
from tests.integration.database.statements import (
    NEVER_ENDS,
    TAKES_LONGER,
    code_of,
    one,
    port,
    statement,
    with_ports,
)


async def test_a_read_over_its_time_is_stopped(database: Database) -> None:
    start = perf_counter()
    assert await code_of(database.read(Statement(NEVER_ENDS))) == "57014"
    assert perf_counter() - start < 2


async def test_more_slow_reads_than_connections_all_get_an_answer(database: Database) -> None:
    answers = await asyncio.gather(*[database.read(Statement(TAKES_LONGER)) for _ in range(12)])
    assert {answer[0][0] for answer in answers} == {200000}


async def test_a_slow_read_does_not_hold_the_loop(database: Database) -> None:
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            start = perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, perf_counter() - start)

    ticking = asyncio.create_task(tick())
    for number in range(3):
        assert await code_of(database.read(Statement(f"{NEVER_ENDS} -- {number}"))) == "57014"
    ticking.cancel()
    assert longest < 0.2, "a read of 600 ms must not be felt"


async def test_reads_that_are_cancelled_give_up_their_place(database: Database) -> None:
    for _ in range(5):
        tasks = [asyncio.create_task(database.read(Statement(NEVER_ENDS))) for _ in range(20)]
        await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    start = perf_counter()
    assert (await database.read(Statement(TAKES_LONGER)))[0][0] == 200000
    assert perf_counter() - start < 2


async def test_a_read_cannot_write_on_sqlite(tmp_path: Path) -> None:
    async with with_ports(DatabaseSettings(url=f"sqlite:///{tmp_path}/a.db")) as database:
        assert await code_of(database.read(Statement("DELETE FROM ports"))) == "PGRST000"


async def test_a_slow_statement_goes_straight_to_a_thread_the_next_time(tmp_path: Path) -> None:
    database = SqliteDatabase(DatabaseSettings(inline_read_milliseconds=5), tmp_path / "a.db")
    await database.open()
    await database.read(Statement(TAKES_LONGER))
    task = asyncio.create_task(database.read(Statement(TAKES_LONGER)))
    await asyncio.sleep(0)
    assert not task.done(), "on the loop's thread it would be"
    await task
    for number in range(1000):
        await database.read(Statement(f"SELECT {number}"))
    await database.close()


async def test_too_many_slow_reads_are_refused_with_a_time_to_come_back(tmp_path: Path) -> None:
    settings = DatabaseSettings(reader_threads=1, statement_timeout_seconds=0.2, pool_timeout_seconds=0.5)
    database = SqliteDatabase(settings, tmp_path / "a.db")
    await database.open()
    reads = [code_of(database.read(Statement(NEVER_ENDS))) for _ in range(60)]
    codes = await asyncio.gather(*reads)
    await database.close()
    assert set(codes) == {"57014", "PGRST003", "overloaded"}


async def test_rows_are_seen_as_soon_as_they_are_acknowledged(database_settings: DatabaseSettings) -> None:
    async with with_ports(database_settings) as database:
        for number in range(30):
            await database.write(port(database, number))
            query = statement(database, "SELECT id FROM ports WHERE id = ?", number)
            assert [row[0] for row in await database.read(query)] == [number]


async def test_a_changed_table_does_not_break_prepared_reads_or_writes(
    database_settings: DatabaseSettings,
) -> None:
    async with with_ports(database_settings) as database:
        everything = Statement("SELECT * FROM countries")
        await database.read(everything)
        await database.write(one(database, "INSERT INTO countries (code) VALUES ('no') RETURNING *"))
        await database.write(one(database, "ALTER TABLE countries ADD COLUMN name TEXT"))
        assert [tuple(row) for row in await database.read(everything)] == [("no", None)]
        await database.write(one(database, "DELETE FROM countries"))
        rows = await database.write(one(database, "INSERT INTO countries (code) VALUES ('no') RETURNING *"))
        assert [tuple(row) for row in rows] == [("no", None)]
