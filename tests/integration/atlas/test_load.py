"""The command that fills the atlas, and the migrations that make room for it."""

from __future__ import annotations

import pytest

from backstay.app import Backstay
from backstay.testing import Door, Doors
from tests.integration.atlas.conftest import in_project

pytestmark = pytest.mark.asyncio(loop_scope="session")
TABLES = ("countries", "subdivisions", "airports")


async def counts(caller: Door) -> dict[str, int]:
    found = {}
    for table in TABLES:
        answer = await caller.get(f"/rest/v1/{table}?limit=1", headers={"Prefer": "count=exact"})
        found[table] = int(answer.headers["content-range"].rpartition("/")[2])
    return found


async def test_everything_is_there(anonymous: Door) -> None:
    found = await counts(anonymous)
    assert found["countries"] == 250
    assert found["subdivisions"] > 5000
    assert found["airports"] > 28_000


async def test_loading_again_changes_nothing_not_even_what_an_editor_corrected(
    atlas: Backstay, anonymous: Door, editor: Door
) -> None:
    await editor.patch("/rest/v1/airports/LOWW", json={"name": "Corrected"})
    before = await counts(anonymous)

    loaded = await in_project("backend.load").load(atlas)

    assert loaded.new == dict.fromkeys(TABLES, 0)
    assert loaded.unknown_countries == frozenset()
    assert await counts(anonymous) == before
    assert (await anonymous.get("/rest/v1/airports/LOWW")).json()["name"] == "Corrected"
    await editor.patch("/rest/v1/airports/LOWW", json={"name": "Vienna International Airport"})


async def test_loading_again_brings_back_a_row_that_is_missing(
    atlas: Backstay, anonymous: Door, editor: Door
) -> None:
    before = (await anonymous.get("/rest/v1/airports/LOWW")).json()
    assert (await editor.delete("/rest/v1/airports/LOWW")).status_code in (200, 204)

    loaded = await in_project("backend.load").load(atlas)

    assert loaded.new == {"countries": 0, "subdivisions": 0, "airports": 1}
    assert (await anonymous.get("/rest/v1/airports/LOWW")).json() == before


async def test_the_migrations_make_what_the_models_say(atlas: Backstay, doors: Doors) -> None:
    tables = {resource.table.name for resource in atlas.catalog.resources.values()}
    found = [change for change in await atlas.migrations.differences() if tables & set(named(change))]
    assert found == []


def named(change: object) -> list[str]:
    """Names of the tables that one of Alembic's differences is about."""
    parts = change if isinstance(change, tuple | list) else (change,)
    names = [part for part in parts if isinstance(part, str)]
    names += [name for part in parts if isinstance(part, tuple | list) for name in named(part)]
    for part in parts:
        table = getattr(part, "table", None)
        names += [str(getattr(owner, "name", "")) for owner in (part, table) if owner is not None]
    return names
