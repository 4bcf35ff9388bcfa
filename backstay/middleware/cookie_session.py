"""Cookie sessions: a browser's request without other credentials gets the caller that its cookie stands for.

In charge of finding the cookie and of refusing what another site made the browser send. Whose cookie it is and what
proves a page of our own is decided by `services/auth`. A request that sends `Authorization` or a key is the bearer's,
and its cookie counts for nothing; the publishable key names nobody, and leaves the cookie its say.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.middleware.exchange import CONTEXT, exchange_of
from backstay.models.access.caller import ANONYMOUS
from backstay.services.auth.cookie_sessions import CookieSessions, session_cookie
from backstay.services.auth.csrf import Csrf
from backstay.services.context import Context

# A sign-in that asks for a cookie; a page that makes a browser sign in as somebody else is refused before it does.
_ASKS_FOR_COOKIE = b"session=cookie"


class CookieSession:
    """Pure ASGI; inside `Authenticate`.

    Raises:
        BackstayError: `bad_csrf_token`.
    """

    def __init__(self, app: ASGIApp, sessions: CookieSessions, csrf: Csrf) -> None:
        self._app = app
        self._sessions = sessions
        self._csrf = csrf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = exchange_of(scope).headers
            if b"cookie" in headers:
                await self._authenticate(scope, headers[b"cookie"])
            # Decoded, as whoever reads the query will have it.
            if scope["query_string"] and _ASKS_FOR_COOKIE in unquote_to_bytes(scope["query_string"]):
                self._csrf.require_own_page(
                    scope["method"], headers.get(b"sec-fetch-site"), headers.get(b"origin")
                )
        await self._app(scope, receive, send)

    async def _authenticate(self, scope: Scope, header: bytes) -> None:
        context: Context = scope["state"][CONTEXT]
        exchange = exchange_of(scope)
        if context.caller is not ANONYMOUS or b"authorization" in exchange.headers:
            return
        cookie = session_cookie(header)
        if cookie is None:
            return
        exchange.added.append((b"vary", b"Cookie"))
        caller = self._sessions.remembered(cookie) or await self._sessions.find(context, cookie)
        if caller is None:  # a session that has ended: nobody in particular, who can sign in again
            return
        headers = exchange.headers
        self._csrf.require(
            scope["method"],
            headers.get(b"sec-fetch-site"),
            headers.get(b"origin"),
            headers.get(b"x-csrf-token"),
            cookie,
        )
        scope["state"][CONTEXT] = replace(context, caller=caller)
