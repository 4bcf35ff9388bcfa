"""How a session travels: as tokens in the answer, or as a cookie that scripts cannot read.

In charge of the form of both. A client asks for the cookie with `?session=cookie` at any address that signs in; the
answer has no token then, but one that proves its pages (`services/auth/csrf.py`).
"""

from __future__ import annotations

from typing import Any

from backstay.config.auth import AuthSettings
from backstay.controllers.auth.documents import reuse_headers, session_document, user_document
from backstay.controllers.endpoints import Ask, Reply
from backstay.controllers.http import Header
from backstay.errors import BackstayError
from backstay.services.auth.cookie_sessions import COOKIE_NAME, CookieSessions, session_cookie
from backstay.services.auth.csrf import Csrf
from backstay.services.auth.sessions import Signed

_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
DROPPED: Header = (b"set-cookie", f"{COOKIE_NAME}=; Max-Age=0; {_ATTRIBUTES}".encode())
_SECONDS_OF_DAY = 86_400


class Carry:
    """Turns a sign-in into an answer."""

    def __init__(self, cookies: CookieSessions, csrf: Csrf, settings: AuthSettings) -> None:
        self._cookies = cookies
        self._csrf = csrf
        self._seconds = int(settings.session_days * _SECONDS_OF_DAY)

    def wants_cookie(self, ask: Ask[Any]) -> bool:
        """Whether the client asked for a cookie.

        Raises:
            BackstayError: `validation_failed`, when it asked for something else.
        """
        wanted = ask.query.get("session")
        if wanted not in (None, "token", "cookie"):
            raise BackstayError("validation_failed", "session: must be token or cookie")
        return wanted == "cookie"

    def require_own_page(self, ask: Ask[Any]) -> None:
        """Refuse a user's GET that changes something, when another site may have made a browser send it.

        Raises:
            BackstayError: `bad_csrf_token`.
        """
        headers = ask.http.headers
        if b"authorization" not in headers:  # so it is a cookie that vouches for the user
            self._csrf.require(
                "POST",
                headers.get(b"sec-fetch-site"),
                headers.get(b"origin"),
                headers.get(b"x-csrf-token"),
                session_cookie(headers.get(b"cookie", b"")) or b"",
            )

    async def reply(self, ask: Ask[Any], signed: Signed) -> Reply:
        """The answer to a sign-in."""
        if not self.wants_cookie(ask):
            return Reply(session_document(signed), headers=reuse_headers(signed))
        return await self._with_cookie(ask, signed)

    async def _with_cookie(self, ask: Ask[Any], signed: Signed) -> Reply:
        document = {
            "token_type": "cookie",
            "csrf_token": self._csrf.token(self._cookie(signed).encode()),
            "user": user_document(signed.account),
        }
        return Reply(document, headers=(await self.header(ask, signed),))

    async def again(self, ask: Ask[Any], signed: Signed) -> Reply:
        """The answer to a caller whose session has become another one: carried as theirs was."""
        if ask.header(b"authorization"):
            return await self.reply(ask, signed)
        return await self._with_cookie(ask, signed)

    async def header(self, ask: Ask[Any], signed: Signed) -> Header:
        """The header that gives the cookie, in place of one that the browser may have, whose session ends."""
        replaced = session_cookie(ask.header(b"cookie").encode("latin-1"))
        if replaced is not None:
            await self._cookies.replace(ask.context, replaced, signed.session_id)
        value = f"{COOKIE_NAME}={self._cookie(signed)}; Max-Age={self._seconds}; {_ATTRIBUTES}"
        return b"set-cookie", value.encode()

    def _cookie(self, signed: Signed) -> str:
        return self._cookies.cookie(signed.session_id, signed.session_key)
