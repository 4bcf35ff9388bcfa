"""The same failure reads the same on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backstay.config.database import DatabaseSettings
from backstay.errors import BackstayError
from backstay.repositories.database import Database, Statement
from tests.integration.database.statements import one, statement, with_ports


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    async with with_ports(database_settings) as database:
        await database.write(one(database, "INSERT INTO countries VALUES ('no')"))
        await database.write(one(database, "INSERT INTO ports VALUES (1, 'Oslo', 'east', 5, 'no')"))
        yield database


@pytest.mark.parametrize(
    ("sql", "code", "message", "details"),
    [
        (
            "INSERT INTO ports (id, name) VALUES (1, 'a')",
            "23505",
            'duplicate key value violates unique constraint "ports_pkey"',
            "Key (id) already exists.",
        ),
        (
            "INSERT INTO ports (id, name, region) VALUES (2, 'Oslo', 'east')",
            "23505",
            'duplicate key value violates unique constraint "ports_name_region_key"',
            "Key (name, region) already exists.",
        ),
        (
            "UPDATE ports SET name = NULL",
            "23502",
            'null value in column "name" of relation "ports" violates not-null constraint',
            None,
        ),
        (
            "INSERT INTO ports (id, name, depth) VALUES (2, 'a', -1)",
            "23514",
            'new row for relation "ports" violates check constraint "ports_depth_check"',
            None,
        ),
        (
            "UPDATE ports SET depth = -1",
            "23514",
            'new row for relation "ports" violates check constraint "ports_depth_check"',
            None,
        ),
        (
            "INSERT INTO ports (id, name, country_code) VALUES (2, 'a', 'xx')",
            "23503",
            "foreign key constraint violated",
            None,
        ),
        ("DELETE FROM countries", "23503", "foreign key constraint violated", None),
        (
            "INSERT INTO hidden_by_no_migration VALUES (1)",
            "internal_error",
            "Something went wrong on our side.",
            None,
        ),
    ],
)
async def test_a_broken_constraint_reads_the_same(
    database: Database, sql: str, code: str, message: str, details: str | None
) -> None:
    for atomic in (True, False):
        with pytest.raises(BackstayError) as raised:
            await database.write(one(database, sql), atomic=atomic)
        assert (raised.value.code, raised.value.message, raised.value.details) == (code, message, details)
        assert raised.value.__cause__ is not None


@pytest.mark.parametrize(
    ("value", "code"),
    [(2**63, "22003"), (-(2**63) - 1, "22003"), (10**400, "22003")],
)
async def test_a_number_beyond_64_bits_is_out_of_range(database: Database, value: int, code: str) -> None:
    with pytest.raises(BackstayError) as raised:
        await database.read(statement(database, "SELECT id FROM ports WHERE id = ?", value))
    assert raised.value.code == code


async def test_text_that_is_not_unicode_is_refused(database: Database) -> None:
    with pytest.raises(BackstayError) as raised:
        await database.read(statement(database, "SELECT id FROM ports WHERE name = ?", "\ud800"))
    assert raised.value.code == "22021"


async def test_a_failed_read_leaves_the_connection_usable(database: Database) -> None:
    for _ in range(20):
        with pytest.raises(BackstayError) as raised:
            await database.read(Statement("SELECT * FROM nowhere"))
        assert raised.value.code == "internal_error"
    await database.ping()
