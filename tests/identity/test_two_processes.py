"""Two processes on one database: what is used once is used once, and what one ends the other refuses in a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pyotp
import pytest

from tests.identity.served import SECRET_KEY, Served

PASSWORD = "correct horse battery staple"
OTHER = "another long enough phrase"
AT_ONCE = 20
# What is promised is a second; the machine may be busy.
BOUND_SECONDS = 3.0


class Both:
    """The two processes, asked in turn."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.clients = [httpx.Client(base_url=address, timeout=30) for address in served.addresses]

    def call(
        self, process: int, method: str, path: str, body: Any = None, token: str | None = None
    ) -> httpx.Response:
        headers = {"X-Supabase-Api-Version": "2024-01-01"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.clients[process % 2].request(method, f"/auth/v1{path}", json=body, headers=headers)

    def admin(self, process: int, method: str, path: str, body: Any = None) -> httpx.Response:
        answer = self.call(process, method, path, body, SECRET_KEY)
        assert answer.status_code < 300, answer.text
        return answer

    def at_once(self, method: str, path: str, body: Any, token: str | None = None) -> list[httpx.Response]:
        """The same request twenty times, at both."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda n: self.call(n, method, path, body, token), range(AT_ONCE)))

    def session(self) -> dict[str, Any]:
        """A new user's."""
        email = f"two{uuid4().hex}@example.com"
        self.admin(0, "POST", "/admin/users", {"email": email, "password": PASSWORD, "email_confirm": True})
        answer = self.call(0, "POST", "/token?grant_type=password", {"email": email, "password": PASSWORD})
        session: dict[str, Any] = answer.json()
        session["email"] = email
        return session


@pytest.fixture(scope="module")
def both(two_processes: Served) -> Iterator[Both]:
    both = Both(two_processes)
    yield both
    for client in both.clients:
        client.close()


def successes(answers: list[httpx.Response]) -> list[dict[str, Any]]:
    assert {answer.status_code for answer in answers} <= {200, 400, 403, 404, 409, 422, 429}
    return [answer.json() for answer in answers if answer.status_code == 200]


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


def test_a_recovery_link_is_used_once(both: Both) -> None:
    email = both.session()["email"]
    made = both.admin(0, "POST", "/admin/generate_link", {"type": "recovery", "email": email}).json()
    body = {"type": "recovery", "token_hash": made["hashed_token"]}
    assert len(successes(both.at_once("POST", "/verify", body))) == 1


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


def sign_out(scope: str) -> Callable[[Both, dict[str, Any]], None]:
    def act(both: Both, session: dict[str, Any]) -> None:
        assert (
            both.call(0, "POST", f"/logout?scope={scope}", None, session["access_token"]).status_code == 204
        )

    return act


def change(method: str, path: str, body: Any = None) -> Callable[[Both, dict[str, Any]], None]:
    def act(both: Both, session: dict[str, Any]) -> None:
        both.admin(0, method, path.replace("{id}", session["user"]["id"]), body)

    return act


def own_password(both: Both, session: dict[str, Any]) -> None:
    other = both.call(
        0, "POST", "/token?grant_type=password", {"email": session["email"], "password": PASSWORD}
    ).json()
    done = both.call(0, "PUT", "/user", {"password": OTHER}, other["access_token"])
    assert done.status_code == 200, done.text


def second_factor(both: Both, session: dict[str, Any]) -> None:
    other = both.call(
        0, "POST", "/token?grant_type=password", {"email": session["email"], "password": PASSWORD}
    ).json()["access_token"]
    factor = both.call(0, "POST", "/factors", {"factor_type": "totp"}, other).json()
    challenge = both.call(0, "POST", f"/factors/{factor['id']}/challenge", {}, other).json()
    body = {"challenge_id": challenge["id"], "code": pyotp.TOTP(factor["totp"]["secret"]).now()}
    assert both.call(0, "POST", f"/factors/{factor['id']}/verify", body, other).status_code == 200


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(sign_out("local"), id="sign-out-local"),
        pytest.param(sign_out("global"), id="sign-out-global"),
        pytest.param(own_password, id="password-change"),
        pytest.param(second_factor, id="factor-change"),
        pytest.param(change("PUT", "/admin/users/{id}", {"ban_duration": "1h"}), id="ban"),
        pytest.param(change("DELETE", "/admin/users/{id}"), id="delete"),
        pytest.param(change("PUT", "/admin/users/{id}", {"password": OTHER}), id="admin-password"),
        pytest.param(change("DELETE", "/admin/users/{id}/sessions"), id="admin-sign-out"),
    ],
)
def test_what_one_process_ends_the_other_refuses(
    both: Both, act: Callable[[Both, dict[str, Any]], None]
) -> None:
    session = both.session()
    token = session["access_token"]
    for process in (0, 1):
        assert both.call(process, "GET", "/user", None, token).status_code == 200
    act(both, session)
    assert both.call(0, "GET", "/user", None, token).status_code == 403
    eventually(lambda: both.call(1, "GET", "/user", None, token).status_code == 403)
    for process in (0, 1):
        refreshed = both.call(
            process, "POST", "/token?grant_type=refresh_token", {"refresh_token": session["refresh_token"]}
        )
        assert refreshed.status_code in (400, 403)


def test_a_sign_out_elsewhere_ends_cookies_on_both_processes(both: Both) -> None:
    session = both.session()
    answer = both.clients[1].post(
        "/auth/v1/token?grant_type=password&session=cookie",
        json={"email": session["email"], "password": PASSWORD},
    )
    value = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
    both.clients[1].cookies.clear()
    for client in both.clients:
        assert client.get("/auth/v1/user", headers=value).status_code == 200
    assert both.call(0, "POST", "/logout?scope=others", None, session["access_token"]).status_code == 204
    for client in both.clients:
        eventually(partial(_is, 401, client.get, "/auth/v1/user", headers=value))


def test_a_role_is_true_on_both_processes(both: Both) -> None:
    session = both.session()
    token, path = session["access_token"], f"/admin/users/{session['user']['id']}/roles/admin"
    for process in (0, 1):
        assert both.call(process, "GET", "/admin/users", None, token).status_code == 403
    both.admin(0, "PUT", path)
    for process in (0, 1):
        eventually(partial(_is, 200, both.call, process, "GET", "/admin/users", None, token))
    both.admin(1, "DELETE", path)
    for process in (0, 1):
        eventually(partial(_is, 403, both.call, process, "GET", "/admin/users", None, token))


def test_an_api_key_is_known_and_refused_on_both_processes(both: Both) -> None:
    made = both.admin(
        0, "POST", "/admin/api_keys", {"name": uuid4().hex, "permissions": ["users:read"]}
    ).json()
    asks = [partial(both.call, process, "GET", "/admin/users", None, made["api_key"]) for process in (0, 1)]
    for ask in asks:
        eventually(partial(_is, 200, ask))
    both.admin(1, "DELETE", f"/admin/api_keys/{made['id']}")
    for ask in asks:
        eventually(partial(_is, 401, ask))


def _is(status: int, ask: Callable[..., httpx.Response], *words: Any, **options: Any) -> bool:
    return ask(*words, **options).status_code == status


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + BOUND_SECONDS
    while not holds():
        assert time.monotonic() < end, "it does not hold within the bound"
        time.sleep(0.05)
