"""PostgreSQL goes away and comes back; connections are neither lost nor dirty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from functools import partial
from typing import Any

import pytest

from backstay.config.database import DatabaseSettings
from backstay.repositories.database import Database, ResultRow, Statement
from backstay.repositories.database.postgres_pool import PostgresPool
from tests.engines import PostgresServer
from tests.integration.database.statements import NEVER_ENDS, code_of, port, ports, with_ports


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """Not the one that other tests share: this one is stopped."""
    server = PostgresServer()
    server.create()
    yield server
    server.remove()


@pytest.fixture
def settings(own_server: PostgresServer) -> DatabaseSettings:
    return DatabaseSettings(
        url=own_server.create_database("app"),
        pool_size=4,
        pool_timeout_seconds=2,
        statement_timeout_seconds=5,
    )


@pytest.fixture
async def database(settings: DatabaseSettings) -> AsyncIterator[Database]:
    async with with_ports(settings) as database:
        yield database


async def sessions(database: Database) -> dict[str, int]:
    """How many sessions of this database are in which state, without the one that asks."""
    rows = await database.read(
        Statement(
            "SELECT state, count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() GROUP BY state"
        )
    )
    return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize("crash", [False, True])
async def test_a_restarted_server_is_not_noticed_by_the_next_read_and_write(
    database: Database, own_server: PostgresServer, crash: bool
) -> None:
    await asyncio.gather(*[database.write(port(database, number)) for number in range(8)])
    own_server.stop(crash=crash)
    own_server.start()
    await asyncio.gather(*[database.ping() for _ in range(8)])
    own_server.stop(crash=crash)
    own_server.start()
    await asyncio.gather(*[database.write(port(database, number)) for number in range(8, 16)])
    assert await ports(database) == list(range(16))


async def test_without_a_server_calls_fail_at_once_and_work_again_after(
    database: Database, own_server: PostgresServer
) -> None:
    own_server.stop()
    codes = await asyncio.gather(
        *[code_of(database.ping()) for _ in range(10)],
        *[code_of(database.write(port(database, number))) for number in range(10)],
    )
    own_server.start()
    assert set(codes) == {"PGRST000"}
    await database.write(port(database, 1))
    assert await ports(database) == [1]


async def test_a_crash_in_the_middle_of_a_program_keeps_nothing_of_it(
    database: Database, own_server: PostgresServer
) -> None:
    def program() -> Generator[Statement, list[ResultRow], None]:
        yield Statement("INSERT INTO ports (id, name) VALUES (1, 'a')")
        yield Statement("SELECT pg_sleep(4)")

    writing = asyncio.create_task(code_of(database.write(program)))
    await asyncio.sleep(0.2)
    own_server.stop(crash=True)
    assert await writing == "PGRST001"
    own_server.start()
    assert await ports(database) == []


async def test_a_storm_of_cancelled_calls_leaves_no_session_busy_or_in_a_transaction(
    database: Database,
) -> None:
    def program(number: int) -> Generator[Statement, list[ResultRow], None]:
        yield Statement(f"INSERT INTO ports (id, name) VALUES ({number}, 'a')")
        yield Statement("SELECT pg_sleep(3)")

    for turn in range(6):
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(database.read(Statement(NEVER_ENDS))) for _ in range(10)
        ]
        tasks += [
            asyncio.create_task(database.write(partial(program, turn * 10 + number))) for number in range(10)
        ]
        await asyncio.sleep(0.005 * turn)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await ports(database) == []
    states: dict[str, int] = {"active": 1}
    for _ in range(100):
        # A busy machine takes its time to stop them.
        states = await sessions(database)
        if "active" not in states:
            break
        await asyncio.sleep(0.05)
    assert set(states) <= {"idle"}
    assert sum(states.values()) < 4


async def test_a_session_killed_while_idle_is_replaced(database: Database) -> None:
    killed = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'app'"
    await asyncio.gather(*[database.ping() for _ in range(4)])
    for _ in range(5):
        await database.read(Statement(killed))
        await asyncio.gather(*[database.ping() for _ in range(8)])


async def test_who_waits_too_long_for_a_connection_is_told(database: Database) -> None:
    sleeps = [asyncio.create_task(database.read(Statement("SELECT pg_sleep(2.5)"))) for _ in range(4)]
    await asyncio.sleep(0.1)
    assert await code_of(database.ping()) == "PGRST003"
    await asyncio.gather(*sleeps)
    await database.ping()


async def test_a_server_that_has_no_place_for_more_connections_is_used_with_those_there_are(
    settings: DatabaseSettings, own_server: PostgresServer
) -> None:
    own_server.run_sql("DROP ROLE IF EXISTS crowded", "CREATE ROLE crowded LOGIN CONNECTION LIMIT 2")
    crowded = settings.model_copy(update={"url": settings.url.replace("postgres@", "crowded@")})
    pool = PostgresPool(crowded)

    async def read() -> int:
        connection = await pool.acquire()
        await connection.fetch(Statement("SELECT pg_sleep(0.01)"))
        pool.release(connection)
        return pool.size

    try:
        assert max(await asyncio.gather(*[read() for _ in range(40)])) <= 4
        assert (pool.size, pool.idle) == (2, 2)
        other = PostgresPool(crowded)
        # Not a single connection: whoever asks waits for one until its time is over, or somebody else leaves.
        assert await asyncio.gather(*[code_of(other.acquire()) for _ in range(6)]) == ["PGRST003"] * 6
        late = asyncio.create_task(other.acquire())
        await pool.close()
        other.release(await late)
        await other.close()
    finally:
        if pool.size:
            await pool.close()


async def test_lost_updates_between_programs_are_told_as_a_lost_race(database: Database) -> None:
    """Two programs that lock the same rows in opposite order: the server breaks the deadlock."""
    await database.write(port(database, 1))
    await database.write(port(database, 2))

    def locks(first: int, second: int) -> Generator[Statement, list[ResultRow], None]:
        yield Statement(f"UPDATE ports SET depth = 1 WHERE id = {first}")
        yield Statement("SELECT pg_sleep(0.2)")
        yield Statement(f"UPDATE ports SET depth = 2 WHERE id = {second}")

    answers = await asyncio.gather(
        database.write(lambda: locks(1, 2)), database.write(lambda: locks(2, 1)), return_exceptions=True
    )
    assert sorted(getattr(answer, "code", "done") for answer in answers) == ["40001", "done"]
    lost = next(answer for answer in answers if isinstance(answer, BaseException))
    assert getattr(lost, "retry_after_seconds") == 1  # noqa: B009


async def test_the_connection_used_last_is_used_next_and_waiters_come_in_turn(
    settings: DatabaseSettings,
) -> None:
    pool = PostgresPool(settings)
    taken = [await pool.acquire() for _ in range(4)]
    order: list[int] = []

    async def wait(number: int) -> None:
        connection = await pool.acquire()
        order.append(number)
        await asyncio.sleep(0)
        pool.release(connection)

    waiting = [asyncio.create_task(wait(number)) for number in range(6)]
    await asyncio.sleep(0)
    waiting[2].cancel()
    for connection in taken:
        pool.release(connection)
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert order == [0, 1, 3, 4, 5]
    assert isinstance(ends[2], asyncio.CancelledError)
    assert (pool.size, pool.idle) == (4, 4)
    last = pool.take()
    assert last is not None
    pool.release(last)
    assert pool.take() is last
    pool.release(last)
    await pool.close()
    assert (pool.size, pool.idle) == (0, 0)


async def test_whoever_waited_too_long_is_told_and_those_after_still_come_in_turn(
    settings: DatabaseSettings,
) -> None:
    pool = PostgresPool(settings.model_copy(update={"pool_size": 1, "pool_timeout_seconds": 0.2}))
    taken = await pool.acquire()
    assert await asyncio.gather(*[code_of(pool.acquire()) for _ in range(3)]) == ["PGRST003"] * 3
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    pool.release(taken)
    assert await waiting is taken
    pool.release(taken)
    assert (pool.size, pool.idle) == (1, 1)
    await pool.close()


async def test_a_wrong_address_stops_the_start(settings: DatabaseSettings) -> None:
    for url in (settings.url.replace("/app", "/nowhere"), "postgresql://postgres@127.0.0.1:1/app"):
        pool = PostgresPool(settings.model_copy(update={"url": url}))
        assert await code_of(pool.acquire()) == "PGRST000"
        assert pool.size == 0
