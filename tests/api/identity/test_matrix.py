"""Every route of identity, asked by every kind of caller: each cell is stated, and a route without a row fails.

A cell says whether the guard lets the caller pass: what becomes of the request after that is for other tests. So each
request is one that nobody can get anything by: empty bodies and ids of nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backstay.controllers.endpoints import Endpoint
from tests.api.identity.conftest import PUBLISHABLE_KEY, SECRET_KEY, World
from tests.api.identity.test_admin import as_service

CALLERS = (
    "anonymous", "publishable", "user", "other", "editor", "admin", "banned", "expired", "ended", "aal1", "secret",
    "key", "powerless key",
)  # fmt: skip
# Callers whose credentials are refused before a route is looked at.
DEAD = {"banned", "expired", "ended"}
USERS = {"user", "other", "editor", "admin", "aal1"}
ABOVE = {"admin", "secret"}

PUBLIC = {
    "GET /auth/v1/health", "GET /auth/v1/settings", "GET /auth/v1/.well-known/jwks.json",
    "GET /auth/v1/.well-known/openid-configuration",
    "GET /auth/v1/.well-known/oauth-authorization-server", "POST /auth/v1/signup", "POST /auth/v1/token",
    "POST /auth/v1/otp", "POST /auth/v1/magiclink", "POST /auth/v1/recover", "POST /auth/v1/resend",
    "POST /auth/v1/verify", "GET /auth/v1/verify", "GET /auth/v1/authorize", "GET /auth/v1/callback",
    "POST /auth/v1/callback", "GET /dev/mails", "GET /dev/mails/{mail_id}",
}  # fmt: skip
OWN = {
    "GET /auth/v1/reauthenticate", "PUT /auth/v1/user", "POST /auth/v1/logout", "GET /auth/v1/csrf",
    "GET /auth/v1/user", "GET /auth/v1/sessions", "DELETE /auth/v1/sessions/{session_id}",
    "POST /auth/v1/factors", "POST /auth/v1/factors/{factor_id}/challenge",
    "POST /auth/v1/factors/{factor_id}/verify", "DELETE /auth/v1/factors/{factor_id}",
    "POST /auth/v1/factors/recovery-codes", "POST /auth/v1/factors/recovery-codes/verify",
    "GET /auth/v1/user/identities/authorize", "DELETE /auth/v1/user/identities/{identity_id}",
}  # fmt: skip
# With the permission that each takes; the key of these tests has `users:read` alone.
ADMIN = {
    "POST /auth/v1/invite": "users:write",
    "POST /auth/v1/admin/generate_link": "users:write",
    "GET /auth/v1/admin/users": "users:read",
    "POST /auth/v1/admin/users": "users:write",
    "GET /auth/v1/admin/users/{user_id}": "users:read",
    "PUT /auth/v1/admin/users/{user_id}": "users:write",
    "DELETE /auth/v1/admin/users/{user_id}": "users:write",
    "GET /auth/v1/admin/users/{user_id}/sessions": "users:read",
    "DELETE /auth/v1/admin/users/{user_id}/sessions": "users:write",
    "GET /auth/v1/admin/users/{user_id}/factors": "users:read",
    "DELETE /auth/v1/admin/users/{user_id}/factors/{factor_id}": "users:write",
    "GET /auth/v1/admin/roles": "roles:read",
    "PUT /auth/v1/admin/roles/{name}": "roles:write",
    "DELETE /auth/v1/admin/roles/{name}": "roles:write",
    "GET /auth/v1/admin/users/{user_id}/roles": "roles:read",
    "PUT /auth/v1/admin/users/{user_id}/roles/{name}": "roles:write",
    "DELETE /auth/v1/admin/users/{user_id}/roles/{name}": "roles:write",
    "GET /auth/v1/admin/api_keys": "api_keys:read",
    "POST /auth/v1/admin/api_keys": "api_keys:write",
    "DELETE /auth/v1/admin/api_keys/{key_id}": "api_keys:write",
    "GET /auth/v1/admin/audit": "audit:read",
}
# The rest of a node: who may see its health and its documentation is everybody.
PLAIN = (
    "GET /health/live",
    "GET /health/ready",
    "GET /rest/v1/",
    "GET /openapi.json",
    "GET /docs",
    "GET /graphql/v1",
    "POST /graphql/v1",
    "POST /rest/v1/$batch",
)
WHERE = {"user_id": str(uuid4()), "factor_id": str(uuid4()), "session_id": str(uuid4()), "name": "nothing"}


def line(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def passes(route: str, caller: str) -> bool:
    """What the matrix says of one cell."""
    if caller in DEAD:
        return False
    if route in PUBLIC:
        return True
    if route in OWN:
        return caller in USERS
    return caller in ABOVE or (caller == "key" and ADMIN[route] == "users:read")


@pytest.fixture
async def credentials(world: World) -> dict[str, dict[str, str]]:
    """Headers of every kind of caller."""
    tokens = {}
    for name in ("user", "other", "editor", "admin", "banned", "ended", "aal1"):
        session = (await world.sign_up(f"{name}@example.com")).json()
        tokens[name] = session["access_token"]
        user_id = session["user"]["id"]
        if name in ("editor", "admin"):
            await as_service(world, "PUT", f"/admin/users/{user_id}/roles/{name}")
        elif name == "banned":
            await as_service(world, "PUT", f"/admin/users/{user_id}", {"ban_duration": "1h"})
        elif name == "ended":
            await as_service(world, "DELETE", f"/admin/users/{user_id}/sessions")
    tokens["expired"] = world.app.tokens.mint(uuid4(), lifetime_seconds=-60)
    made = {}
    for name, permissions in (("key", ["users:read"]), ("powerless key", [])):
        body = {"name": name, "permissions": permissions}
        made[name] = (await as_service(world, "POST", "/admin/api_keys", body)).json()["api_key"]
    return {
        "anonymous": {},
        "publishable": {"apikey": PUBLISHABLE_KEY},
        "secret": {"apikey": SECRET_KEY},
        **{name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()},
        **{name: {"apikey": key} for name, key in made.items()},
    }


async def asked(world: World, endpoint: Endpoint, headers: dict[str, str]) -> httpx.Response:
    path = endpoint.path
    for name in ("user_id", "factor_id", "session_id", "identity_id", "key_id", "mail_id", "name"):
        path = path.replace(f"{{{name}}}", WHERE.get(name, str(uuid4())))
    body: Any = {} if endpoint.method in ("POST", "PUT") and not endpoint.form else None
    query = {"scope": "nothing"} if path.endswith("/logout") else {}
    return await world.client.request(endpoint.method, path, json=body, headers=headers, params=query)


@pytest.mark.auth(autoconfirm=True, throttle_factor=1000)
async def test_every_route_lets_in_whom_the_matrix_says(
    world: World, credentials: dict[str, dict[str, str]]
) -> None:
    table = [*world.app.identity.endpoints, *world.app.identity.mail_pages]
    assert {line(endpoint) for endpoint in table} == PUBLIC | OWN | set(ADMIN)
    assert set(credentials) == set(CALLERS)
    wrong = []
    for endpoint in table:
        for caller in CALLERS:
            answer = await asked(world, endpoint, credentials[caller])
            told = answer.json() if answer.content.startswith(b"{") else {}
            code = told.get("error_code")
            refused = answer.status_code == 401 or code in ("no_authorization", "not_admin", "bad_jwt")
            # Of the caller, and not of a session that the request names.
            refused = refused or told.get("message", "").startswith("Session from")
            if answer.status_code >= 500 or refused == passes(line(endpoint), caller):
                wrong.append((line(endpoint), caller, answer.status_code, code))
    assert wrong == []


@pytest.mark.auth(autoconfirm=True)
async def test_the_routes_of_the_platform_are_all_in_the_matrix(world: World, tmp_path: Path) -> None:
    known = PUBLIC | OWN | set(ADMIN) | set(PLAIN)
    assert {f"{each.method} {each.path}" for each in world.app.routes()} <= known


@pytest.mark.auth(autoconfirm=True)
async def test_what_is_said_of_a_route_is_what_it_does(world: World) -> None:
    words = {f"{each.method} {each.path}": each.rule for each in world.app.routes()}
    for route in PUBLIC:
        assert words[route] == "everyone"
    for route in OWN:
        assert words[route] == "a signed-in user"
    for route, permission in ADMIN.items():
        assert words[route] == f"permission {permission}"
