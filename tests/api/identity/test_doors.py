"""Every route that is no endpoint of identity, asked by every kind of caller: tables, actions, batches, GraphQL, pages
of the platform and routers of the user's. Each cell is stated, and a route without a row fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from backstay import Access, Backstay, Current, Model, Service, action, caller, requires
from backstay.config.auth import AuthSettings
from backstay.config.database import DatabaseSettings
from backstay.config.settings import Settings
from backstay.routes.http import exact
from backstay.services.context import Context
from tests.api.identity.conftest import ORIGIN, PASSWORDS, TOKENS, World
from tests.api.identity.test_factors import Person
from tests.api.identity.test_matrix import CALLERS, DEAD, PLAIN, USERS, credentials

__all__ = ["credentials"]

IDS = count(1)
NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000) SELECT n FROM numbers"


class Door(Model):
    __tablename__ = "door_things"
    id: Mapped[int] = mapped_column(primary_key=True)


class DoorAccess(Access, model=Door):
    read = True
    create = update = delete = caller.has_role("editor")


class Vault(Model):
    __tablename__ = "door_vaults"
    id: Mapped[int] = mapped_column(primary_key=True)


class VaultAccess(Access, model=Vault):
    read = create = update = delete = caller.aal2


class DoorService(Service, model=Door):
    @action(rule=True)
    async def knock(self, ctx: Context) -> str:
        return "who is there"

    @action(rule=caller.is_authenticated)
    async def enter(self, ctx: Context) -> str:
        return str(ctx.caller.id)

    @action(rule=caller.aal2)
    async def unlock(self, ctx: Context) -> str:
        return str(ctx.caller.id)

    @action(requires="users:read")
    async def count(self, ctx: Context) -> str:
        return "one"


def reports() -> APIRouter:
    router = APIRouter(prefix="/reports")

    @router.get("/all", dependencies=[requires("users:read")])
    async def everything(context: Current) -> str:
        return "all"

    @router.get("/open")
    async def anything(context: Current) -> str:
        return "open"

    return router


@pytest.fixture
async def world(migrated_url: str, tmp_path: Path) -> AsyncIterator[World]:
    settings = Settings(
        tokens=TOKENS,
        passwords=PASSWORDS,
        database=DatabaseSettings(url=migrated_url),
        auth=AuthSettings(public_url=ORIGIN, autoconfirm=True, throttle_factor=1000),
        data_folder=tmp_path,
    )
    app = Backstay(
        settings=settings,
        models=(Door, Vault),
        services=(DoorService,),
        routers=(reports(),),
        project=tmp_path,
    )
    async with app.running():
        async with app.units.begin(Context()) as session:
            for table in ("door_things", "door_vaults"):
                await session.execute(text(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)"))
                await session.execute(text(f"INSERT INTO {table} {NUMBERS}"))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield World(app, client)


ALIVE = {*CALLERS, "aal2"} - DEAD
EDITORS = {"editor", "secret"}
LOFTY = {"aal2", "secret"}
READERS = {"admin", "key", "secret"}
WRITES = ("POST", "PATCH", "DELETE"), ("PATCH", "PUT", "DELETE")


def rows_of(table: str, readers: set[str], writers: set[str]) -> dict[str, set[str]]:
    """The cells of a table's routes."""
    rows = {}
    for suffix, methods in zip(("", "/{id}"), WRITES, strict=True):
        path = f"/rest/v1/{table}{suffix}"
        rows[f"GET {path}"] = readers
        rows |= {f"{method} {path}": writers for method in methods}
    return rows


def rows_of_action(name: str, callers: set[str]) -> dict[str, set[str]]:
    """The cells of an action's doors."""
    return {f"POST {door}door_things.{name}": callers for door in ("/functions/v1/", "/rest/v1/rpc/")}


# Who is let in, by route; everybody else is refused.
ROWS: dict[str, set[str]] = {
    **dict.fromkeys((line for line in PLAIN if line.startswith("GET ")), ALIVE),
    # What they hold decides: a row is made by each of them.
    "POST /rest/v1/$batch": EDITORS,
    "POST /graphql/v1": EDITORS,
    **rows_of("door_things", ALIVE, EDITORS),
    **rows_of("door_vaults", LOFTY, LOFTY),
    **rows_of_action("knock", ALIVE),
    **rows_of_action("enter", {*USERS, "aal2", "secret"}),
    **rows_of_action("unlock", LOFTY),
    **rows_of_action("count", READERS),
    "GET /reports/all": READERS,
    "GET /reports/open": ALIVE,
}


def body_of(line: str, new: int) -> Any:
    """What a request of that route sends, to make a row where it makes one."""
    if line.startswith(("GET ", "DELETE ")):
        return None
    if line.endswith("$batch"):
        return {"operations": [{"method": "POST", "path": "door_things", "body": {"id": new}}]}
    if line.endswith("/graphql/v1"):
        objects = f"[{{id: {new}}}]"
        return {
            "query": f"mutation {{ insertIntodoor_thingsCollection(objects: {objects}) {{ affectedCount }} }}"
        }
    return {} if "door_things." in line else {"id": new}


async def test_every_door_lets_in_whom_its_row_says(
    world: World, credentials: dict[str, dict[str, str]]
) -> None:
    person = Person(world, (await world.sign_up("lofty@example.com")).json())
    await person.enroll()
    token = (await person.verify()).json()["access_token"]
    headers = {**credentials, "aal2": {"Authorization": f"Bearer {token}"}}
    lines = {f"{each.method} {each.path}" for each in world.app.routes()}
    assert {line for line in lines if " /auth/" not in line and " /dev/" not in line} == set(ROWS)
    wrong = []
    for line, callers in ROWS.items():
        method, _, path = line.partition(" ")
        for caller_name, sent in headers.items():
            row = next(IDS)
            where = path.replace("{id}", str(row))
            if method in ("PATCH", "DELETE") and "{id}" not in path:
                where += f"?id=eq.{row}"
            body = body_of(line, row if "{id}" in path else row + 10_000)
            answer = await world.client.request(method, where, json=body, headers=sent)
            refused = answer.status_code in (401, 403, 404) or (
                path == "/graphql/v1" and method == "POST" and "errors" in answer.json()
            )
            if answer.status_code >= 500 or refused == (caller_name in callers):
                wrong.append((line, caller_name, answer.status_code, answer.text[:100]))
    assert wrong == []


def test_every_address_that_is_served_whole_is_a_route_of_the_platform() -> None:
    whole = set(exact(MagicMock(graphql={}, assets={})))
    assert {line.partition(" ")[2] for line in PLAIN} - {"/graphql/v1"} == whole - {"/rest/v1"}
