"""The application with business logic, on each engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.business.orchard import CALLS, MODELS, SERVICES, TABLES
from tests.api.conftest import empty_database
from tests.api.harbour import Harbour
from tests.conftest import ENGINES


@pytest.fixture(scope="session", params=ENGINES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    """The orchard in place of the harbour."""
    harbour = Harbour(
        empty_database(request, tmp_path_factory), MODELS, dict.fromkeys(TABLES, ()), services=SERVICES
    )
    yield harbour
    harbour.close()


@pytest.fixture(autouse=True)
def _silence() -> None:
    CALLS.clear()
