"""The seed of this run, told before the first test and in every failure."""

from __future__ import annotations

import os
import secrets

import pytest

SEED = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SEED] = os.environ.get("ORACLE_SEED") or secrets.token_hex(4)


@pytest.fixture
def oracle_seed(pytestconfig: pytest.Config, capfd: pytest.CaptureFixture[str]) -> str:
    """The seed: that of ORACLE_SEED, or a new one for each run. Printed, whether the test passes or not."""
    seed = pytestconfig.stash[SEED]
    with capfd.disabled():
        print(f"\nORACLE_SEED={seed} ", end="", flush=True)
    return seed
