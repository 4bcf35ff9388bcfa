"""Programs: all of one or nothing of it, and nobody else's fault, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from functools import partial

import pytest

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.repositories.database import Database, ResultRow, Statement
from tests.integration.database.statements import NEVER_ENDS, code_of, one, port, ports, with_ports


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    async with with_ports(database_settings) as database:
        yield database


async def test_concurrent_programs_each_get_their_own_rows(database: Database) -> None:
    answers = await asyncio.gather(*[database.write(port(database, number)) for number in range(100)])
    assert [answer[0][0] for answer in answers] == list(range(100))
    assert await ports(database) == list(range(100))


async def test_one_of_many_concurrent_programs_fails_alone(database: Database) -> None:
    await database.write(port(database, 50))
    answers = await asyncio.gather(
        *[database.write(port(database, number)) for number in range(100)], return_exceptions=True
    )
    failed = [number for number, answer in enumerate(answers) if isinstance(answer, BaseException)]
    assert failed == [50]
    assert await ports(database) == list(range(100))


async def test_a_program_over_its_time_fails_alone(database: Database) -> None:
    programs = [port(database, number) for number in range(20)]
    programs.insert(
        10,
        one(
            database,
            f"INSERT INTO ports (id, name) SELECT x, 'x' FROM ({NEVER_ENDS}) AS c(x)"
            if database.engine == "postgresql"
            else f"INSERT INTO ports (id, name) SELECT c.*, 'x' FROM ({NEVER_ENDS}) AS c",
        ),
    )
    answers = await asyncio.gather(*map(database.write, programs), return_exceptions=True)
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    assert [getattr(failure, "code", failure) for failure in failures] == ["57014"]
    assert await ports(database) == list(range(20))


async def test_an_exception_of_the_program_undoes_it_and_passes_unchanged(database: Database) -> None:
    def program() -> Generator[Statement, list[ResultRow], None]:
        yield Statement("INSERT INTO ports (id, name) VALUES (1, 'a')")
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await database.write(program)
    assert await ports(database) == []
    await database.write(port(database, 1))
    assert await ports(database) == [1]


async def test_a_failed_second_statement_undoes_the_first(database: Database) -> None:
    def program() -> Generator[Statement, list[ResultRow], None]:
        yield Statement("INSERT INTO ports (id, name) VALUES (1, 'a')")
        yield Statement("INSERT INTO ports (id, name) VALUES (2, NULL)")

    assert await code_of(database.write(program)) == "23502"
    assert await ports(database) == []


async def test_a_program_sees_its_own_rows_and_returns_its_value(database: Database) -> None:
    def program() -> Generator[Statement, list[ResultRow], int]:
        yield Statement("INSERT INTO ports (id, name) VALUES (1, 'a')")
        rows = yield Statement("SELECT count(*) FROM ports")
        count: int = rows[0][0]
        return count

    assert await database.write(program) == 1


async def test_a_program_without_statements_returns_its_value(database: Database) -> None:
    def program() -> Generator[Statement, list[ResultRow], str]:
        yield from ()
        return "done"

    assert await database.write(program) == "done"


async def test_a_single_statement_needs_no_transaction(database: Database) -> None:
    rows = await database.write(port(database, 1), atomic=False)
    assert [tuple(row) for row in rows] == [(1,)]
    assert await code_of(database.write(port(database, 1), atomic=False)) == "23505"
    assert await ports(database) == [1]


async def test_writes_that_are_cancelled_leave_whole_programs_and_a_working_database(
    database: Database,
) -> None:
    def pair(number: int) -> Generator[Statement, list[ResultRow], None]:
        yield Statement(f"INSERT INTO ports (id, name) VALUES ({number}, '{number}')")
        yield Statement(f"INSERT INTO ports (id, name) VALUES ({number + 1000}, '{number}+')")

    tasks = [asyncio.create_task(database.write(partial(pair, number))) for number in range(200)]
    for turn, task in enumerate(tasks):
        await asyncio.sleep(0.001 if turn % 20 == 0 else 0)
        if turn % 2:
            task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    there = set(await ports(database))
    assert {number for number in there if number < 1000} == {
        number - 1000 for number in there if number >= 1000
    }
    assert all(number in there for number, answer in enumerate(answers) if answer is None)
    await database.write(port(database, 5000))


async def test_nothing_starts_after_close(database_settings: DatabaseSettings) -> None:
    async with with_ports(database_settings) as database:
        writes = [asyncio.ensure_future(database.write(port(database, number))) for number in range(20)]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert all(
        not isinstance(answer, BaseException) or isinstance(answer, BackstayError) for answer in answers
    )
    assert await code_of(database.write(port(database, 99))) == "draining"
    assert await code_of(database.read(Statement("SELECT 1"))) == "draining"
