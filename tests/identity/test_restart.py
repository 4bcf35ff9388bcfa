"""What was used or ended before a process died is used and ended after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest

from tests.api.identity.provider import Liar
from tests.conftest import ENGINES
from tests.identity.conftest import database, signing_in_at
from tests.identity.served import SECRET_KEY, Served, again, serving

PASSWORD = "correct horse battery staple"


def call(address: str, path: str, body: Any, token: str | None = None) -> httpx.Response:
    headers = {"X-Supabase-Api-Version": "2024-01-01"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.post(f"{address}/auth/v1{path}", json=body, headers=headers, timeout=30)


# What was used once: path, body, token, and the code of the refusal of a second use.
Use = tuple[str, Any, str | None, str]


def uses_by_mail(served: Served, email: str) -> list[Use]:
    """A code, a link, and the code that a link was exchanged for."""
    address, verifier = served.address, "v" * 50
    call(address, "/otp", {"email": email})
    code = {"type": "email", "email": email, "token": served.code(email)}
    assert call(address, "/verify", code).status_code == 200
    made = call(address, "/admin/generate_link", {"type": "recovery", "email": email}, SECRET_KEY).json()
    link = {"type": "recovery", "token_hash": made["hashed_token"]}
    call(address, "/otp", {"email": email, "code_challenge": verifier, "code_challenge_method": "plain"})
    served.code(email)
    text = max(served.mails.glob("*.eml")).read_text().replace("=\n", "").replace("=3D", "=")
    followed = httpx.get(next(word for word in text.split() if "/auth/v1/verify?" in word))
    flow = {
        "auth_code": parse_qs(urlsplit(followed.headers["location"]).query)["code"][0],
        "code_verifier": verifier,
    }
    uses: list[Use] = [
        ("/verify", code, None, "otp_expired"),
        ("/verify", link, None, "otp_expired"),
        ("/token?grant_type=pkce", flow, None, "flow_state_not_found"),
    ]
    for path, body, token, _ in uses[1:]:
        assert call(address, path, body, token).status_code == 200
    return uses


def uses_of_factors(address: str) -> list[Use]:
    """A code of an app, and a recovery code."""
    bob = {"email": "bob@example.com", "password": PASSWORD, "email_confirm": True}
    call(address, "/admin/users", bob, SECRET_KEY)
    token = call(address, "/token?grant_type=password", bob).json()["access_token"]
    factor = call(address, "/factors", {"factor_type": "totp"}, token).json()
    path = f"/factors/{factor['id']}"
    challenge = call(address, f"{path}/challenge", {}, token).json()["id"]
    proof = {"challenge_id": challenge, "code": pyotp.TOTP(factor["totp"]["secret"]).now()}
    token = call(address, f"{path}/verify", proof, token).json()["access_token"]
    recovery = {"code": call(address, "/factors/recovery-codes", {}, token).json()["codes"][0]}
    token = call(address, "/factors/recovery-codes/verify", recovery, token).json()["access_token"]
    proof["challenge_id"] = call(address, f"{path}/challenge", {}, token).json()["id"]
    return [
        ("/factors/recovery-codes/verify", recovery, token, "mfa_verification_failed"),
        (f"{path}/verify", proof, token, "mfa_verification_failed"),
    ]


def use_of_provider(address: str, liar: Liar) -> tuple[dict[str, str], str]:
    """What a browser brought back from a provider, and its cookie."""
    liar.reset()
    asked = httpx.get(f"{address}/auth/v1/authorize?provider=oidc")
    values, cookie = liar.consent(asked.headers["location"]), asked.headers["set-cookie"].partition(";")[0]
    assert "access_token=" in answered(address, values, cookie).headers["location"]
    return values, cookie


def answered(address: str, values: dict[str, str], cookie: str) -> httpx.Response:
    return httpx.get(f"{address}/auth/v1/callback", params=values, headers={"Cookie": cookie})


@pytest.mark.parametrize("engine", ENGINES)
def test_a_restart_makes_nothing_good_again(
    request: pytest.FixtureRequest, engine: str, tmp_path: Path, liar: Liar
) -> None:
    email = "ann@example.com"
    with serving(tmp_path, database(request, engine, tmp_path), processes=1, **signing_in_at(liar)) as served:
        made = {"email": email, "password": PASSWORD, "email_confirm": True}
        assert call(served.address, "/admin/users", made, SECRET_KEY).status_code == 200
        first = call(served.address, "/token?grant_type=password", made).json()
        ended = call(served.address, "/token?grant_type=password", made).json()
        assert call(served.address, "/logout?scope=local", None, ended["access_token"]).status_code == 204
        refresh = "/token?grant_type=refresh_token"
        token = first["refresh_token"]
        for _ in range(3):
            token = call(served.address, refresh, {"refresh_token": token}).json()["refresh_token"]
        used = [*uses_by_mail(served, email), *uses_of_factors(served.address)]
        callback = use_of_provider(served.address, liar)
        with again(served) as back:
            for path, body, bearer, code in used:
                assert (path, call(back.address, path, body, bearer).json()["code"]) == (path, code)
            assert answered(back.address, *callback).status_code == 400
            dead = httpx.get(
                f"{back.address}/auth/v1/user", headers={"Authorization": f"Bearer {ended['access_token']}"}
            )
            assert dead.status_code == 403
            alive = httpx.get(
                f"{back.address}/auth/v1/user", headers={"Authorization": f"Bearer {first['access_token']}"}
            )
            assert alive.status_code == 200
            assert call(back.address, refresh, {"refresh_token": token}).status_code == 200
            reused = call(back.address, refresh, {"refresh_token": first["refresh_token"]})
            assert reused.json()["code"] == "refresh_token_already_used"
