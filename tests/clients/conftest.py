"""The application of the API tests, served by one process for each engine, for published clients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.api.harbour import PUBLISHABLE_KEY, Harbour
from tests.api.seed import ALICE, EDITOR
from tests.api.served import served
from tests.conftest import ENGINES
from tests.engines import PostgresServer


@dataclass(frozen=True, slots=True)
class Port:
    """A served application: where it is, and what its callers sign in with."""

    harbour: Harbour
    address: str

    @property
    def engine(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.harbour.engine

    def headers(self, name: str) -> dict[str, str]:
        """What a client sends: its key, and as bearer the token of its session or the key again."""
        mint = self.harbour.app.tokens.mint
        bearers = {
            "anonymous": lambda: PUBLISHABLE_KEY,
            "alice": lambda: mint(ALICE),
            "editor": lambda: mint(EDITOR, roles=["editor"]),
        }
        return {"apikey": PUBLISHABLE_KEY, "Authorization": f"Bearer {bearers[name]()}"}


@pytest.fixture(scope="session", params=ENGINES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Port]:
    """One process for all tests of one engine."""
    folder = tmp_path_factory.mktemp("clients")
    if request.param == "sqlite":
        url = f"sqlite:///{folder}/app.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database(f"clients_{uuid4().hex}")
    harbour = Harbour(url)
    with served(url, folder / "served.log") as address:
        yield Port(harbour, address)
    harbour.close()


@pytest.fixture
def port(running: Port) -> Iterator[Port]:
    """The process, with the rows of `seed.py`."""
    yield running
    running.harbour.note_change()
    running.harbour.reset()
