"""Administration: users, roles, API keys and the audit log, and what each change ends."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.identity.conftest import PASSWORD, SECRET_KEY, World

pytestmark = pytest.mark.auth(autoconfirm=True)
OTHER = "another long enough phrase"


async def as_service(world: World, method: str, path: str, body: Any = None) -> httpx.Response:
    return await world.call(method, path, body, SECRET_KEY, apikey=SECRET_KEY)


async def signed_up(world: World, email: str) -> dict[str, Any]:
    session: dict[str, Any] = (await world.sign_up(email)).json()
    assert "access_token" in session
    return session


async def with_role(world: World, email: str, role: str) -> dict[str, Any]:
    """A user's session with a role in its token."""
    session = await signed_up(world, email)
    granted = await as_service(world, "PUT", f"/admin/users/{session['user']['id']}/roles/{role}")
    assert granted.status_code == 204, granted.text
    renewed: dict[str, Any] = (await world.refresh(session["refresh_token"])).json()
    return renewed


async def test_a_user_is_made_found_changed_and_deleted(world: World) -> None:
    made = await as_service(
        world,
        "POST",
        "/admin/users",
        {"email": "ann@example.com", "password": PASSWORD, "email_confirm": True, "user_metadata": {"a": 1}},
    )
    assert made.status_code == 200, made.text
    user_id = made.json()["id"]
    again = await as_service(world, "POST", "/admin/users", {"email": "ANN@example.com"})
    assert (again.status_code, again.json()["code"]) == (422, "email_exists")
    assert (await world.sign_in("ann@example.com")).status_code == 200
    listed = await as_service(world, "GET", "/admin/users?page=1&per_page=10")
    assert listed.headers["x-total-count"] == "1"
    assert 'rel="last"' in listed.headers["link"]
    assert [user["id"] for user in listed.json()["users"]] == [user_id]
    changed = await as_service(
        world, "PUT", f"/admin/users/{user_id}", {"email": "ann@example.org", "user_metadata": {"b": 2}}
    )
    assert changed.json()["email"] == "ann@example.org"
    assert changed.json()["user_metadata"] == {"a": 1, "b": 2}
    assert (await as_service(world, "DELETE", f"/admin/users/{user_id}")).status_code == 200
    gone = await as_service(world, "GET", f"/admin/users/{user_id}")
    assert (gone.status_code, gone.json()["code"]) == (404, "user_not_found")


async def test_a_soft_delete_keeps_the_id_and_frees_the_address(world: World) -> None:
    session = await signed_up(world, "ann@example.com")
    user_id = session["user"]["id"]
    await as_service(world, "DELETE", f"/admin/users/{user_id}", {"should_soft_delete": True})
    assert (await as_service(world, "GET", f"/admin/users/{user_id}")).status_code == 404
    assert (await world.call("GET", "/user", token=session["access_token"])).status_code == 403
    assert (await signed_up(world, "ann@example.com"))["user"]["id"] != user_id


@pytest.mark.parametrize(
    ("method", "path", "body", "ends_tokens"),
    [
        ("PUT", "/admin/users/{id}", {"ban_duration": "24h"}, True),
        ("PUT", "/admin/users/{id}", {"password": OTHER}, True),
        ("PUT", "/admin/users/{id}", {"email": "other@example.com"}, True),
        ("PUT", "/admin/users/{id}", {"app_metadata": {"tenant": "b"}}, True),
        ("PUT", "/admin/users/{id}", {"user_metadata": {"color": "red"}}, False),
        ("DELETE", "/admin/users/{id}", None, True),
        ("DELETE", "/admin/users/{id}", {"should_soft_delete": True}, True),
        ("DELETE", "/admin/users/{id}/sessions", None, True),
    ],
)
async def test_a_change_ends_what_it_makes_untrue(
    world: World, method: str, path: str, body: Any, ends_tokens: bool
) -> None:
    session = await signed_up(world, "ann@example.com")
    assert (await world.call("GET", "/user", token=session["access_token"])).status_code == 200
    done = await as_service(world, method, path.replace("{id}", session["user"]["id"]), body)
    assert done.status_code in (200, 204), done.text
    dead = await world.call("GET", "/user", token=session["access_token"])
    assert dead.status_code == (403 if ends_tokens else 200)
    assert (await world.call("GET", "/rest/v1/nothing", token=session["access_token"])).status_code == (
        401 if ends_tokens else 404
    )
    refreshed = await world.refresh(session["refresh_token"])
    keeps_session = not ends_tokens or (body is not None and ("email" in body or "app_metadata" in body))
    assert (refreshed.status_code == 200) == keeps_session


async def test_a_banned_user_is_told_so_only_after_the_right_password(world: World) -> None:
    session = await signed_up(world, "ann@example.com")
    path = f"/admin/users/{session['user']['id']}"
    await as_service(world, "PUT", path, {"ban_duration": "1h30m"})
    assert (await world.sign_in("ann@example.com", "wrong password, surely")).json()["code"] == (
        "invalid_credentials"
    )
    refused = await world.sign_in("ann@example.com")
    assert (refused.status_code, refused.json()["code"]) == (403, "user_banned")
    await as_service(world, "PUT", path, {"ban_duration": "none"})
    assert (await world.sign_in("ann@example.com")).status_code == 200


