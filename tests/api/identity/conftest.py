"""Identity over HTTP, in this process: an application on each engine with migrated tables, and its mailbox."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from backstay import Backstay
from backstay.config.auth import AuthSettings
from backstay.config.database import DatabaseSettings
from backstay.config.passwords import PasswordSettings
from backstay.config.settings import Settings
from backstay.config.tokens import TokenSettings
from backstay.repositories.mail import Mail
from backstay.repositories.mail.folder import FolderMailer

ORIGIN = "http://testserver"
SECRET_KEY = "sb_secret_identity_tests_identity_tests"
PUBLISHABLE_KEY = "sb_publishable_identity_tests_identity"
PASSWORD = "correct horse battery staple"
VERSION = {"X-Supabase-Api-Version": "2024-01-01"}
TOKENS = TokenSettings(
    secret=SecretStr("identity tests need a secret of 32 bytes or more"),
    secret_key=SecretStr(SECRET_KEY),
    publishable_key=SecretStr(PUBLISHABLE_KEY),
    issuer=f"{ORIGIN}/auth/v1",
)
# The least that the settings take: these tests are about who gets in, not about what a guess costs.
PASSWORDS = PasswordSettings(hash_memory_kib=7168, hash_passes=5)


class World:
    """A running application, and how to reach it."""

    def __init__(self, app: Backstay, client: httpx.AsyncClient) -> None:
        self.app = app
        self.client = client

    async def call(
        self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """One request to `/auth/v1`, or to a path that starts elsewhere."""
        sent = dict(VERSION) | {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        url = path if path.startswith(("/rest/", "/functions/", "/graphql/")) else f"/auth/v1{path}"
        return await self.client.request(method, url, json=body, headers=sent)

    async def sign_up(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.call("POST", "/signup", {"email": email, "password": password})

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.call("POST", "/token?grant_type=password", {"email": email, "password": password})

    async def user(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        """A confirmed user's session."""
        assert (await self.sign_up(email, password)).status_code == 200
        code = await self.code(email)
        verified = await self.call("POST", "/verify", {"type": "signup", "email": email, "token": code})
        assert verified.status_code == 200, verified.text
        session: dict[str, Any] = verified.json()
        return session

    async def refresh(self, refresh_token: str) -> httpx.Response:
        return await self.call("POST", "/token?grant_type=refresh_token", {"refresh_token": refresh_token})

    async def mails(self, email: str) -> list[Mail]:
        """The mails to an address, the newest first, once all that were written have left."""
        post = self.app.identity.post
        await post.settle()
        mailer = FolderMailer(self.app.settings.data_folder / "mails", self.app.settings.mail)
        return [stored.mail for stored in await mailer.list() if stored.mail.to == email]

    async def code(self, email: str) -> str:
        """The code in the newest mail to an address."""
        found = re.search(r"\b([0-9]{8})\b", (await self.mails(email))[0].text)
        assert found is not None
        return found[1]

    async def link(self, email: str) -> str:
        """The link in the newest mail to an address, without the origin."""
        found = re.search(rf"^{ORIGIN}(/\S+)$", (await self.mails(email))[0].text, re.MULTILINE)
        assert found is not None
        return found[1]


@pytest.fixture
def auth_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """`[auth]` of the application: `@pytest.mark.auth(autoconfirm=True)`."""
    marker = request.node.get_closest_marker("auth")
    return dict(marker.kwargs) if marker is not None else {}


@pytest.fixture
async def world(migrated_url: str, tmp_path: Path, auth_settings: dict[str, Any]) -> AsyncIterator[World]:
    """The application, open."""
    settings = Settings(
        tokens=TOKENS,
        passwords=PASSWORDS,
        database=DatabaseSettings(url=migrated_url),
        auth=AuthSettings(**{"public_url": ORIGIN, "site_url": "http://site.test", **auth_settings}),
        data_folder=tmp_path,
    )
    app = Backstay(settings=settings, models=(), routers=(), project=tmp_path)
    async with app.running():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield World(app, client)
