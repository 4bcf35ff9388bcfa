"""Random models, rules, callers and questions against an oracle that finds every answer row by row in Python.

ORACLE_SEED=… python -m pytest tests/api/oracle        # the same cases again
PROFILE=nightly python -m pytest tests/api/oracle      # 2,000 cases on each database instead of 200
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.api.oracle.probes import Case
from tests.api.oracle.world import random_world

CASES = 2000 if os.environ.get("PROFILE") == "nightly" else 200
CASES_PER_SCHEMA = 25


@pytest.mark.timeout(1800)
async def test_no_answer_shows_more_than_the_rules_allow(
    oracle_seed: str, database_url: str, tmp_path: Path
) -> None:
    only = os.environ.get("ORACLE_SCHEMA")
    schemas = range(CASES // CASES_PER_SCHEMA) if only is None else [int(only)]
    for schema in schemas:
        async with random_world(Random(f"{oracle_seed}:{schema}"), database_url, tmp_path) as world:
            for number in range(CASES_PER_SCHEMA):
                case = Case(world, Random(f"{oracle_seed}:{schema}:{number}"))
                try:
                    await case.run()
                except Exception as error:
                    again = f"ORACLE_SEED={oracle_seed} ORACLE_SCHEMA={schema}"
                    pytest.fail(
                        f"case {number}; repeat with {again}\n{case.asked}\n{error!r:.20000}", pytrace=False
                    )
