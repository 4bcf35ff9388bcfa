"""What goes by mail and comes back: codes and links, recovery, changes of address and password."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import event

from tests.api.identity.conftest import ORIGIN, PASSWORD, SECRET_KEY, World

OTHER = "another long enough phrase"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "s256"}


async def follow(world: World, link: str) -> str:
    answer = await world.client.get(link)
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location


def fragment(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).fragment).items()}


async def test_the_code_of_a_sign_up_confirms_and_signs_in_once(world: World) -> None:
    await world.sign_up("ann@example.com")
    code = await world.code("ann@example.com")
    body = {"type": "signup", "email": "ann@example.com", "token": code}
    session = await world.call("POST", "/verify", body)
    assert session.status_code == 200
    assert session.json()["user"]["email_confirmed_at"]
    assert session.json()["user"]["identities"][0]["identity_data"]["email_verified"] is True
    again = await world.call("POST", "/verify", body)
    assert (again.status_code, again.json()["code"]) == (403, "otp_expired")
    assert (await world.sign_in("ann@example.com")).status_code == 200


async def test_the_link_of_a_sign_up_leads_to_the_site_with_a_session(world: World) -> None:
    await world.sign_up("ann@example.com")
    link = await world.link("ann@example.com")
    assert (await world.client.head(link)).status_code == 405
    location = await follow(world, link)
    assert location.startswith("http://site.test#")
    values = fragment(location)
    assert values["type"] == "signup"
    assert (await world.call("GET", "/user", token=values["access_token"])).status_code == 200
    again = fragment(await follow(world, link))
    assert again["error_code"] == "otp_expired"
    assert "access_token" not in again


async def test_a_link_leads_nowhere_but_to_allowed_addresses(world: World) -> None:
    for wanted in (
        "https://evil.test/",
        "//evil.test",
        "http://site.test.evil.test/",
        "http://site.test@evil.test/",
        "javascript:alert(1)",
        "http://site.test/../../x%0d%0aSet-Cookie:a=b",
        "http://site.test/\\evil.test",
        f"{ORIGIN}/auth/v1/authorize?provider=oidc",
    ):
        await world.client.post(
            "/auth/v1/recover", params={"redirect_to": wanted}, json={"email": "nobody@example.com"}
        )
        answer = await world.client.get("/auth/v1/verify", params={"token": "x", "redirect_to": wanted})
        assert answer.headers["location"].startswith("http://site.test#"), wanted


@pytest.mark.parametrize("again", [False, True])
async def test_a_flow_ends_with_the_client_that_began_it(world: World, again: bool) -> None:
    answer = await world.call("POST", "/signup", {"email": "ann@example.com", "password": PASSWORD, **PKCE})
    assert answer.status_code == 200
    if again:
        other = {"code_challenge": PKCE["code_challenge"], "code_challenge_method": "s256"}
        body = {"type": "signup", "email": "ann@example.com", **other}
        assert (await world.call("POST", "/resend", body)).status_code == 200
        assert len(await world.mails("ann@example.com")) == 2
    location = await follow(world, await world.link("ann@example.com"))
    assert urlsplit(location).fragment == ""
    code = parse_qs(urlsplit(location).query)["code"][0]
    exchange = {"auth_code": code, "code_verifier": VERIFIER}
    answers = await asyncio.gather(
        *(world.call("POST", "/token?grant_type=pkce", exchange) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 19
    assert {answer.json()["code"] for answer in answers if answer.status_code == 404} == {
        "flow_state_not_found"
    }


async def test_another_verifier_is_refused_and_uses_the_code_up(world: World) -> None:
    await world.call("POST", "/signup", {"email": "ann@example.com", "password": PASSWORD, **PKCE})
    location = await follow(world, await world.link("ann@example.com"))
    code = parse_qs(urlsplit(location).query)["code"][0]
    wrong = await world.call("POST", "/token?grant_type=pkce", {"auth_code": code, "code_verifier": "w" * 64})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_code_verifier")
    right = await world.call("POST", "/token?grant_type=pkce", {"auth_code": code, "code_verifier": VERIFIER})
    assert right.json()["code"] == "flow_state_not_found"


@pytest.mark.parametrize("path", ["/otp", "/recover", "/resend"])
async def test_known_and_unknown_addresses_get_the_same_answer(world: World, path: str) -> None:
    await world.user("ann@example.com")
    before = world.app.identity.passwords.count
    extra = {"type": "signup"} if path == "/resend" else {"create_user": False} if path == "/otp" else {}
    known = await world.call("POST", path, {"email": "ann@example.com", **extra})
    unknown = await world.call("POST", path, {"email": "bob@example.com", **extra})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text) == (200, "{}")
    assert set(known.headers) == set(unknown.headers)
    assert world.app.identity.passwords.count == before
    assert await world.mails("bob@example.com") == []


async def test_twenty_uses_of_one_code_or_link_sign_in_once(world: World) -> None:
    await world.user("ann@example.com")
    await world.call("POST", "/otp", {"email": "ann@example.com"})
    body = {"type": "email", "email": "ann@example.com", "token": await world.code("ann@example.com")}
    answers = await asyncio.gather(*(world.call("POST", "/verify", body) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 19
    await world.call("POST", "/recover", {"email": "ann@example.com"})
    token = parse_qs(urlsplit(await world.link("ann@example.com")).query)["token"][0]
    body = {"type": "recovery", "token_hash": token}
    answers = await asyncio.gather(*(world.call("POST", "/verify", body) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 19


async def test_a_code_is_good_for_five_tries(world: World) -> None:
    await world.user("ann@example.com")
    await world.call("POST", "/otp", {"email": "ann@example.com"})
    code = await world.code("ann@example.com")
    wrong = f"{(int(code) + 1) % 10**8:08}"
    body = {"type": "email", "email": "ann@example.com"}
    for _ in range(5):
        assert (await world.call("POST", "/verify", {**body, "token": wrong})).status_code == 403
    assert (await world.call("POST", "/verify", {**body, "token": code})).json()["code"] == "otp_expired"


async def test_a_code_is_for_its_own_purpose_and_address(world: World) -> None:
    await world.user("ann@example.com")
    await world.user("bob@example.com")
    await world.call("POST", "/otp", {"email": "ann@example.com"})
    code = await world.code("ann@example.com")
    for body in (
        {"type": "recovery", "email": "ann@example.com"},
        {"type": "invite", "email": "ann@example.com"},
        {"type": "email", "email": "bob@example.com"},
    ):
        assert (await world.call("POST", "/verify", {**body, "token": code})).status_code == 403


async def test_who_proves_an_unconfirmed_address_does_not_inherit_a_strangers_password(world: World) -> None:
    await world.sign_up("ann@example.com", "the password of a stranger")
    await world.call("POST", "/recover", {"email": "ann@example.com"})
    code = await world.code("ann@example.com")
    body = {"type": "recovery", "email": "ann@example.com", "token": code}
    assert (await world.call("POST", "/verify", body)).status_code == 200
    refused = await world.sign_in("ann@example.com", "the password of a stranger")
    assert refused.json()["code"] == "invalid_credentials"


async def test_recovery_sets_a_password_and_ends_other_sessions(world: World) -> None:
    old = await world.user("ann@example.com")
    await world.call("POST", "/recover", {"email": "ann@example.com"})
    code = await world.code("ann@example.com")
    body = {"type": "recovery", "email": "ann@example.com", "token": code}
    session = (await world.call("POST", "/verify", body)).json()
    token = session["access_token"]
    same = await world.call("PUT", "/user", {"password": PASSWORD}, token)
    assert (same.status_code, same.json()["code"]) == (422, "same_password")
    changed = await world.call("PUT", "/user", {"password": OTHER}, token)
    assert changed.status_code == 200, changed.text
    assert (await world.sign_in("ann@example.com", OTHER)).status_code == 200
    assert (await world.sign_in("ann@example.com")).json()["code"] == "invalid_credentials"
    assert (await world.call("GET", "/user", token=old["access_token"])).status_code == 403
    assert (await world.refresh(old["refresh_token"])).status_code == 400
    assert (await world.refresh(session["refresh_token"])).status_code == 200
    assert (await world.mails("ann@example.com"))[0].subject.endswith("was changed")


async def test_a_password_change_drops_what_was_mailed_before(world: World) -> None:
    session = await world.user("ann@example.com")
    await world.call("POST", "/recover", {"email": "ann@example.com"})
    code = await world.code("ann@example.com")
    await world.call("PUT", "/user", {"password": OTHER}, session["access_token"])
    body = {"type": "recovery", "email": "ann@example.com", "token": code}
    assert (await world.call("POST", "/verify", body)).json()["code"] == "otp_expired"


@pytest.mark.parametrize(
    "change",
    [
        "password",
        "admin-password",
        "ban",
        "address",
        "deletion",
        "sign-out",
        "admin-sign-out",
    ],
)
async def test_a_change_ends_the_code_that_a_link_was_exchanged_for(world: World, change: str) -> None:
    session = await world.user("ann@example.com")
    await world.call("POST", "/recover", {"email": "ann@example.com", **PKCE})
    location = await follow(world, await world.link("ann@example.com"))
    path = f"/admin/users/{session['user']['id']}"
    if change == "password":
        done = [await world.call("PUT", "/user", {"password": OTHER}, session["access_token"])]
    elif change == "sign-out":
        done = [await world.call("POST", "/logout?scope=global", token=session["access_token"])]
    elif change == "admin-sign-out":
        done = [await world.call("DELETE", f"{path}/sessions", token=SECRET_KEY)]
    elif change == "deletion":
        done = [await world.call("DELETE", path, {"should_soft_delete": True}, SECRET_KEY)]
    else:
        bodies = {
            "admin-password": [{"password": OTHER}],
            "ban": [{"ban_duration": "1h"}, {"ban_duration": "none"}],
            "address": [{"email": "ann@example.org"}],
        }[change]
        done = [await world.call("PUT", path, body, SECRET_KEY) for body in bodies]
    assert {answer.status_code for answer in done} <= {200, 204}
    exchange = {"auth_code": parse_qs(urlsplit(location).query)["code"][0], "code_verifier": VERIFIER}
    answer = await world.call("POST", "/token?grant_type=pkce", exchange)
    assert (answer.status_code, answer.json()["code"]) == (404, "flow_state_not_found")


async def test_tags_do_not_fill_one_mailbox(world: World) -> None:
    await world.user("ann@example.com")
    answers = [await world.call("POST", "/otp", {"email": f"ann+{tag}@example.com"}) for tag in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]  # the sign-up sent one, too
    assert answers[-1].json()["code"] == "over_email_send_rate_limit"
    other = await world.call("POST", "/otp", {"email": "ann@example.org"})
    assert other.status_code == 200


async def test_a_wrong_code_is_the_same_work_for_a_known_and_an_unknown_address(world: World) -> None:
    await world.user("ann@example.com")
    engine = world.app.sessions.engine.sync_engine
    work: list[list[str]] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if work and "revocations" not in statement:  # that is asked twice a second, whatever else happens
            work[-1].append(statement)

    event.listen(engine, "before_cursor_execute", note)
    for email in ("ann@example.com", "bob@example.com"):
        work.append([])
        body = {"type": "email", "email": email, "token": "00000000"}
        answer = await world.call("POST", "/verify", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "otp_expired")
    event.remove(engine, "before_cursor_execute", note)
    assert work[0] == work[1]
    assert any("audit_log" in one for one in work[0])


async def test_both_addresses_agree_to_a_change(world: World) -> None:
    session = await world.user("ann@example.com")
    asked = await world.call("PUT", "/user", {"email": "ann@example.org"}, session["access_token"])
    assert asked.json()["new_email"] == "ann@example.org"
    assert asked.json()["email"] == "ann@example.com"
    first = await world.call(
        "POST",
        "/verify",
        {"type": "email_change", "email": "ann@example.org", "token": await world.code("ann@example.org")},
    )
    assert first.json()["code"] == "200"
    assert (await world.sign_in("ann@example.com")).status_code == 200
    second = await world.call(
        "POST",
        "/verify",
        {"type": "email_change", "email": "ann@example.com", "token": await world.code("ann@example.com")},
    )
    assert second.json()["user"]["email"] == "ann@example.org"
    assert (await world.sign_in("ann@example.org")).status_code == 200
    assert (await world.sign_in("ann@example.com")).json()["code"] == "invalid_credentials"


async def test_an_address_of_somebody_else_is_found_out_by_its_owner_alone(world: World) -> None:
    session = await world.user("ann@example.com")
    await world.user("bob@example.com")
    asked = await world.call("PUT", "/user", {"email": "bob@example.com"}, session["access_token"])
    assert asked.status_code == 200
    assert asked.json()["new_email"] == "bob@example.com"


@pytest.mark.auth(anonymous=True)
async def test_an_anonymous_user_becomes_one_with_an_address(world: World) -> None:
    session = (await world.call("POST", "/signup", {})).json()
    token = session["access_token"]
    early = await world.call("PUT", "/user", {"password": PASSWORD}, token)
    assert early.json()["code"] == "validation_failed"
    await world.call("PUT", "/user", {"email": "ann@example.com"}, token)
    body = {"type": "email_change", "email": "ann@example.com", "token": await world.code("ann@example.com")}
    upgraded = (await world.call("POST", "/verify", body)).json()
    assert upgraded["user"]["id"] == session["user"]["id"]
    assert upgraded["user"]["is_anonymous"] is False
    # Everybody else has `user` from the sign-up on; who began without an address never got it.
    assert world.app.tokens.verify(upgraded["access_token"]).roles == {"user"}
    done = await world.call("PUT", "/user", {"password": PASSWORD}, upgraded["access_token"])
    assert done.status_code == 200
    assert (await world.sign_in("ann@example.com")).status_code == 200


@pytest.mark.auth(anonymous=True, autoconfirm=True)
async def test_where_no_mail_is_sent_an_anonymous_user_gets_address_and_password_at_once(
    world: World,
) -> None:
    session = (await world.call("POST", "/signup", {})).json()
    both = {"email": "ann@example.com", "password": PASSWORD}
    done = await world.call("PUT", "/user", both, session["access_token"])
    assert (done.status_code, done.json()["is_anonymous"]) == (200, False)
    assert (await world.sign_in("ann@example.com")).json()["user"]["id"] == session["user"]["id"]


@pytest.mark.parametrize("kind", ["signup", "magiclink", "email"])
async def test_the_code_of_a_new_user_goes_by_every_name_that_clients_have_for_it(
    world: World, kind: str
) -> None:
    await world.call("POST", "/otp", {"email": "ann@example.com"})
    body = {"type": kind, "email": "ann@example.com", "token": await world.code("ann@example.com")}
    assert (await world.call("POST", "/verify", body)).status_code == 200


async def test_data_is_merged_and_null_removes(world: World) -> None:
    token = (await world.user("ann@example.com"))["access_token"]
    await world.call("PUT", "/user", {"data": {"name": "Ann", "age": 7}}, token)
    changed = await world.call("PUT", "/user", {"data": {"age": None, "city": "Bern"}}, token)
    assert changed.json()["user_metadata"] == {"name": "Ann", "city": "Bern"}
    large = await world.call("PUT", "/user", {"data": {"text": "x" * 5000}}, token)
    assert large.json()["code"] == "validation_failed"


async def test_a_code_from_the_mailbox_stands_for_the_password(world: World) -> None:
    token = (await world.user("ann@example.com"))["access_token"]
    assert (await world.call("GET", "/reauthenticate", token=token)).status_code == 200
    nonce = await world.code("ann@example.com")
    wrong = await world.call("PUT", "/user", {"password": OTHER, "nonce": "00000000"}, token)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "reauthentication_not_valid")
    done = await world.call("PUT", "/user", {"password": OTHER, "nonce": nonce}, token)
    assert done.status_code == 200


async def test_the_current_password_has_to_be_right_when_it_is_given(world: World) -> None:
    token = (await world.user("ann@example.com"))["access_token"]
    # Strangers who guess at the password from everywhere do not keep its owner from changing it.
    for _ in range(11):
        guessed = await world.sign_in("ann@example.com", "not the right password")
    assert guessed.status_code == 429
    wrong = await world.call("PUT", "/user", {"password": OTHER, "current_password": "not this one"}, token)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "current_password_invalid")
    done = await world.call("PUT", "/user", {"password": OTHER, "current_password": PASSWORD}, token)
    assert done.status_code == 200


async def test_mails_to_one_address_are_throttled_alike_for_everybody(world: World) -> None:
    await world.user("ann@example.com")
    for email in ("ann@example.com", "bob@example.com"):
        statuses = [(await world.call("POST", "/recover", {"email": email})).status_code for _ in range(8)]
        assert statuses[-1] == 429
        last = await world.call("POST", "/recover", {"email": email})
        assert last.json()["code"] == "over_email_send_rate_limit"
        assert int(last.headers["retry-after"]) > 0


async def test_two_sign_ups_at_once_make_one_account(world: World) -> None:
    answers = await asyncio.gather(*(world.sign_up("ann@example.com") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.auth(sign_up=False)
async def test_where_strangers_cannot_sign_up_no_door_makes_a_user(world: World) -> None:
    assert (await world.sign_up("ann@example.com")).json()["code"] == "signup_disabled"
    assert (await world.call("POST", "/otp", {"email": "ann@example.com"})).text == "{}"
    assert await world.mails("ann@example.com") == []
