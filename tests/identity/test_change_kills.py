"""What a change ends, on two processes: each way to carry a session, and an API key, before and after each change.

In charge of the whole table: whatever is not named as ended has to work on as before.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from json import loads
from typing import Any
from uuid import uuid4

import pyotp
import pytest

from tests.identity.both import PASSWORD, Both, eventually

OTHER = "another long enough phrase"
PROCESSES = (0, 1)


@dataclass
class Holder:
    """A user who is an editor and signed in three times, and an API key that somebody gave out.

    Attributes:
        acting: the session that makes the change, where a user makes it.
        other: one on another device.
        cookie: one in a browser, as a header.
        key: of the API key: `id` and `api_key`.
    """

    both: Both
    acting: dict[str, Any]
    other: dict[str, Any]
    cookie: dict[str, str]
    key: dict[str, Any]

    def is_alive(self, what: str, process: int) -> bool:
        """True when this is honoured by that process; False when it is refused as it should be.

        `access` is judged at the records, where it is most used.
        """
        who, _, kind = what.partition(" ")
        client = self.both.clients[process]
        if who == "key":
            header = {"Authorization": f"Bearer {self.key['api_key']}"}
            return _judged(client.get("/auth/v1/admin/users", headers=header).status_code, {401})
        if kind == "refresh":
            body = {"refresh_token": getattr(self, who)["refresh_token"]}
            answer = self.both.call(process, "POST", "/token?grant_type=refresh_token", body)
            return _judged(answer.status_code, {400, 403})
        header = self.cookie if who == "cookie" else _bearer(getattr(self, who))
        if kind == "editor":
            return _judged(client.get("/rest/v1/drafts", headers=header).status_code, {401, 404})
        answer = client.get("/rest/v1/notes?select=id", headers=header)
        return _judged(answer.status_code, {401, 404})


def _bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


def _judged(status: int, refused: set[int]) -> bool:
    assert status == 200 or status in refused, status
    return status == 200


ACTING = {"acting access", "acting refresh", "acting editor"}
ELSEWHERE = {"other access", "other refresh", "other editor", "cookie access", "cookie editor"}
EVERYTHING = ACTING | ELSEWHERE | {"key"}
ACCESS = {"acting access", "acting editor", "other access", "other editor"}
EDITOR = {"acting editor", "other editor", "cookie editor"}


@pytest.fixture
def holder(both: Both) -> Holder:
    acting = both.session()
    email, user_id = acting["email"], acting["user"]["id"]
    both.admin(0, "PUT", f"/admin/users/{user_id}/roles/editor")
    acting, other = (_signed_in(both, email) for _ in range(2))
    answer = both.clients[1].post(
        "/auth/v1/token?grant_type=password&session=cookie", json={"email": email, "password": PASSWORD}
    )
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
    both.clients[1].cookies.clear()
    body = {"name": uuid4().hex, "permissions": ["users:read"]}
    return Holder(both, acting, other, cookie, both.admin(0, "POST", "/admin/api_keys", body).json())


def _signed_in(both: Both, email: str) -> dict[str, Any]:
    answer = both.call(0, "POST", "/token?grant_type=password", {"email": email, "password": PASSWORD})
    session: dict[str, Any] = answer.json()
    return session


def own(method: str, path: str, body: Any = None) -> Callable[[Holder], None]:
    """A change that the user makes."""

    def act(holder: Holder) -> None:
        done = holder.both.call(0, method, path, body, holder.acting["access_token"])
        assert done.status_code in (200, 204), done.text

    return act


def administrators(method: str, path: str, body: Any = None) -> Callable[[Holder], None]:
    """A change that an administrator makes."""

    def act(holder: Holder) -> None:
        path_of = path.format(user=holder.acting["user"]["id"], key=holder.key["id"])
        holder.both.admin(0, method, path_of, body)

    return act


def second_factor(holder: Holder) -> None:
    """The user proves a first factor; the session that did goes on with new tokens."""
    both, token = holder.both, holder.acting["access_token"]
    factor = both.call(0, "POST", "/factors", {"factor_type": "totp"}, token).json()
    challenge = both.call(0, "POST", f"/factors/{factor['id']}/challenge", {}, token).json()
    body = {"challenge_id": challenge["id"], "code": pyotp.TOTP(factor["totp"]["secret"]).now()}
    raised = both.call(0, "POST", f"/factors/{factor['id']}/verify", body, token)
    assert raised.status_code == 200, raised.text
    holder.acting = raised.json()


def signing_key(holder: Holder) -> None:
    """An operator revokes the key that signed the tokens."""
    header = holder.acting["access_token"].partition(".")[0]
    kid = loads(urlsafe_b64decode(header + "=="))["kid"]
    holder.both.backstay("keys", "revoke", kid, "--yes")


def disabled(holder: Holder) -> None:
    """An operator disables the user."""
    holder.both.backstay("user", "disable", holder.acting["user"]["email"])


def made_again(holder: Holder) -> None:
    """A role is removed, and one of the same name made, which nobody has."""
    holder.both.admin(0, "DELETE", "/admin/roles/editor")
    holder.both.admin(0, "PUT", "/admin/roles/editor", {"permissions": []})


TABLE: dict[str, tuple[Callable[[Holder], None], set[str]]] = {
    "sign-out-local": (own("POST", "/logout?scope=local"), ACTING),
    "sign-out-others": (own("POST", "/logout?scope=others"), ELSEWHERE),
    "sign-out-global": (own("POST", "/logout?scope=global"), ACTING | ELSEWHERE),
    "password": (own("PUT", "/user", {"password": OTHER}), ELSEWHERE),
    "factor": (second_factor, ELSEWHERE),
    "admin-password": (administrators("PUT", "/admin/users/{user}", {"password": OTHER}), ACTING | ELSEWHERE),
    "admin-sign-out": (administrators("DELETE", "/admin/users/{user}/sessions"), ACTING | ELSEWHERE),
    "ban": (administrators("PUT", "/admin/users/{user}", {"ban_duration": "1h"}), ACTING | ELSEWHERE),
    "delete": (administrators("DELETE", "/admin/users/{user}"), ACTING | ELSEWHERE),
    "soft-delete": (
        administrators("DELETE", "/admin/users/{user}", {"should_soft_delete": True}),
        ACTING | ELSEWHERE,
    ),
    "disable": (disabled, ACTING | ELSEWHERE),
    # What tokens say of the address is true no longer; sessions go on, and get new ones.
    "admin-address": (
        administrators("PUT", "/admin/users/{user}", {"email": f"{uuid4().hex}@example.com"}),
        ACCESS,
    ),
    "role-made-again": (made_again, EDITOR),
    "role": (administrators("DELETE", "/admin/users/{user}/roles/editor"), EDITOR),
    "api-key": (administrators("DELETE", "/admin/api_keys/{key}"), {"key"}),
    "signing-key": (signing_key, ACCESS),
}


@pytest.mark.parametrize("change", TABLE)
def test_what_a_change_ends_is_refused_by_both_processes_and_nothing_else(
    holder: Holder, change: str
) -> None:
    act, ended = TABLE[change]
    for process in PROCESSES:
        for what in sorted(EVERYTHING - {"acting refresh", "other refresh"}):
            eventually(partial(holder.is_alive, what, process), f"{what} is good at first")
    act(holder)
    for process in PROCESSES:
        for what in sorted(ended):
            eventually(partial(_is_refused, holder, what, process), f"{what} ends on process {process}")
        for what in sorted(EVERYTHING - ended):
            assert holder.is_alive(what, process), f"{what} goes on, on process {process}"


def _is_refused(holder: Holder, what: str, process: int) -> bool:
    return not holder.is_alive(what, process)


def test_a_role_that_is_given_holds_on_both_processes(both: Both) -> None:
    session = both.session()
    token, path = session["access_token"], f"/admin/users/{session['user']['id']}/roles/admin"
    for process in PROCESSES:
        assert both.call(process, "GET", "/admin/users", None, token).status_code == 403
    both.admin(0, "PUT", path)
    for process in PROCESSES:
        eventually(partial(_is_administrator, both, process, token), f"an administrator on process {process}")


def _is_administrator(both: Both, process: int, token: str) -> bool:
    return both.call(process, "GET", "/admin/users", None, token).status_code == 200
