"""One served application for each engine, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.api.identity.provider import CLIENT_ID, Liar
from tests.conftest import ENGINES
from tests.engines import PostgresServer
from tests.identity.both import Both
from tests.identity.served import Served, serving
from tests.node import node_in

JAVASCRIPT = Path(__file__).parent / "javascript"


def database(request: pytest.FixtureRequest, engine: str, folder: Path) -> str:
    """The address of an empty database."""
    if engine == "sqlite":
        return f"sqlite:///{folder}/app.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database(f"identity_{uuid4().hex}")


@pytest.fixture(scope="session")
def liar() -> Iterator[Liar]:
    """A provider of OpenID Connect."""
    liar = Liar()
    yield liar
    liar.close()


def signing_in_at(liar: Liar) -> dict[str, str]:
    """The settings for it."""
    return {
        "BACKSTAY_AUTH__PROVIDERS__OIDC__CLIENT_ID": CLIENT_ID,
        "BACKSTAY_AUTH__PROVIDERS__OIDC__CLIENT_SECRET": "secret",
        "BACKSTAY_AUTH__PROVIDERS__OIDC__ISSUER": liar.issuer,
    }


@pytest.fixture(scope="session", params=ENGINES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, liar: Liar
) -> Iterator[Served]:
    """One process."""
    folder = tmp_path_factory.mktemp("identity")
    url = database(request, request.param, folder)
    with serving(folder, url, processes=1, **signing_in_at(liar)) as application:
        yield application


@pytest.fixture(scope="session")
def two_processes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, liar: Liar
) -> Iterator[Served]:
    """Two processes on one PostgreSQL: SQLite has one writer, which belongs to one process."""
    folder = tmp_path_factory.mktemp("identity")
    url = database(request, "postgresql", folder)
    with serving(folder, url, processes=2, **signing_in_at(liar)) as application:
        yield application


@pytest.fixture(scope="session")
def both(two_processes: Served) -> Iterator[Both]:
    """Their doors."""
    both = Both(two_processes)
    yield both
    for client in both.clients:
        client.close()


@pytest.fixture(scope="session")
def node() -> Path:
    """Node, with the clients installed as their lock file says."""
    return node_in(JAVASCRIPT)
