"""What becomes of a sign-in whose user changes while the password is looked at."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from backstay.repositories.auth.sign_ins import Found
from tests.api.identity.conftest import PASSWORD, SECRET_KEY, World

OTHER = PasswordHasher(time_cost=6, memory_cost=7168, parallelism=1)


@pytest.fixture
async def user_id(world: World) -> str:
    """A user who can sign in."""
    found: str = (await world.user("ann@example.com"))["user"]["id"]
    return found


async def sign_in_while(
    world: World, monkeypatch: pytest.MonkeyPatch, change: Callable[[], Awaitable[Any]]
) -> httpx.Response:
    """Sign in, with a change between what was found and what is kept."""
    passwords = world.app.identity.passwords
    run = passwords.run

    async def with_change(work: Callable[[], Any]) -> Any:
        monkeypatch.setattr(passwords, "run", run)
        verdict = await run(work)
        await change()
        return verdict

    monkeypatch.setattr(passwords, "run", with_change)
    return await world.sign_in("ann@example.com")


async def admin(world: World, method: str, path: str, body: Any = None) -> Any:
    answer = await world.call(method, f"/admin{path}", body, token=SECRET_KEY)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def session_count(world: World, user_id: str) -> int:
    return len((await admin(world, "GET", f"/users/{user_id}/sessions"))["sessions"])


async def test_a_password_that_was_changed_is_wrong(
    world: World, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def change() -> None:
        # A hash, since the turn to hash is the sign-in's.
        await admin(world, "PUT", f"/users/{user_id}", {"password_hash": OTHER.hash("another battery")})

    answer = await sign_in_while(world, monkeypatch, change)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_credentials")
    assert await session_count(world, user_id) == 0
    lines = await admin(world, "GET", f"/audit?user_id={user_id}&event=sign_in_failed")
    assert len(lines["entries"]) == 1


async def test_a_user_who_was_banned_is_told_so(
    world: World, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def change() -> None:
        await admin(world, "PUT", f"/users/{user_id}", {"ban_duration": "1h"})

    answer = await sign_in_while(world, monkeypatch, change)
    assert answer.json()["code"] == "user_banned"
    assert await session_count(world, user_id) == 0


async def test_a_user_who_was_deleted_is_nobody(
    world: World, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def change() -> None:
        await admin(world, "DELETE", f"/users/{user_id}")

    answer = await sign_in_while(world, monkeypatch, change)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_credentials")


async def test_a_role_that_was_granted_is_in_the_token(
    world: World, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def change() -> None:
        await admin(world, "PUT", f"/users/{user_id}/roles/editor")

    answer = await sign_in_while(world, monkeypatch, change)
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    claims = token.split(".")[1]
    told = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert "editor" in told["roles"]
    assert (await world.call("GET", "/user", token=token)).status_code == 200


async def test_a_hash_of_other_parameters_is_replaced(world: World) -> None:
    sent = {"email": "ann@example.com", "email_confirm": True, "password_hash": OTHER.hash(PASSWORD)}
    await admin(world, "POST", "/users", sent)
    for _ in range(2):
        assert (await world.sign_in("ann@example.com")).status_code == 200
    found = await world.app.identity.sign_ins.find("ann@example.com")
    assert found is not None
    assert found.password_hash is not None
    assert "t=5" in found.password_hash


async def test_a_user_who_changes_again_and_again_is_asked_to_come_back(
    world: World, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_ins = world.app.identity.sign_ins
    find = sign_ins.find

    async def with_change(email_key: str) -> Found | None:
        found = await find(email_key)
        await admin(world, "PUT", f"/users/{user_id}/roles/editor")
        await admin(world, "DELETE", f"/users/{user_id}/roles/editor")
        return found

    monkeypatch.setattr(sign_ins, "find", with_change)
    before = await session_count(world, user_id)
    answer = await world.sign_in("ann@example.com")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert await session_count(world, user_id) == before
