"""The page of development that shows mails."""

from __future__ import annotations

import re

from tests.api.identity.conftest import World


async def test_a_developer_sees_what_would_have_been_mailed(world: World) -> None:
    await world.sign_up("ann+b@example.com")
    await world.mails("ann+b@example.com")
    index = await world.client.get("/dev/mails")
    assert "ann+b@example.com" in index.text
    page = await world.client.get(re.findall(r'href="(/dev/mails/[^"]+)"', index.text)[0])
    assert "/auth/v1/verify?token=" in page.text
    assert "sandbox" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_what_is_no_mail_is_not_found(world: World) -> None:
    for name in ("..", "x", "01a20bde-9e21-7a52-8fb3-bdfde94a3ff1", "%2e%2e%2fkeys.toml"):
        assert (await world.client.get(f"/dev/mails/{name}")).status_code in (400, 404)
