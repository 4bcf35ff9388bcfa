"""Two processes on one database: what is used once is used once, whichever of them is asked."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pyotp
import pytest

from tests.api.identity.provider import Liar, query
from tests.identity.both import AT_ONCE, PASSWORD, Both
from tests.identity.served import SECRET_KEY


def successes(answers: list[httpx.Response]) -> list[dict[str, Any]]:
    assert {answer.status_code for answer in answers} <= {200, 400, 403, 404, 409, 422, 429}
    return [answer.json() for answer in answers if answer.status_code == 200]


def new_address() -> str:
    return f"new{uuid4().hex}@example.com"


def one_each(both: Both, *requests: tuple[Any, ...]) -> list[httpx.Response]:
    """Different requests at once, each at another process."""
    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(lambda n: both.call(n, *requests[n]), range(len(requests))))


def test_a_refresh_token_has_one_child(both: Both) -> None:
    session = both.session()
    answers = both.at_once(
        "POST", "/token?grant_type=refresh_token", {"refresh_token": session["refresh_token"]}
    )
    children = successes(answers)
    assert len(children) == AT_ONCE
    assert len({child["refresh_token"] for child in children}) == 1


def test_a_mailed_code_is_used_once(both: Both) -> None:
    email = both.session()["email"]
    assert both.call(1, "POST", "/otp", {"email": email}).status_code == 200
    body = {"type": "email", "email": email, "token": both.served.code(email)}
    assert len(successes(both.at_once("POST", "/verify", body))) == 1


@pytest.mark.parametrize("kind", ["recovery", "signup", "invite", "magiclink", "email_change_new"])
def test_a_mailed_link_is_used_once(both: Both, kind: str) -> None:
    email = both.session()["email"] if kind in ("recovery", "email_change_new") else new_address()
    wanted = {"type": kind, "email": email, "password": PASSWORD, "new_email": new_address()}
    made = both.admin(0, "POST", "/admin/generate_link", wanted).json()
    body = {"type": kind, "token_hash": made["hashed_token"]}
    assert len(successes(both.at_once("POST", "/verify", body))) == 1


def test_a_mailed_proof_of_ownership_is_used_once(both: Both) -> None:
    session = both.session()
    assert both.call(1, "GET", "/reauthenticate", None, session["access_token"]).status_code == 200
    body = {"password": f"another {PASSWORD}", "nonce": both.served.code(session["email"])}
    assert len(successes(both.at_once("PUT", "/user", body, session["access_token"]))) == 1


def test_both_addresses_agree_at_once(both: Both) -> None:
    """The second of the two makes the change, also when neither has seen the other."""
    for _ in range(8):
        session, new = both.session(), new_address()
        links = []
        for kind in ("email_change_current", "email_change_new"):
            wanted = {"type": kind, "email": session["email"], "new_email": new}
            links.append(both.admin(0, "POST", "/admin/generate_link", wanted).json()["hashed_token"])
        bodies = [{"type": "email_change", "token_hash": link} for link in links]
        answers = one_each(both, *(("POST", "/verify", body) for body in bodies))
        assert [answer.status_code for answer in answers] == [200, 200]
        user = both.admin(1, "GET", f"/admin/users/{session['user']['id']}").json()
        assert user["email"] == new


def test_a_ban_does_not_wait_for_a_link_that_waits_for_it(both: Both) -> None:
    """Regression: the one locked the user and then their letters, the other the other way round."""
    for _ in range(8):
        session = both.session()
        links = []
        for kind in ("recovery", "magiclink"):
            wanted = {"type": kind, "email": session["email"]}
            made = both.admin(0, "POST", "/admin/generate_link", wanted).json()
            links.append({"type": kind, "token_hash": made["hashed_token"]})
        banned, *used = one_each(
            both,
            ("PUT", f"/admin/users/{session['user']['id']}", {"ban_duration": "1h"}, SECRET_KEY),
            *(("POST", "/verify", link) for link in links),
        )
        assert banned.status_code == 200, banned.text
        assert {answer.status_code for answer in used} <= {200, 403}


def test_of_two_identities_that_are_unlinked_at_once_one_is_left(both: Both, liar: Liar) -> None:
    session = both.session()
    liar.claims = {"sub": uuid4().hex, "email": None}
    body = {"provider": "oidc", "id_token": liar.token("n"), "nonce": "n", "link_identity": True}
    linked = both.call(0, "POST", "/token?grant_type=id_token", body, session["access_token"]).json()
    paths = [f"/user/identities/{one['identity_id']}" for one in linked["user"]["identities"]]
    answers = one_each(both, *(("DELETE", path, None, session["access_token"]) for path in paths))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    left = both.call(1, "GET", "/user", None, session["access_token"]).json()
    assert len(left["identities"]) == 1


def test_a_user_who_is_made_twice_at_once_exists_already(both: Both) -> None:
    answers = both.at_once("POST", "/admin/users", {"email": new_address()}, SECRET_KEY)
    assert sorted({answer.status_code for answer in answers}) == [200, 422]
    assert len(successes(answers)) == 1
    assert {a.json()["code"] for a in answers if a.status_code == 422} == {"email_exists"}


def test_a_flow_code_is_exchanged_once(both: Both) -> None:
    verifier = "v" * 50
    email = both.session()["email"]
    asked = both.call(
        0, "POST", "/otp", {"email": email, "code_challenge": verifier, "code_challenge_method": "plain"}
    )
    assert asked.status_code == 200
    both.served.code(email)
    newest = max(both.served.mails.glob("*.eml"))
    text = newest.read_text().replace("=\n", "").replace("=3D", "=")
    link = next(word for word in text.split() if "/auth/v1/verify?" in word)
    location = both.clients[1].get(urlsplit(link)._replace(scheme="", netloc="").geturl()).headers["location"]
    code = parse_qs(urlsplit(location).query)["code"][0]
    body = {"auth_code": code, "code_verifier": verifier}
    assert len(successes(both.at_once("POST", "/token?grant_type=pkce", body))) == 1


def test_the_answer_of_a_provider_is_used_once(both: Both, liar: Liar) -> None:
    """The same state and code, brought to the callback by the browser that asked, twenty times at once."""
    asked = both.clients[0].get("/auth/v1/authorize?provider=oidc")
    assert asked.status_code == 303, asked.text
    cookie = {"Cookie": asked.headers["set-cookie"].partition(";")[0]}
    both.clients[0].cookies.clear()
    callback = f"/auth/v1/callback?{query(liar.consent(asked.headers['location']))}"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda n: both.clients[n % 2].get(callback, headers=cookie), range(AT_ONCE)))
    for client in both.clients:
        client.cookies.clear()
    # Whoever comes too late is nobody's browser on its way back from anywhere.
    assert sorted(answer.status_code for answer in answers) == [303, *[400] * (AT_ONCE - 1)]
    signed_in = next(answer for answer in answers if answer.status_code == 303)
    assert "access_token=" in signed_in.headers["location"]


def test_a_totp_code_and_a_recovery_code_are_used_once(both: Both) -> None:
    session = both.session()
    token = session["access_token"]
    factor = both.call(0, "POST", "/factors", {"factor_type": "totp"}, token).json()
    challenge = both.call(1, "POST", f"/factors/{factor['id']}/challenge", {}, token).json()
    body = {"challenge_id": challenge["id"], "code": pyotp.TOTP(factor["totp"]["secret"]).now()}
    raised = successes(both.at_once("POST", f"/factors/{factor['id']}/verify", body, token))
    assert len(raised) == 1
    codes = both.call(0, "POST", "/factors/recovery-codes", {}, raised[0]["access_token"]).json()
    again = both.call(
        0, "POST", "/token?grant_type=password", {"email": session["email"], "password": PASSWORD}
    ).json()
    code = next(value for value in codes.values() if isinstance(value, list))[0]
    used = both.at_once("POST", "/factors/recovery-codes/verify", {"code": code}, again["access_token"])
    assert len(successes(used)) == 1


def test_while_keys_rotate_every_token_is_good_at_once_on_both_processes(both: Both) -> None:
    """What one process signs the other reads the next moment, before, while and after the key changes, twice."""
    session = both.session()
    statuses: list[int] = []
    kids: set[str] = set()
    stop = Event()

    def use(process: int) -> None:
        mine = both.call(
            process, "POST", "/token?grant_type=password", {"email": session["email"], "password": PASSWORD}
        ).json()
        while not stop.is_set():
            body = {"refresh_token": mine["refresh_token"]}
            renewed = both.call(process, "POST", "/token?grant_type=refresh_token", body)
            mine = renewed.json()
            kids.add(mine["access_token"].partition(".")[0])
            read = both.call(process + 1, "GET", "/user", None, mine["access_token"])
            statuses.extend((renewed.status_code, read.status_code))

    with ThreadPoolExecutor(2) as pool:
        users = [pool.submit(use, process) for process in (0, 1)]
        for _ in range(2):
            both.backstay("keys", "rotate")
            # Longer than a process needs to hear of the key that will sign after this one.
            time.sleep(1.5)
        stop.set()
        for user in users:
            user.result()
    assert set(statuses) == {200}
    assert len(kids) == 3
