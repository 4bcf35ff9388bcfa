"""Second factors over HTTP: enrolled, proven, used once, removed, and replaced by a recovery code."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import httpx
import pyotp
import pytest

from tests.api.identity.conftest import PASSWORD, World

pytestmark = pytest.mark.auth(autoconfirm=True)


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def methods(token: str) -> list[str]:
    return [entry["method"] for entry in claims(token)["amr"]]


class Person:
    """A signed-in user and their authenticator app."""

    def __init__(self, world: World, session: dict[str, Any]) -> None:
        self.world = world
        self.session = session
        self.id = session["user"]["id"]
        self.factor = ""
        self.secret = ""
        self.spent = -2

    @property
    def token(self) -> str:
        token: str = self.session["access_token"]
        return token

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.world.call(method, path, body, self.token)

    async def enroll(self, **body: Any) -> httpx.Response:
        answer = await self.call("POST", "/factors", {"factor_type": "totp", **body})
        if answer.status_code == 200 and not self.factor:
            self.factor, self.secret = answer.json()["id"], answer.json()["totp"]["secret"]
        return answer

    def code(self) -> str:
        """A code that was not used yet: there are three at a time."""
        self.spent += 1
        assert self.spent <= 1
        left = 30 - time.time() % 30
        if self.spent == -1 and left < 1:
            time.sleep(left)  # The oldest would be too old when it arrives.
        return pyotp.TOTP(self.secret).at(time.time(), counter_offset=self.spent)

    async def challenge(self) -> str:
        answer = await self.call("POST", f"/factors/{self.factor}/challenge", {})
        assert answer.status_code == 200, answer.text
        challenge: str = answer.json()["id"]
        return challenge

    async def verify(self, code: str | None = None, challenge: str | None = None) -> httpx.Response:
        body = {"challenge_id": challenge or await self.challenge(), "code": code or self.code()}
        answer = await self.call("POST", f"/factors/{self.factor}/verify", body)
        if answer.status_code == 200:
            self.session = answer.json()
        return answer

    async def again(self) -> Person:
        """The same person, signed in once more by password."""
        session = (await self.world.sign_in(self.session["user"]["email"])).json()
        other = Person(self.world, session)
        other.factor, other.secret, other.spent = self.factor, self.secret, self.spent
        return other


async def sign_up(world: World, email: str = "ann@example.com") -> Person:
    return Person(world, (await world.sign_up(email)).json())


async def protected(world: World, email: str = "ann@example.com") -> Person:
    """Somebody whose session is at aal2."""
    person = await sign_up(world, email)
    assert (await person.enroll(friendly_name="phone")).status_code == 200
    assert (await person.verify()).status_code == 200
    return person


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_enrolling_gives_what_an_app_needs_and_counts_for_nothing_yet(world: World) -> None:
    ann = await sign_up(world)
    answer = await ann.enroll(friendly_name=" phone ", issuer="Ship & Sail")
    made = answer.json()
    assert answer.status_code == 200
    assert set(made) == {"id", "type", "friendly_name", "totp"}
    assert (made["type"], made["friendly_name"]) == ("totp", "phone")
    assert set(made["totp"]) == {"qr_code", "secret", "uri"}
    assert made["totp"]["qr_code"].startswith("<svg")
    assert made["totp"]["uri"].startswith("otpauth://totp/Ship%20%26%20Sail:ann%40example.com?secret=")
    factors = (await ann.call("GET", "/user")).json()["factors"]
    assert [(one["id"], one["status"], one["factor_type"]) for one in factors] == [
        (made["id"], "unverified", "totp")
    ]
    assert made["totp"]["secret"] not in json.dumps(factors)
    assert "factors" in (await world.sign_in("ann@example.com")).json()["user"]


async def test_the_first_code_proves_the_factor_and_makes_a_new_session_at_aal2(world: World) -> None:
    ann = await sign_up(world)
    await ann.enroll()
    before = ann.session
    other = await ann.again()
    asked = (await ann.call("POST", f"/factors/{ann.factor}/challenge", {})).json()
    assert set(asked) == {"id", "type", "expires_at"}
    assert 290 < asked["expires_at"] - time.time() <= 300
    answer = await ann.verify(challenge=asked["id"])
    assert answer.status_code == 200
    session = answer.json()
    assert session["user"]["factors"][0]["status"] == "verified"
    old, new = claims(before["access_token"]), claims(session["access_token"])
    assert (old["aal"], new["aal"]) == ("aal1", "aal2")
    assert methods(session["access_token"]) == ["totp", "password"]
    assert new["session_id"] != old["session_id"]
    # What the session was, and the other one that knew of no factor, are over.
    for token in (before["access_token"], other.token):
        assert refused(await world.call("GET", "/user", token=token)) == (403, "session_not_found")
    for token in (before["refresh_token"], other.session["refresh_token"]):
        assert refused(await world.refresh(token)) == (400, "refresh_token_not_found")
    renewed = await world.refresh(session["refresh_token"])
    assert claims(renewed.json()["access_token"])["aal"] == "aal2"
    assert "was changed" in (await world.mails("ann@example.com"))[0].text


async def test_neither_a_password_nor_a_mailed_code_is_a_second_factor(world: World) -> None:
    ann = await protected(world)
    again = await ann.again()
    assert claims(again.token)["aal"] == "aal1"
    await world.call("POST", "/recover", {"email": "ann@example.com"})
    code = await world.code("ann@example.com")
    body = {"type": "recovery", "email": "ann@example.com", "token": code}
    recovered = await world.call("POST", "/verify", body)
    assert claims(recovered.json()["access_token"])["aal"] == "aal1"
    # Proving the factor ends no other session: nothing has changed.
    again.spent = ann.spent
    assert (await again.verify()).status_code == 200
    assert (await ann.call("GET", "/user")).status_code == 200


async def test_a_code_is_used_once_and_no_earlier_one_after_it(world: World) -> None:
    ann = await protected(world)
    totp = pyotp.TOTP(ann.secret)
    current = totp.at(time.time())
    assert (await ann.verify(current)).status_code == 200
    for code in (current, totp.at(time.time(), counter_offset=-1)):
        assert refused(await ann.verify(code)) == (422, "mfa_verification_failed")


async def test_of_many_at_once_with_one_code_one_gets_in(world: World) -> None:
    ann = await protected(world)
    again = await ann.again()
    code = again.code()
    challenge = await again.challenge()
    answers = await asyncio.gather(
        *(
            world.call(
                "POST",
                f"/factors/{ann.factor}/verify",
                {"challenge_id": challenge, "code": code},
                again.token,
            )
            for _ in range(20)
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(200) == 1, statuses


async def test_a_wrong_code_leaves_the_challenge_open_and_a_right_one_uses_it(world: World) -> None:
    ann = await sign_up(world)
    await ann.enroll()
    challenge = await ann.challenge()
    code = ann.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert refused(await ann.verify(wrong, challenge)) == (422, "mfa_verification_failed")
    assert (await ann.verify(code, challenge)).status_code == 200
    assert refused(await ann.verify(ann.code(), challenge)) == (422, "mfa_challenge_expired")


async def test_a_challenge_is_of_one_session_and_one_factor(world: World) -> None:
    ann = await protected(world)
    again = await ann.again()
    assert refused(await again.verify(challenge=await ann.challenge())) == (422, "mfa_challenge_expired")
    second = await ann.enroll(friendly_name="tablet")
    asked = await ann.call("POST", f"/factors/{second.json()['id']}/challenge")
    assert refused(await ann.verify(challenge=asked.json()["id"])) == (422, "mfa_challenge_expired")


@pytest.mark.parametrize("challenge", ["x", "00000000-0000-0000-0000-000000000000"])
async def test_what_was_never_a_challenge_reads_like_an_old_one(world: World, challenge: str) -> None:
    ann = await sign_up(world)
    await ann.enroll()
    assert refused(await ann.verify("123456", challenge)) == (422, "mfa_challenge_expired")


@pytest.mark.parametrize("code", [123456, 123456.0, True, None, ["123456"], {"$gt": ""}])
async def test_codes_of_another_type_are_no_codes(world: World, code: Any) -> None:
    ann = await sign_up(world)
    await ann.enroll()
    body = {"challenge_id": await ann.challenge(), "code": code}
    answer = await ann.call("POST", f"/factors/{ann.factor}/verify", body)
    assert refused(answer) == (400, "validation_failed")


async def test_guessing_is_throttled_across_sessions(world: World) -> None:
    ann = await protected(world)
    codes = []
    for _ in range(3):
        again = await ann.again()
        for number in range(8):
            answer = await again.verify(f"{number:06}", "00000000-0000-0000-0000-000000000000")
            codes.append(answer.json()["code"])
    assert "over_request_rate_limit" in codes[:16]
    assert set(codes[16:]) == {"over_request_rate_limit"}
    assert (await ann.call("GET", "/user")).status_code == 200


async def test_factors_of_others_are_not_there(world: World) -> None:
    ann, bob = await protected(world), await protected(world, "bob@example.com")
    for method, path, body in (
        ("POST", "/challenge", None),
        ("POST", "/verify", {"challenge_id": await bob.challenge(), "code": bob.code()}),
        ("DELETE", "", None),
    ):
        for factor in (bob.factor, "00000000-0000-0000-0000-000000000000", "x"):
            answer = await ann.call(method, f"/factors/{factor}{path}", body)
            assert refused(answer) == (404, "mfa_factor_not_found")


async def test_who_has_a_factor_needs_it_to_change_factors(world: World) -> None:
    ann = await protected(world)
    again = await ann.again()
    assert refused(await again.enroll(friendly_name="mine")) == (422, "insufficient_aal")
    removed = await again.call("DELETE", f"/factors/{ann.factor}")
    assert refused(removed) == (422, "insufficient_aal")
    assert removed.json()["message"] == "AAL2 required to unenroll verified factor"
    assert refused(await again.call("POST", "/factors/recovery-codes")) == (422, "insufficient_aal")
    assert (await ann.enroll(friendly_name="tablet")).status_code == 200


async def test_a_factor_begun_before_the_first_was_proven_is_no_way_in_later(world: World) -> None:
    thief = await sign_up(world)
    await thief.enroll(friendly_name="thief")
    ann = await thief.again()
    ann.factor = ann.secret = ""
    await ann.enroll(friendly_name="phone")
    assert (await ann.verify()).status_code == 200
    back = await thief.again()
    assert refused(await back.verify()) == (422, "insufficient_aal")


async def test_names_are_of_one_factor_and_nameless_ones_are_as_many_as_you_like(world: World) -> None:
    ann = await sign_up(world)
    assert (await ann.enroll(friendly_name="phone")).status_code == 200
    assert refused(await ann.enroll(friendly_name="phone")) == (422, "mfa_factor_name_conflict")
    for name in (None, "", "  "):
        assert (await ann.enroll(friendly_name=name)).status_code == 200
    for name in ("a\nb", "a\u202eb", "a\0b", "x" * 101):
        assert refused(await ann.enroll(friendly_name=name)) == (400, "validation_failed")
    assert refused(await ann.enroll(issuer="x" * 61)) == (400, "validation_failed")


@pytest.mark.parametrize("kind", ["phone", "webauthn", "TOTP", ""])
async def test_other_kinds_of_factors_are_refused(world: World, kind: str) -> None:
    ann = await sign_up(world)
    assert refused(await ann.call("POST", "/factors", {"factor_type": kind})) == (400, "validation_failed")


async def test_ten_factors_are_the_most_also_for_twenty_at_once(world: World) -> None:
    ann = await sign_up(world)
    answers = await asyncio.gather(*(ann.enroll() for _ in range(20)))
    assert sum(answer.status_code == 200 for answer in answers) == 10
    assert {answer.json()["code"] for answer in answers if answer.status_code != 200} == {
        "too_many_enrolled_mfa_factors"
    }


async def test_removing_a_factor_takes_aal2_from_everybody_and_leaves_the_owner_signed_in(
    world: World,
) -> None:
    ann = await protected(world)
    other = await ann.again()
    assert (await other.verify()).status_code == 200
    answer = await ann.call("DELETE", f"/factors/{ann.factor}")
    assert (answer.status_code, answer.json()) == (200, {"id": ann.factor})
    assert refused(await other.call("GET", "/user")) == (403, "session_not_found")
    # The token still says aal2, and is not believed.
    me = await ann.call("GET", "/user")
    assert me.status_code == 200
    assert "factors" not in me.json()
    assert world.app.tokens.verify(ann.token).aal == 1
    assert refused(await ann.call("DELETE", f"/factors/{ann.factor}")) == (404, "mfa_factor_not_found")
    renewed = (await world.refresh(ann.session["refresh_token"])).json()["access_token"]
    assert claims(renewed)["aal"] == "aal1"
    assert methods(renewed) == ["password"]


async def test_a_factor_that_was_never_proven_is_removed_by_anybody_who_may_sign_in(world: World) -> None:
    ann = await sign_up(world)
    await ann.enroll()
    assert (await ann.call("DELETE", f"/factors/{ann.factor}")).json() == {"id": ann.factor}
    assert (await ann.call("GET", "/user")).status_code == 200


async def test_recovery_codes_stand_in_for_the_factor_once_each(world: World) -> None:
    ann = await protected(world)
    codes = (await ann.call("POST", "/factors/recovery-codes")).json()["codes"]
    assert len(set(codes)) == 10
    lost = await ann.again()
    used = await lost.call("POST", "/factors/recovery-codes/verify", {"code": f" {codes[0].upper()} "})
    assert used.status_code == 200
    assert claims(used.json()["access_token"])["aal"] == "aal2"
    assert methods(used.json()["access_token"]) == ["recovery_code", "password"]
    again = await ann.again()
    for code in (codes[0], "", "x", codes[1][:-1]):
        answer = await again.call("POST", "/factors/recovery-codes/verify", {"code": code})
        assert refused(answer) == (422, "mfa_verification_failed")
    lost.session = used.json()
    assert (await lost.call("DELETE", f"/factors/{ann.factor}")).status_code == 200
    # With the last factor its codes are gone.
    body = {"code": codes[2]}
    assert refused(await lost.call("POST", "/factors/recovery-codes/verify", body)) == (
        422,
        "mfa_verification_failed",
    )


async def test_new_recovery_codes_replace_the_old_and_are_nobody_elses(world: World) -> None:
    ann, bob = await protected(world), await protected(world, "bob@example.com")
    old = (await ann.call("POST", "/factors/recovery-codes")).json()["codes"]
    new = (await ann.call("POST", "/factors/recovery-codes")).json()["codes"]
    assert not set(old) & set(new)
    again = await ann.again()
    path = "/factors/recovery-codes/verify"
    assert refused(await again.call("POST", path, {"code": old[0]})) == (422, "mfa_verification_failed")
    other = await bob.again()
    assert refused(await other.call("POST", path, {"code": new[0]})) == (422, "mfa_verification_failed")
    assert (await again.call("POST", path, {"code": new[0].replace("-", "")})).status_code == 200


async def test_of_many_at_once_with_one_recovery_code_one_gets_in(world: World) -> None:
    ann = await protected(world)
    code = (await ann.call("POST", "/factors/recovery-codes")).json()["codes"][0]
    others = [await ann.again() for _ in range(6)]
    answers = await asyncio.gather(
        *(one.call("POST", "/factors/recovery-codes/verify", {"code": code}) for one in others)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422, 422, 422]


async def test_a_session_in_a_cookie_stays_in_a_cookie_and_the_old_one_ends(world: World) -> None:
    await world.sign_up("ann@example.com")
    body = {"email": "ann@example.com", "password": PASSWORD}
    signed = await world.call("POST", "/token?grant_type=password&session=cookie", body)
    first = signed.headers["set-cookie"].partition(";")[0]
    proof = {"X_CSRF_Token": signed.json()["csrf_token"], "Cookie": first, "Origin": "http://testserver"}
    world.client.cookies.clear()
    made = (await world.call("POST", "/factors", {"factor_type": "totp"}, None, **proof)).json()
    asked = (await world.call("POST", f"/factors/{made['id']}/challenge", None, None, **proof)).json()
    code = pyotp.TOTP(made["totp"]["secret"]).now()
    answer = await world.call(
        "POST", f"/factors/{made['id']}/verify", {"challenge_id": asked["id"], "code": code}, None, **proof
    )
    world.client.cookies.clear()
    assert answer.status_code == 200
    assert "access_token" not in answer.json()
    second = answer.headers["set-cookie"].partition(";")[0]
    assert second != first
    assert (await world.call("GET", "/user", Cookie=first)).status_code == 401
    assert (await world.call("GET", "/user", Cookie=second)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/factors"),
        ("POST", "/factors/x/challenge"),
        ("POST", "/factors/x/verify"),
        ("DELETE", "/factors/x"),
        ("POST", "/factors/recovery-codes"),
        ("POST", "/factors/recovery-codes/verify"),
    ],
)
async def test_strangers_have_no_factors(world: World, method: str, path: str) -> None:
    assert (await world.call(method, path)).status_code == 401
