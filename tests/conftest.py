"""Fixtures for all tests: the real databases."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import structlog

from backstay.config.database import DatabaseSettings
from backstay.models.base import Model
from backstay.repositories.database import Database
from backstay.repositories.database.choose import open_database
from backstay.repositories.migrations import Migrations
from tests.engines import PostgresServer

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(autouse=True)
def every_line_is_logged() -> None:
    """An application of an earlier test may have asked for fewer."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole run."""
    server = PostgresServer()
    server.create()
    yield server
    server.remove()


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/app.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database(f"test_{uuid4().hex}")


@pytest.fixture(scope="session")
def platform_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the platform's tables."""
    folder = tmp_path_factory.mktemp("platform")
    asyncio.run(Migrations(f"sqlite:///{folder}/app.db", Model.metadata, folder).up())
    return folder / "app.db"


@pytest.fixture(scope="session")
def platform_template(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL database with the platform's tables."""
    url = postgres_server.create_database("platform")
    asyncio.run(Migrations(url, Model.metadata, tmp_path_factory.mktemp("platform")).up())
    return "platform"


@pytest.fixture(params=ENGINES)
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with the platform's tables, on each engine in turn; a copy, which takes 1 s less."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("platform_file"), tmp_path / "app.db")
        return f"sqlite:///{tmp_path}/app.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    template: str = request.getfixturevalue("platform_template")
    return server.create_database(f"test_{uuid4().hex}", template)


@pytest.fixture
def database_settings(database_url: str) -> DatabaseSettings:
    """Short limits, so that tests of limits are short."""
    return DatabaseSettings(
        url=database_url, statement_timeout_seconds=0.6, pool_size=4, pool_timeout_seconds=2
    )


@pytest.fixture
async def database(database_settings: DatabaseSettings, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database, open."""
    database = open_database(database_settings, tmp_path)
    await database.open()
    yield database
    await database.close()
