"""Sign-up and sign-in by password, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from backstay.repositories.auth.users import UserRepository
from backstay.services.context import Context
from backstay.utils.clock import utc_now
from tests.api.identity.conftest import PASSWORD, World

OTHER = "another long enough phrase"
AUTO = pytest.mark.auth(autoconfirm=True)


async def test_a_new_account_has_to_be_confirmed_before_it_can_be_used(world: World) -> None:
    made = await world.sign_up("Ann@Example.com")
    assert made.status_code == 200
    assert made.json()["email"] == "Ann@Example.com"
    assert "access_token" not in made.json()
    assert "email_confirmed_at" not in made.json()
    refused = await world.sign_in("ann@example.com")
    assert (refused.status_code, refused.json()["code"]) == (400, "email_not_confirmed")
    assert refused.headers["x-supabase-api-version"] == "2024-01-01"


@AUTO
async def test_without_confirmation_a_sign_up_is_a_session(world: World) -> None:
    session = (await world.sign_up("ann@example.com")).json()
    assert session["token_type"] == "bearer"
    assert session["expires_in"] == 600
    me = await world.call("GET", "/user", token=session["access_token"])
    assert me.json()["id"] == session["user"]["id"]
    again = await world.sign_up("ANN@example.com")
    assert (again.status_code, again.json()["code"]) == (422, "user_already_exists")


@AUTO
async def test_an_address_that_changes_at_once_needs_a_proof_that_is_fresh(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await world.sign_up("ann@example.com")).json()["access_token"]
    monkeypatch.setattr(world.app.identity.changes, "_clock", lambda: utc_now() + timedelta(hours=1))
    for sent, status in (
        ({}, (400, "reauthentication_needed")),
        ({"current_password": OTHER}, (400, "current_password_invalid")),
    ):
        refused = await world.call("PUT", "/user", {"email": "eve@example.com", **sent}, token)
        assert (refused.status_code, refused.json()["code"]) == status
    body = {"email": "ann@example.org", "current_password": PASSWORD}
    changed = await world.call("PUT", "/user", body, token)
    assert changed.json()["email"] == "ann@example.org"


@AUTO
async def test_what_is_wrong_with_a_sign_in_is_not_told(world: World) -> None:
    await world.sign_up("ann@example.com")
    wrong = await world.sign_in("ann@example.com", "not the right password")
    unknown = await world.sign_in("bob@example.com", "not the right password")
    nobody = await world.sign_in("not an address", "not the right password")
    for answer in (wrong, unknown, nobody):
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_credentials"
        assert answer.json()["message"] == "Invalid login credentials"
    assert len({tuple(sorted(answer.headers)) for answer in (wrong, unknown)}) == 1


async def test_a_known_and_an_unknown_address_sign_up_alike(world: World) -> None:
    await world.sign_up("ann@example.com")
    user = world.app.identity
    async with world.app.units.begin(Context()) as session:
        found = await UserRepository(session).by_key("ann@example.com")
        assert found is not None
        found.email_confirmed_at = utc_now()
    before = user.passwords.count
    known = await world.sign_up("ann@example.com")
    middle = user.passwords.count
    unknown = await world.sign_up("bob@example.com")
    assert middle - before == user.passwords.count - middle == 1
    for password in (PASSWORD, OTHER, OTHER):  # of one who has yet to confirm
        await world.sign_up("bob@example.com", password)
    assert user.passwords.count - middle == 4
    assert known.status_code == unknown.status_code == 200
    assert _shape(known.json()) == _shape(unknown.json())
    assert set(known.headers) == set(unknown.headers)
    assert (await world.mails("ann@example.com"))[0].subject.startswith("You already have")
    # What is made up is no different in kind, and an address that has yet to be confirmed is told from neither.
    for answer in (known, unknown):
        made = answer.json()
        assert UUID(made["id"]).version == UUID(made["identities"][0]["identity_id"]).version == 7
        assert made["updated_at"] == made["created_at"] == made["confirmation_sent_at"]
        assert made["identities"][0]["updated_at"] == made["created_at"]
        again = (await world.sign_up(made["email"])).json()
        assert again["id"] != made["id"]
        assert again["created_at"] > made["created_at"]
        too_much = {"email": made["email"], "password": PASSWORD, "data": {"x": "y" * 5000}}
        refused = await world.call("POST", "/signup", too_much)
        assert (refused.status_code, refused.json()["code"]) == (400, "validation_failed")


async def test_who_signs_up_a_second_time_has_not_the_account_of_who_confirms_it(world: World) -> None:
    await world.sign_up("ann@example.com")
    await world.sign_up("ann@example.com", OTHER)
    await world.sign_up("ann@example.com")
    body = {"type": "signup", "email": "ann@example.com", "token": await world.code("ann@example.com")}
    confirmed = await world.call("POST", "/verify", body)
    assert confirmed.status_code == 200
    for password in (PASSWORD, OTHER, "*"):
        refused = await world.sign_in("ann@example.com", password)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_credentials")
    token = confirmed.json()["access_token"]
    assert (await world.call("PUT", "/user", {"password": OTHER}, token)).status_code == 200
    assert (await world.sign_in("ann@example.com", OTHER)).status_code == 200


async def test_two_sign_ups_at_once_leave_no_password_that_one_of_them_knows(world: World) -> None:
    await asyncio.gather(world.sign_up("ann@example.com"), world.sign_up("ann@example.com", OTHER))
    body = {"type": "signup", "email": "ann@example.com", "token": await world.code("ann@example.com")}
    assert (await world.call("POST", "/verify", body)).status_code == 200
    for password in (PASSWORD, OTHER):
        assert (await world.sign_in("ann@example.com", password)).status_code == 400


async def test_a_sign_up_that_came_between_is_no_less_disputed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on two processes: both looked before one of them wrote."""

    async def nobody_yet(email_key: str) -> None:
        return None

    await world.sign_up("ann@example.com")
    with monkeypatch.context() as patched:
        patched.setattr(world.app.identity.sign_ins, "find", nobody_yet)
        await world.sign_up("ann@example.com", OTHER)
    body = {"type": "signup", "email": "ann@example.com", "token": await world.code("ann@example.com")}
    assert (await world.call("POST", "/verify", body)).status_code == 200
    for password in (PASSWORD, OTHER):
        assert (await world.sign_in("ann@example.com", password)).status_code == 400


