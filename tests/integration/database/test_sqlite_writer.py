"""The writer of SQLite: one durable commit for many, and nothing acknowledged that is not on the disk."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from backstay.config.database import DatabaseSettings
from backstay.repositories.database import Program, ResultRow, Statement
from backstay.repositories.database.choose import open_database
from backstay.repositories.database.sqlite_connection import SqliteConnection
from backstay.repositories.database.sqlite_writer import SqliteWriter
from tests.integration.database.statements import code_of, one, port, ports, with_ports

WRITES_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from backstay.config.database import DatabaseSettings
from tests.integration.database.statements import port, with_ports

async def main():
    async with with_ports(DatabaseSettings(url=sys.argv[1])) as database:
        async def client(first):
            for number in range(first, first + 100_000):
                await database.write(port(database, number))
                print(number, flush=True)
        await asyncio.gather(*[client(first * 100_000) for first in range(8)])

asyncio.run(main())
"""


@pytest.fixture
def settings(tmp_path: Path) -> DatabaseSettings:
    return DatabaseSettings(url=f"sqlite:///{tmp_path}/app.db", statement_timeout_seconds=0.5)


def commits_in(log: Path) -> int:
    """Frames of a write-ahead log that end a transaction: bytes 4 to 8 of their header are not zero."""
    data = log.read_bytes()
    frame = 24 + int.from_bytes(data[8:12], "big")
    return sum(any(data[start + 4 : start + 8]) for start in range(32, len(data), frame))


async def test_many_concurrent_writes_share_a_few_commits(settings: DatabaseSettings, tmp_path: Path) -> None:
    async with with_ports(settings) as database:
        before = commits_in(tmp_path / "app.db-wal")
        await asyncio.gather(*[database.write(port(database, number)) for number in range(200)])
        assert commits_in(tmp_path / "app.db-wal") - before <= 40
        assert len(await ports(database)) == 200


async def test_what_was_acknowledged_survives_a_killed_process(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs on this loop
        [sys.executable, "-c", WRITES_FOR_EVER, settings.url],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(300)]
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split(b"\n")[:-1]
    process.wait()
    process.stdout.close()
    database = open_database(settings, tmp_path)
    await database.open()
    there = set(await ports(database))
    await database.close()
    assert {*acknowledged, *map(int, rest)} <= there


async def test_a_full_disk_acknowledges_nothing_and_the_writer_recovers_alone(
    settings: DatabaseSettings,
) -> None:
    def fill() -> Generator[Statement, list[ResultRow], None]:
        pages = yield Statement("PRAGMA page_count")
        yield Statement(f"PRAGMA max_page_count = {pages[0][0] + 20}")
        yield Statement("INSERT INTO ports (id, name) VALUES (-1, hex(zeroblob(1000000)))")

    async with with_ports(settings) as database:
        programs: list[Program[Any]] = [port(database, number) for number in range(10)]
        programs.insert(5, fill)
        writes = map(database.write, programs)
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert [getattr(answer, "code", None) for answer in answers] == [None] * 5 + ["PGRST000"] + [None] * 5
        assert await ports(database) == list(range(10))
        await database.write(
            one(database, "INSERT INTO ports (id, name) VALUES (99, hex(zeroblob(1000000)))")
        )


async def test_a_deferred_constraint_fails_only_who_broke_it(settings: DatabaseSettings) -> None:
    async with with_ports(settings) as database:
        await database.write(
            one(
                database,
                "CREATE TABLE visits (id INTEGER PRIMARY KEY, "
                "port_id INTEGER REFERENCES ports (id) DEFERRABLE INITIALLY DEFERRED)",
            )
        )
        await database.write(port(database, 1))
        writes = [
            database.write(one(database, "INSERT INTO visits VALUES (?, ?)", number, 2 if number == 4 else 1))
            for number in range(10)
        ]
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert [getattr(answer, "code", None) for answer in answers] == [None] * 4 + ["23503"] + [None] * 5
        rows = await database.read(Statement("SELECT count(*) FROM visits"))
        assert rows[0][0] == 9


async def test_another_process_that_writes_is_waited_for(settings: DatabaseSettings, tmp_path: Path) -> None:
    async with with_ports(settings) as database:
        other = sqlite3.connect(tmp_path / "app.db", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.3, other.execute, ["COMMIT"])
        release.start()
        await database.write(port(database, 1))
        assert await ports(database) == [1]
        release.join()
        other.close()


async def test_a_lock_held_too_long_is_overload_with_a_time_to_come_back(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    async with with_ports(settings) as database:
        path = tmp_path / "app.db"
        writer = SqliteWriter(lambda: SqliteConnection(path, read_only=False, busy_seconds=0.1), 1, {})
        writer.start()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert await code_of(writer.submit(port(database, 1))) == "overloaded"
        other.execute("COMMIT")
        other.close()
        await writer.submit(port(database, 1))
        await writer.close()
        assert await ports(database) == [1]


async def test_a_program_that_is_cancelled_before_it_starts_never_runs(settings: DatabaseSettings) -> None:
    def slow() -> Generator[Statement, list[ResultRow], None]:
        time.sleep(0.1)
        yield Statement("SELECT 1")

    async with with_ports(settings) as database:
        first = asyncio.ensure_future(database.write(slow))
        await asyncio.sleep(0.02)
        second = asyncio.ensure_future(database.write(port(database, 1)))
        await asyncio.sleep(0.02)
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert await ports(database) == []
