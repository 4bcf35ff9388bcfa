"""One served process for the vectors, and one with short times for those that wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.edge.wire import Served, served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The strict server with its default settings."""
    with served(tmp_path_factory.mktemp("edge")) as process:
        yield process
