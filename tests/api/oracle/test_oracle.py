"""Random models, rules, callers and questions against an oracle that finds every answer row by row in Python.

Every run asks something new. The seed is printed, and a failure says with which command it comes again:

ORACLE_SEED=… python -m pytest tests/api/oracle                       # the same cases
ORACLE_SEED=… ORACLE_SCHEMA=… python -m pytest tests/api/oracle       # those of one schema, in half a second
PROFILE=nightly python -m pytest tests/api/oracle                     # 2,000 cases on each database instead of 200
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.api.oracle.calls import CallCase
from tests.api.oracle.world import random_world

CASES = 2000 if os.environ.get("PROFILE") == "nightly" else 200
CASES_PER_SCHEMA = 25


@pytest.mark.timeout(1800)
async def test_no_answer_shows_more_than_the_rules_allow(
    oracle_seed: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    only = os.environ.get("ORACLE_SCHEMA")
    schemas = range(CASES // CASES_PER_SCHEMA) if only is None else [int(only)]
    for schema in schemas:
        again = f"ORACLE_SEED={oracle_seed} ORACLE_SCHEMA={schema} python -m pytest '{request.node.nodeid}'"
        async with random_world(Random(f"{oracle_seed}:{schema}"), schema, database_url, tmp_path) as world:
            for number in range(CASES_PER_SCHEMA):
                case = CallCase(world, Random(f"{oracle_seed}:{schema}:{number}"))
                try:
                    await case.run()
                except Exception as error:
                    found = f"case {number} of schema {schema}; it comes again with\n\n    {again}\n"
                    pytest.fail(
                        f"{found}\n{case.asked}\n{type(error).__name__}: {error!s:.20000}", pytrace=False
                    )
