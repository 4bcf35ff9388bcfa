"""`requires` on a router of the user's."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter

from backstay import Backstay, Current, requires
from backstay.config.database import DatabaseSettings
from backstay.config.settings import Settings
from tests.api.identity.conftest import ORIGIN, TOKENS


def reports() -> APIRouter:
    router = APIRouter(prefix="/reports", dependencies=[requires("reports:read")])

    @router.get("/mine")
    async def mine(context: Current) -> str:
        return str(context.caller.id)

    return router


@pytest.mark.parametrize(
    ("permissions", "status"),
    [(["reports:read"], 200), (["reports:*"], 200), (["reports:write"], 403), ([], 403), (None, 401)],
)
async def test_only_who_has_the_permission_gets_in(
    tmp_path: Path, permissions: list[str] | None, status: int
) -> None:
    settings = Settings(
        tokens=TOKENS, database=DatabaseSettings(url=f"sqlite:///{tmp_path}/app.db"), data_folder=tmp_path
    )
    app = Backstay(settings=settings, models=(), routers=(reports(),), project=tmp_path)
    assert [line.rule for line in app.routes() if line.path == "/reports/mine"] == ["permission reports:read"]
    headers = {}
    if permissions is not None:
        headers["Authorization"] = f"Bearer {app.tokens.mint(uuid4(), permissions=permissions)}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ORIGIN) as client:
        answer = await client.get("/reports/mine", headers=headers)
    assert answer.status_code == status, answer.text
