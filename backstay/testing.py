"""Tools for testing an application by address, as every kind of caller, without a server.

    async with doors_of(app) as doors:
        alice = await doors.user("alice@example.com", roles=["editor"])
        answer = await alice.get("/rest/v1/trips")
        assert answer.json() == []

Needs `httpx`, which `pip install backstay[testing]` brings. The database is the application's own: give it settings
with a temporary one, and the tables by `create_tables`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from backstay.app import Backstay
from backstay.services.auth.users import Users
from backstay.services.context import Context

BASE_URL = "http://testserver"


class Door:
    """One caller's way in. Every method returns the `httpx.Response`."""

    def __init__(self, client: httpx.AsyncClient, credentials: Mapping[str, str]) -> None:
        self._client = client
        self._credentials = dict(credentials)

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Any request; `options` are those of `httpx.AsyncClient.request`."""
        return await self._client.request(
            method, path, headers={**self._credentials, **(headers or {})}, **options
        )

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        """POST; `json=` is the body."""
        return await self.request("POST", path, **options)

    async def patch(self, path: str, **options: Any) -> httpx.Response:
        """PATCH; `json=` is the body."""
        return await self.request("PATCH", path, **options)

    async def put(self, path: str, **options: Any) -> httpx.Response:
        """PUT; `json=` is the body."""
        return await self.request("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        """DELETE."""
        return await self.request("DELETE", path, **options)


class Doors:
    """Ways into one application, by caller.

    Attributes:
        anonymous: nobody in particular.
        service: the secret API key, which stands above the rules.
    """

    def __init__(self, app: Backstay, client: httpx.AsyncClient) -> None:
        self._app = app
        self._client = client
        self.anonymous = Door(client, {})
        secret = app.settings.tokens.secret_key
        self.service = Door(client, {"apikey": secret.get_secret_value()} if secret else {})

    async def user(self, email: str, *, roles: Sequence[str] = (), permissions: Sequence[str] = ()) -> Door:
        """A signed-in user with those roles and permissions; the user is made when there is none."""
        user_id = await Users(self._app.units).ensure(Context(), email)
        token = self._app.tokens.mint(user_id, email=email, roles=roles, permissions=permissions)
        return Door(self._client, {"authorization": f"Bearer {token}"})


@asynccontextmanager
async def doors_of(app: Backstay) -> AsyncIterator[Doors]:
    """The application with its doors open, until the block ends."""
    async with app.running():
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            yield Doors(app, client)


async def create_tables(app: Backstay) -> None:
    """Make every table of the application, without migrations."""
    async with app.sessions.engine.begin() as connection:
        await connection.run_sync(app.metadata.create_all)
