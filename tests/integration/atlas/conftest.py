"""The example application with all its data, on each engine, and its callers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr

from backstay.app import Backstay
from backstay.config.database import DatabaseSettings
from backstay.config.log import LogSettings
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings
from backstay.repositories.database import ResultRow, Statement
from backstay.testing import Door, Doors, doors_of
from tests.conftest import ENGINES
from tests.engines import PostgresServer

PROJECT = Path(__file__).parents[3] / "examples" / "atlas"


def in_project(module: str) -> Any:
    """A module of the example, which is importable from its own folder."""
    return importlib.import_module(module)


@pytest.fixture(scope="session", autouse=True)
def importable() -> Iterator[None]:
    """The example's folder on the path, as it is for a program that is started there."""
    sys.path.insert(0, str(PROJECT))
    yield
    sys.path.remove(str(PROJECT))


@pytest.fixture(scope="session", params=ENGINES)
def atlas(
    request: pytest.FixtureRequest, importable: None, tmp_path_factory: pytest.TempPathFactory
) -> Backstay:
    """The application on an empty database of each engine in turn."""
    folder = tmp_path_factory.mktemp("atlas")
    url = f"sqlite:///{folder}/app.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database(f"atlas_{uuid4().hex}")
    settings = Settings(
        data_folder=folder,
        database=DatabaseSettings(url=url, pool_size=4),
        tokens=TokenSettings(secret=SecretStr("a secret for tests of the atlas, and for nothing else")),
        log=LogSettings(level="error"),
    )
    return Backstay("backend", settings=settings)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(atlas: Backstay) -> AsyncIterator[Doors]:
    """Migrated by the files of the example, loaded with everything, open."""
    await atlas.migrations.up()
    async with doors_of(atlas) as doors:
        await in_project("backend.load").load(atlas)
        yield doors


@pytest_asyncio.fixture(loop_scope="session")
async def doors(atlas: Backstay, running: Doors) -> AsyncIterator[Doors]:
    """The ways in. No trips and reviews are left for the next test."""
    yield running

    def remove() -> Generator[Statement, list[ResultRow], None]:
        yield Statement("DELETE FROM trips")
        yield Statement("DELETE FROM reviews")

    await atlas.database.write(remove)


@pytest.fixture
def anonymous(doors: Doors) -> Door:
    return doors.anonymous


@pytest_asyncio.fixture(loop_scope="session")
async def alice(doors: Doors) -> Door:
    return await doors.user("alice@example.com")


@pytest_asyncio.fixture(loop_scope="session")
async def bob(doors: Doors) -> Door:
    return await doors.user("bob@example.com")


@pytest_asyncio.fixture(loop_scope="session")
async def editor(doors: Doors) -> Door:
    return await doors.user("eve@example.com", roles=["editor"])