async def test_a_role_is_true_at_once_for_a_token_that_exists(world: World) -> None:
    session = await signed_up(world, "ann@example.com")
    token, user_id = session["access_token"], session["user"]["id"]
    assert (await world.call("GET", "/admin/users", token=token)).status_code == 403
    await as_service(world, "PUT", f"/admin/users/{user_id}/roles/admin")
    assert (await world.call("GET", "/admin/users", token=token)).status_code == 200
    await as_service(world, "DELETE", f"/admin/users/{user_id}/roles/admin")
    refused = await world.call("GET", "/admin/users", token=token)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_admin")
    await as_service(world, "PUT", "/admin/roles/helper", {"permissions": ["users:read"]})
    await as_service(world, "PUT", f"/admin/users/{user_id}/roles/helper")
    assert (await world.call("GET", "/admin/users", token=token)).status_code == 200
    await as_service(world, "PUT", "/admin/roles/helper", {"permissions": []})
    assert (await world.call("GET", "/admin/users", token=token)).status_code == 403
    await as_service(world, "PUT", "/admin/roles/helper", {"permissions": ["users:*"]})
    await as_service(world, "DELETE", "/admin/roles/helper")
    assert (await world.call("GET", "/admin/users", token=token)).status_code == 403


async def test_nobody_gives_what_they_do_not_hold(world: World) -> None:
    await as_service(world, "PUT", "/admin/roles/helper", {"permissions": ["users:*", "roles:*"]})
    helper = await with_role(world, "helper@example.com", "helper")
    admin = await with_role(world, "admin@example.com", "admin")
    own, boss = helper["user"]["id"], admin["user"]["id"]
    token = helper["access_token"]
    for method, path, body in (
        ("PUT", f"/admin/users/{own}/roles/admin", None),
        ("PUT", "/admin/roles/helper", {"permissions": ["audit:*"]}),
        ("PUT", "/admin/roles/other", {"permissions": ["trips:publish"]}),
        ("PUT", f"/admin/users/{boss}", {"password": OTHER}),
        ("PUT", f"/admin/users/{boss}", {"ban_duration": "24h"}),
        ("DELETE", f"/admin/users/{boss}", None),
        ("DELETE", f"/admin/users/{boss}/sessions", None),
        ("DELETE", f"/admin/users/{boss}/roles/admin", None),
        ("POST", "/admin/generate_link", {"type": "recovery", "email": "admin@example.com"}),
    ):
        refused = await world.call(method, path, body, token)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
    assert (await world.call("GET", "/admin/api_keys", None, token)).json()["code"] == "not_admin"
    # A role that permits nothing: rules ask for it by name.
    editor = (await with_role(world, "editor@example.com", "editor"))["user"]["id"]
    power = {"name": "support", "permissions": ["users:*", "api_keys:*"]}
    support = (await as_service(world, "POST", "/admin/api_keys", power)).json()["api_key"]
    for method, path, sent in (
        ("PUT", f"/admin/users/{editor}", {"password": OTHER}),
        ("POST", "/admin/generate_link", {"type": "magiclink", "email": "editor@example.com"}),
        ("POST", "/admin/api_keys", {"name": "y", "roles": ["editor"]}),
    ):
        refused = await world.call(method, path, sent, support)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
        allowed = await world.call(method, path, sent, admin["access_token"])
        assert allowed.status_code < 300, path
    nobody = (await world.sign_up("nobody@example.com")).json()["user"]["id"]
    assert (
        await world.call("PUT", f"/admin/users/{nobody}", {"password": OTHER}, support)
    ).status_code == 200
    made = await world.call(
        "POST", "/admin/api_keys", {"name": "x", "above_rules": True}, admin["access_token"]
    )
    assert made.json()["code"] == "forbidden"


async def test_an_api_key_may_do_what_its_roles_and_permissions_say(world: World) -> None:
    made = await as_service(
        world, "POST", "/admin/api_keys", {"name": "reports", "permissions": ["users:read"]}
    )
    assert made.status_code == 201, made.text
    key = made.json()["api_key"]
    assert key.startswith(made.json()["prefix"])
    for headers in ({"apikey": key}, {"Authorization": f"Bearer {key}"}):
        listed = await world.client.get("/auth/v1/admin/users", headers=headers)
        assert listed.status_code == 200, listed.text
        refused = await world.client.get("/auth/v1/admin/roles", headers=headers)
        assert refused.json()["error_code"] == "not_admin"
        me = await world.client.get("/auth/v1/user", headers=headers)
        assert me.status_code == 401
    shown = (await as_service(world, "GET", "/admin/api_keys")).json()["api_keys"]
    assert key not in str(shown)
    ended = await as_service(world, "DELETE", f"/admin/api_keys/{made.json()['id']}")
    assert ended.status_code == 204
    dead = await world.client.get("/auth/v1/admin/users", headers={"apikey": key})
    assert (dead.status_code, dead.json()["error_code"]) == (401, "bad_api_key")
    other = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert (await world.client.get("/rest/v1/x", headers={"apikey": other})).status_code == 401


