"""The middleware that names the caller: what it reads, where it puts the context, and when it lets nobody through."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError, Kind
from backstay.middleware.authenticate import Authenticate
from backstay.middleware.exchange import CONTEXT
from backstay.models.access.caller import ANONYMOUS, SERVICE
from backstay.services.auth.api_keys import ApiKeys
from backstay.services.auth.callers import Callers
from backstay.services.auth.tokens import AccessTokens
from backstay.services.context import Context

USER = UUID("0198c0de-0000-7000-8000-000000000001")
SETTINGS = TokenSettings(secret=SecretStr("s" * 40), secret_key=SecretStr("sb_secret_1234567890"))
TOKENS = AccessTokens(SETTINGS)
BEARER = b"Bearer " + TOKENS.mint(USER, lifetime_seconds=24 * 3600).encode()

Headers = list[tuple[bytes, bytes]]


def pass_through(scope: dict[str, Any]) -> dict[str, Any]:
    """Sends the scope through the middleware; the scopes that the inner app saw must be this one."""
    seen: list[MutableMapping[str, Any]] = []

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        raise AssertionError("the middleware answers nothing by itself")

    try:
        asyncio.run(Authenticate(app, Callers(TOKENS, ApiKeys(SETTINGS)))(scope, receive, send))
    except BackstayError:
        assert seen == [], "a refused request must not reach the application"
        raise
    assert len(seen) == 1
    assert seen[0] is scope
    return scope


def http(headers: Headers, **more: Any) -> dict[str, Any]:
    return {"type": "http", "path": "/health", "headers": headers, **more}


def test_without_credentials_the_context_is_anonymous_and_the_state_is_created() -> None:
    context = pass_through(http([(b"host", b"x")]))["state"][CONTEXT]
    assert isinstance(context, Context)
    assert context.caller is ANONYMOUS
    assert (context.request_id, context.deadline, context.client_ip) == ("", None, "")


def test_what_outer_middleware_found_out_is_part_of_the_context() -> None:
    state: dict[str, Any] = {"request_id": "r1", "client_ip": "192.0.2.7", "deadline": 12.5, "other": 1}
    scope = pass_through(http([(b"host", b"x"), (b"authorization", BEARER)], state=state))
    assert scope["state"] is state
    assert state["other"] == 1
    context = scope["state"][CONTEXT]
    assert context.caller.id == USER
    assert (context.request_id, context.deadline, context.client_ip) == ("r1", 12.5, "192.0.2.7")


def test_a_context_left_in_the_state_is_replaced_and_never_trusted() -> None:
    state = {CONTEXT: Context(caller=SERVICE)}
    assert pass_through(http([], state=state))["state"][CONTEXT].caller is ANONYMOUS


def test_an_api_key_header_is_read() -> None:
    assert pass_through(http([(b"apikey", b"sb_secret_1234567890")]))["state"][CONTEXT].caller is SERVICE


def test_websockets_are_authenticated_and_lifespan_is_left_alone() -> None:
    scope = {"type": "websocket", "headers": [(b"authorization", BEARER)]}
    assert pass_through(scope)["state"][CONTEXT].caller.id == USER
    assert "state" not in pass_through({"type": "lifespan"})


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([(b"authorization", BEARER), (b"authorization", BEARER)], "bad_jwt"),
        ([(b"authorization", BEARER), (b"x", b"y"), (b"authorization", b"")], "bad_jwt"),
        ([(b"authorization", b""), (b"authorization", BEARER)], "bad_jwt"),
        ([(b"apikey", b"sb_secret_1234567890")] * 2, "bad_api_key"),
        ([(b"apikey", b""), (b"apikey", b"sb_secret_1234567890")], "bad_api_key"),
        ([(b"authorization", b"")], "bad_jwt"),
        ([(b"authorization", b"\xff\xfe")], "bad_jwt"),
        ([(b"authorization", BEARER[:-2])], "PGRST301"),
        ([(b"apikey", b"")], "bad_api_key"),
        ([(b"authorization", BEARER), (b"apikey", b"")], "bad_api_key"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_repeated_or_bad_credentials_stop_the_request(kind: str, headers: Headers, code: str) -> None:
    with pytest.raises(BackstayError) as caught:
        pass_through({"type": kind, "headers": headers})
    assert (caught.value.code, caught.value.kind) == (code, Kind.UNAUTHENTICATED)
