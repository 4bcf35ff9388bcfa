"""What was used or ended before a process died is used and ended after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import ENGINES
from tests.identity.conftest import database
from tests.identity.served import SECRET_KEY, again, serving

PASSWORD = "correct horse battery staple"


def call(address: str, path: str, body: Any, token: str | None = None) -> httpx.Response:
    headers = {"X-Supabase-Api-Version": "2024-01-01"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.post(f"{address}/auth/v1{path}", json=body, headers=headers, timeout=30)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_restart_makes_nothing_good_again(
    request: pytest.FixtureRequest, engine: str, tmp_path: Path
) -> None:
    email = "ann@example.com"
    with serving(tmp_path, database(request, engine, tmp_path)) as served:
        made = {"email": email, "password": PASSWORD, "email_confirm": True}
        assert call(served.address, "/admin/users", made, SECRET_KEY).status_code == 200
        first = call(served.address, "/token?grant_type=password", made).json()
        ended = call(served.address, "/token?grant_type=password", made).json()
        assert call(served.address, "/logout?scope=local", None, ended["access_token"]).status_code == 204
        refresh = "/token?grant_type=refresh_token"
        token = first["refresh_token"]
        for _ in range(3):
            token = call(served.address, refresh, {"refresh_token": token}).json()["refresh_token"]
        call(served.address, "/recover", {"email": email})
        used = {"type": "recovery", "email": email, "token": served.code(email)}
        assert call(served.address, "/verify", used).status_code == 200
        with again(served) as back:
            assert call(back.address, "/verify", used).json()["code"] == "otp_expired"
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