async def test_a_key_above_the_rules_is_one_and_an_expired_one_is_none(world: World) -> None:
    made = await as_service(
        world, "POST", "/admin/api_keys", {"name": "all", "above_rules": True, "expires_in_seconds": 60}
    )
    key = made.json()["api_key"]
    assert (await world.client.get("/auth/v1/admin/roles", headers={"apikey": key})).status_code == 200
    twice = await as_service(world, "POST", "/admin/api_keys", {"name": "all"})
    assert (twice.status_code, twice.json()["code"]) == (409, "conflict")


async def test_an_invitation_makes_a_user_who_sets_a_password(world: World) -> None:
    invited = await as_service(world, "POST", "/invite", {"email": "ann@example.com", "data": {"team": 1}})
    assert invited.json()["invited_at"]
    # It said 10 minutes, of a link that is good for a day.
    assert "10 minutes, the link for 24 hours" in (await world.mails("ann@example.com"))[0].text
    body = {"type": "invite", "email": "ann@example.com", "token": await world.code("ann@example.com")}
    session = (await world.call("POST", "/verify", body)).json()
    done = await world.call("PUT", "/user", {"password": PASSWORD}, session["access_token"])
    assert done.status_code == 200, done.text
    assert (await world.sign_in("ann@example.com")).status_code == 200
    again = await as_service(world, "POST", "/invite", {"email": "ann@example.com"})
    assert again.json()["code"] == "email_exists"


@pytest.mark.parametrize(
    "kind", ["signup", "magiclink", "recovery", "invite", "email_change_current", "email_change_new"]
)
async def test_a_generated_link_signs_in_and_nothing_is_mailed(world: World, kind: str) -> None:
    if kind == "recovery" or kind.startswith("email_change"):
        await signed_up(world, "ann@example.com")
    body = {"type": kind, "email": "ann@example.com", "password": PASSWORD, "new_email": "ann@example.org"}
    made = await as_service(world, "POST", "/admin/generate_link", body)
    assert made.status_code == 200, made.text
    link = made.json()
    # As it was asked for: clients know no other names.
    assert link["verification_type"] == kind
    assert link["action_link"].endswith("redirect_to=http%3A%2F%2Fsite.test")
    assert await world.mails("ann@example.com") == []
    used = await world.call(
        "POST", "/verify", {"type": link["verification_type"], "token_hash": link["hashed_token"]}
    )
    assert used.status_code == 200, used.text


async def test_what_happened_is_on_record_and_without_secrets(world: World) -> None:
    session = await signed_up(world, "ann@example.com")
    await world.sign_in("ann@example.com", "a password that is wrong")
    user_id = session["user"]["id"]
    page = await as_service(world, "GET", f"/admin/audit?user_id={user_id}")
    assert [line["event"] for line in page.json()["entries"]] == [
        "sign_in_failed",
        "user_signed_in",
        "user_signed_up",
    ]
    assert page.headers["x-total-count"] == "3"
    for secret in (PASSWORD, "a password that is wrong", session["access_token"], session["refresh_token"]):
        assert secret not in page.text
    assert (await as_service(world, "GET", "/admin/audit?event=nothing")).status_code == 400
    assert (await as_service(world, "GET", "/admin/audit?since=yesterday")).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"email": "ann@example.com", "password": "short"},
        {"email": "ann@example.com", "password_hash": "$2b$12$notargon"},
        {"email": "ann@example.com", "ban_duration": "forever"},
        {"email": "not an address"},
        {"password": PASSWORD},
        {"email": "ann@example.com", "id": "1"},
        {"email": "ann@example.com", "email_confirm": "yes"},
        {"email": "ann@example.com", "role": "service_role"},
        {"email": "ann@example.com", "aud": "elsewhere"},
    ],
)
async def test_what_is_no_user_is_refused(world: World, body: dict[str, Any]) -> None:
    assert (await as_service(world, "POST", "/admin/users", body)).status_code in (400, 422)


async def test_nobody_else_gets_in(world: World) -> None:
    session = await signed_up(world, "ann@example.com")
    for method, path in (
        ("GET", "/admin/users"),
        ("POST", "/admin/users"),
        ("GET", f"/admin/users/{uuid4()}"),
        ("POST", "/invite"),
        ("GET", "/admin/audit"),
        ("GET", "/admin/api_keys"),
    ):
        nobody = await world.call(method, path, {} if method == "POST" else None)
        assert (nobody.status_code, nobody.json()["code"]) == (401, "no_authorization"), path
        user = await world.call(method, path, {} if method == "POST" else None, session["access_token"])
        assert (user.status_code, user.json()["code"]) == (403, "not_admin"), path