async def test_who_signs_up_twice_with_one_password_keeps_it(world: World) -> None:
    for _ in range(2):
        await world.sign_up("ann@example.com")
    body = {"type": "signup", "email": "ann@example.com", "token": await world.code("ann@example.com")}
    assert (await world.call("POST", "/verify", body)).status_code == 200
    assert (await world.sign_in("ann@example.com")).status_code == 200


async def test_the_time_of_a_sign_up_does_not_tell_what_was_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.user("known@example.com")
    await world.sign_up("pending@example.com")
    evened: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        evened.append(seconds)
        await sleep(max(0.0, seconds))

    monkeypatch.setattr("backstay.services.auth.accounts.asyncio.sleep", note)
    for name in ("known", "pending", "unknown"):
        evened.clear()
        await world.sign_up(f"{name}@example.com")
        assert len([seconds for seconds in evened if seconds < 0.025]) == 1, name


@AUTO
async def test_weak_passwords_are_refused_with_reasons(world: World) -> None:
    refused = await world.sign_up("ann@example.com", "short")
    assert (refused.status_code, refused.json()["code"]) == (422, "weak_password")
    assert refused.json()["weak_password"]["reasons"] == ["length"]


@AUTO
@pytest.mark.parametrize(
    "body",
    [
        {"email": 1, "password": PASSWORD},
        {"email": ["ann@example.com"], "password": PASSWORD},
        {"email": "ann@example.com", "password": True},
        {"email": "ann@example.com", "password": {"$gt": ""}},
    ],
)
async def test_values_of_another_type_are_no_credentials(world: World, body: dict[str, object]) -> None:
    answer = await world.call("POST", "/token?grant_type=password", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_old_clients_get_the_old_form_of_errors(world: World) -> None:
    answer = await world.client.post(
        "/auth/v1/token?grant_type=password", json={"email": "a@b.de", "password": "x"}
    )
    assert answer.json()["code"] == 400
    assert answer.json()["error_code"] == "invalid_credentials"
    assert answer.json()["msg"] == "Invalid login credentials"
    later = await world.call("POST", "/token", {}, X_Supabase_Api_Version="2031-01-01")
    assert later.json()["code"] == "validation_failed"
    assert later.headers["x-supabase-api-version"] == "2024-01-01"


@AUTO
async def test_a_spent_refresh_token_is_answered_once_more_and_later_ends_the_session(world: World) -> None:
    first = (await world.sign_up("ann@example.com")).json()
    second = (await world.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    parent = await world.refresh(first["refresh_token"])
    assert parent.json()["refresh_token"] == second["refresh_token"]
    assert parent.headers["sb-auth-refresh-token-reuse-cause"] == "fail-to-save"
    token = second["refresh_token"]
    for _ in range(5):
        token = (await world.refresh(token)).json()["refresh_token"]
    reused = await world.refresh(first["refresh_token"])
    assert (reused.status_code, reused.json()["code"]) == (400, "refresh_token_already_used")
    assert (await world.refresh(token)).json()["code"] == "refresh_token_not_found"
    gone = await world.call("GET", "/user", token=second["access_token"])
    assert (gone.status_code, gone.json()["code"]) == (403, "session_not_found")
    rest = await world.call("GET", "/rest/v1/nothing", token=second["access_token"])
    assert rest.status_code == 401


@AUTO
async def test_twenty_uses_of_one_refresh_token_have_one_child(world: World) -> None:
    first = (await world.sign_up("ann@example.com")).json()
    answers = await asyncio.gather(*(world.refresh(first["refresh_token"]) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


@AUTO
async def test_signing_out_ends_what_its_scope_says(world: World) -> None:
    await world.sign_up("ann@example.com")
    one, two, three = [(await world.sign_in("ann@example.com")).json() for _ in range(3)]
    assert (await world.call("POST", "/logout?scope=others", token=one["access_token"])).status_code == 204
    assert (await world.call("GET", "/user", token=two["access_token"])).json()["code"] == "session_not_found"
    assert (await world.refresh(three["refresh_token"])).json()["code"] == "refresh_token_not_found"
    left = await world.call("GET", "/sessions", token=one["access_token"])
    assert [line["current"] for line in left.json()["sessions"]] == [True]
    ended = await world.call("POST", "/logout", token=one["access_token"])
    assert ended.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    assert (await world.call("GET", "/user", token=one["access_token"])).status_code == 403


@AUTO
async def test_a_session_of_somebody_else_cannot_be_ended(world: World) -> None:
    ann = (await world.sign_up("ann@example.com")).json()
    bob = (await world.sign_up("bob@example.com")).json()
    own = (await world.call("GET", "/sessions", token=bob["access_token"])).json()["sessions"][0]["id"]
    refused = await world.call("DELETE", f"/sessions/{own}", token=ann["access_token"])
    assert refused.json()["code"] == "session_not_found"
    assert (await world.call("GET", "/user", token=bob["access_token"])).status_code == 200


@pytest.mark.auth(anonymous=True)
async def test_an_anonymous_user_has_an_id_and_no_address(world: World) -> None:
    session = (await world.call("POST", "/signup", {})).json()
    assert session["user"]["is_anonymous"] is True
    assert session["user"]["email"] == ""


async def test_anonymous_sign_up_is_off_by_default(world: World) -> None:
    refused = await world.call("POST", "/signup", {})
    assert (refused.status_code, refused.json()["code"]) == (422, "anonymous_provider_disabled")


@pytest.mark.parametrize("path", ["/user", "/sessions"])
async def test_without_a_session_nothing_is_told(world: World, path: str) -> None:
    nobody = await world.call("GET", path)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "no_authorization")
    forged = await world.call("GET", path, token="a.b.c")
    assert (forged.status_code, forged.json()["code"]) == (403, "bad_jwt")


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return type(value)
