"""Authentication: every request leaves this middleware with a context that names its caller, or does not leave it.

In charge of finding the credentials among the headers; what they are worth is decided by `services/auth`. Reads
`request_id`, `client_ip` and `deadline` from the scope's state where middleware further out has put them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.errors import BackstayError
from backstay.middleware.exchange import CONTEXT, HEADERS, Header
from backstay.services.auth.callers import Callers
from backstay.services.context import Context


class Authenticate:
    """Pure ASGI, for HTTP and WebSocket alike.

    Raises:
        BackstayError: kind `unauthenticated`, when a credential was sent that is not valid, or sent twice.
    """

    def __init__(self, app: ASGIApp, callers: Callers) -> None:
        self._app = app
        self._callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            state: dict[str, Any] = scope.setdefault("state", {})
            authorization, apikey = _credentials(scope["headers"], state.get(HEADERS))
            state[CONTEXT] = Context(
                self._callers.of(authorization, apikey),
                state.get("request_id", ""),
                state.get("deadline"),
                state.get("client_ip", ""),
            )
        await self._app(scope, receive, send)


def _credentials(
    headers: list[Header], by_name: Mapping[bytes, bytes] | None
) -> tuple[bytes | None, bytes | None]:
    if by_name is not None and len(by_name) == len(headers):  # no header was sent more than once
        return by_name.get(b"authorization"), by_name.get(b"apikey")
    authorization: bytes | None = None
    apikey: bytes | None = None
    for name, value in headers:
        if name == b"authorization":
            if authorization is not None:
                raise BackstayError("bad_jwt", "The Authorization header was sent more than once.")
            authorization = value
        elif name == b"apikey":
            if apikey is not None:
                raise BackstayError("bad_api_key", "The apikey header was sent more than once.")
            apikey = value
    return authorization, apikey
