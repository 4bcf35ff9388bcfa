"""Fixtures of the API tests: the application on each engine, and every kind of caller of it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.api.harbour import PUBLISHABLE_KEY, SECRET_KEY, Harbour
from tests.api.seed import ALICE, BOB, EDITOR
from tests.callers import CallerClient
from tests.conftest import ENGINES
from tests.engines import PostgresServer

CALLERS = ("anonymous", "publishable", "alice", "bob", "editor", "service")


def empty_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an empty database on the engine that the fixture was asked for."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('api')}/app.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database(f"api_{uuid4().hex}")


@pytest.fixture(scope="session", params=ENGINES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    """The application, running for all tests of one engine."""
    harbour = Harbour(empty_database(request, tmp_path_factory))
    yield harbour
    harbour.close()


@pytest.fixture
def app(running: Harbour) -> Iterator[Harbour]:
    """The application with the rows of `seed.py`."""
    yield running
    running.reset()


@pytest.fixture
def clients(app: Harbour) -> dict[str, CallerClient]:
    """Every kind of caller by name."""
    mint = app.app.tokens.mint
    headers = {
        "anonymous": {},
        "publishable": {"apikey": PUBLISHABLE_KEY},
        "alice": {"Authorization": f"Bearer {mint(ALICE)}"},
        "bob": {"Authorization": f"Bearer {mint(BOB)}"},
        "editor": {"Authorization": f"Bearer {mint(EDITOR, roles=['editor'])}"},
        "service": {"apikey": SECRET_KEY},
    }
    return {name: CallerClient(name, app.app, headers[name], app.run, app.note_change) for name in CALLERS}


@pytest.fixture(params=CALLERS)
def anyone(request: pytest.FixtureRequest, clients: dict[str, CallerClient]) -> CallerClient:
    """Each kind of caller in turn."""
    return clients[request.param]


@pytest.fixture(params=("anonymous", "publishable", "alice", "bob"))
def stranger(request: pytest.FixtureRequest, clients: dict[str, CallerClient]) -> CallerClient:
    """Each kind of caller without a special right."""
    return clients[request.param]


@pytest.fixture
def anonymous(clients: dict[str, CallerClient]) -> CallerClient:
    return clients["anonymous"]


@pytest.fixture
def publishable(clients: dict[str, CallerClient]) -> CallerClient:
    return clients["publishable"]


@pytest.fixture
def alice(clients: dict[str, CallerClient]) -> CallerClient:
    return clients["alice"]


@pytest.fixture
def bob(clients: dict[str, CallerClient]) -> CallerClient:
    return clients["bob"]


@pytest.fixture
def editor(clients: dict[str, CallerClient]) -> CallerClient:
    return clients["editor"]


@pytest.fixture
def service(clients: dict[str, CallerClient]) -> CallerClient:
    return clients["service"]
