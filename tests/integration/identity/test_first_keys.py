"""Nodes that start at once on an empty database agree on the first signing keys."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import func, select

from backstay.app import Backstay
from backstay.config.database import DatabaseSettings
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings
from backstay.models.auth.authority import StoredKey
from backstay.services.context import Context

NODES = 5


async def test_nodes_that_make_the_first_keys_at_once_take_each_others_tokens(
    migrated_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        tokens=TokenSettings(secret=SecretStr("first keys need a secret of 32 bytes or more")),
        database=DatabaseSettings(url=migrated_url, pool_size=2),
        data_folder=tmp_path,
    )
    nodes = [Backstay(settings=settings, models=(), routers=(), project=tmp_path) for _ in range(NODES)]
    async with AsyncExitStack() as stack:
        await asyncio.gather(*[stack.enter_async_context(node.running()) for node in nodes])
        tokens = [node.tokens.mint(uuid4()) for node in nodes]
        for node in nodes:
            for token in tokens:
                assert node.tokens.verify(token).id is not None
        async with nodes[0].units.begin(Context(), reading=True) as session:
            current = await session.scalar(
                select(func.count()).select_from(StoredKey).where(StoredKey.state == "current")
            )
    assert current == 1
