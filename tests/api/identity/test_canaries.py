"""Secrets that are sent to every endpoint turn up nowhere but where they belong."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import text

import backstay.app
from backstay.middleware.log import configure_logging
from backstay.repositories.auth.audit import AuditRepository
from backstay.services.context import Context
from tests.api.identity.conftest import SECRET_KEY, World
from tests.api.identity.test_matrix import asked

PASSWORD = "canary-password-7d1f0b6a correct horse"
TOKEN = "canarytoken7d1f0b6acanarytoken7d1f0b6acanary"
CANARIES = ("canary-password-7d1f0b6a", "canarytoken7d1f0b6a", "87654321")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> BytesIO:
    """What the application of the test logs."""
    stream = BytesIO()
    monkeypatch.setattr(backstay.app, "configure_logging", partial(configure_logging, stream=stream))
    return stream


@pytest.mark.auth(throttle_factor=1000)
async def test_no_canary_is_logged_recorded_told_or_mailed(logged: BytesIO, world: World) -> None:
    email = "canary@example.com"
    await world.call("POST", "/signup", {"email": email, "password": PASSWORD})
    session = (
        await world.call(
            "POST", "/verify", {"type": "signup", "email": email, "token": await world.code(email)}
        )
    ).json()
    secrets = [session["access_token"], session["refresh_token"], PASSWORD]
    body: dict[str, Any] = {
        "email": email, "password": PASSWORD, "current_password": PASSWORD, "nonce": "87654321", "token": "87654321",
        "type": "recovery", "token_hash": TOKEN, "refresh_token": TOKEN, "auth_code": TOKEN, "code_verifier": TOKEN,
        "id_token": TOKEN, "code": "876543", "challenge_id": "5e0c6a0e-0000-4000-8000-000000000000",
        "factor_type": "totp", "provider": "oidc", "password_hash": TOKEN, "name": "x",
    }  # fmt: skip
    answers = []
    for endpoint in world.app.identity.endpoints:
        for headers in ({}, {"Authorization": f"Bearer {session['access_token']}"}, {"apikey": SECRET_KEY}):
            if endpoint.path.endswith("/logout"):
                continue
            path = endpoint.path.replace("{name}", "nothing").split("{")[0].rstrip("/")
            answers.append(await asked(world, endpoint, headers))
            if endpoint.body is not None and not endpoint.form:
                for grant in ("password", "refresh_token", "pkce", "id_token"):
                    url = f"{path}?grant_type={grant}" if path.endswith("/token") else path
                    answers.append(
                        await world.client.request(endpoint.method, url, json=body, headers=headers)
                    )
            answers.append(await world.client.get(f"{path}?token={TOKEN}&code={TOKEN}&state={TOKEN}"))
    mails = await world.mails(email)
    # Without the lines of the tests' own client, which are about what it sends.
    lines = logged.getvalue().decode().splitlines()
    log = "\n".join(one for one in lines if "logger=httpx" not in one)
    assert "request_finished" in log
    for canary in (*CANARIES, *secrets):
        assert canary not in log
        for mail in mails:
            assert canary not in mail.text
        for answer in answers:
            if answer.status_code >= 400:
                assert canary not in answer.text
    async with world.app.units.begin(Context(), reading=True) as database:
        entries, _ = await AuditRepository(database).page(limit=1000)
    for entry in entries:
        for canary in (*CANARIES, *secrets):
            assert canary not in str(entry.details)
    assert all(answer.status_code < 500 for answer in answers)


async def test_what_a_failed_statement_was_given_is_not_logged(logged: BytesIO, world: World) -> None:
    async with world.app.units.begin(Context()) as database:
        await database.execute(text("ALTER TABLE backstay_one_time_tokens RENAME TO gone"))
    answers = [
        await world.call("POST", "/signup", {"email": "canary-address@example.com", "password": PASSWORD}),
        await world.call("POST", "/verify", {"type": "signup", "token_hash": TOKEN[:43]}),
    ]
    assert answers[0].status_code == 500
    assert "canary" not in answers[0].text
    log = logged.getvalue().decode()
    assert log.count("request_failed") == 2
    assert "FROM backstay_one_time_tokens" in log
    for canary in (*CANARIES, "canary-address", "$argon2id$", "parameters: ("):
        assert canary not in log
