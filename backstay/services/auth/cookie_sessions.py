"""Sessions that browsers carry in a cookie: found by it, and asked about as often as an access token would be.

In charge of the cookie's text and of who is behind one. A cookie stands for a session's row. Each process mints itself
an access token for it, which never leaves, lives as long as any other and dies by the same revocations; so a request
with a cookie costs one look-up in memory. What a browser has to prove besides is in `csrf.py`.
"""

from __future__ import annotations

import binascii
import datetime as dt
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from uuid import UUID

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.auth.session import AuthSession
from backstay.repositories.auth.sessions import SessionRepository
from backstay.repositories.auth.users import UserRepository
from backstay.services.auth.sessions import AuthSessions
from backstay.services.auth.tokens import AccessTokens
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.bounded import BoundedDict
from backstay.utils.clock import utc_now

# The prefix makes browsers refuse it from a sibling host, over http, and for a part of the paths (RFC 6265bis).
COOKIE_NAME = "__Host-backstay-session"
MOST_REMEMBERED = 10_000

_NAME = COOKIE_NAME.encode("ascii")
_VERSION = b"\x01"
_PURPOSE = b"backstay session cookies, version 1"
_MAC_BYTES = 32
# 49 bytes without padding. The last character has spare bits; comparing with the one spelling refuses the others.
_COOKIE_LENGTH = 66


class CookieSessions:
    """Cookies and the callers behind them. Belongs to one event loop.

    Args:
        secret: the server's.
    """

    def __init__(
        self,
        units: UnitOfWork,
        sessions: AuthSessions,
        access: AccessTokens,
        secret: bytes,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._access = access
        self._secret = hmac.digest(secret, _PURPOSE, hashlib.sha256)
        self._clock = clock
        self._remembered: BoundedDict[bytes, str] = BoundedDict(MOST_REMEMBERED)

    def cookie(self, session_id: UUID, key: bytes) -> str:
        """The cookie of a session: 66 characters of the URL-safe alphabet, good until the session's key changes."""
        body = _VERSION + session_id.bytes
        return urlsafe_b64encode(body + self._mac(body, key)).decode("ascii").rstrip("=")

    def remembered(self, cookie: bytes) -> Caller | None:
        """The caller of a cookie that was found before, as long as nothing has changed."""
        token = self._remembered.get(cookie)
        if token is None:
            return None
        try:
            return self._access.verify(token)
        except BackstayError as error:
            if error.code not in ("PGRST301", "PGRST303", "session_not_found"):
                raise
            self._remembered.pop(cookie, None)
            return None

    async def find(self, context: Context, cookie: bytes) -> Caller | None:
        """The caller of a cookie, or None when it is of no session that lives."""
        session_id = _session_of(cookie)
        if session_id is None:
            return None
        now = self._clock()
        async with self._units.begin(context) as session:
            sessions = SessionRepository(session)
            row = await sessions.find(session_id)
            if row is None or not self._proves(cookie, row) or self._sessions.is_over(row, now):
                return None
            user = await UserRepository(session).by_id(row.user_id)
            if user is None or user.is_banned(now):
                return None
            # At most once in an access token's life and process: the idle lifetime is counted in days.
            row = await sessions.touch(row.id, now)
            if row is None:
                return None
            signed = await self._sessions.sign(session, user, row)
        self._remembered[cookie] = signed.access_token
        return self._access.verify(signed.access_token)

    async def replace(self, context: Context, cookie: bytes, session_id: UUID) -> None:
        """End the session of a cookie, whose browser gets that of another session for it (ASVS 5.0 7.2.4)."""
        replaced = _session_of(cookie)
        if replaced is None or replaced == session_id:
            return
        async with self._units.begin(context) as session:
            row = await SessionRepository(session).find(replaced)
            if row is None or not self._proves(cookie, row):
                return
            ended = await self._sessions.end_all(session, context, row.user_id, only=replaced)
        self._sessions.forget(ended)

    def _proves(self, cookie: bytes, row: AuthSession) -> bool:
        return hmac.compare_digest(cookie, self.cookie(row.id, row.key).encode("ascii"))

    def _mac(self, body: bytes, key: bytes) -> bytes:
        own = hmac.digest(self._secret, key, hashlib.sha256)
        return hmac.digest(own, body, hashlib.sha256)[:_MAC_BYTES]


def _session_of(cookie: bytes) -> UUID | None:
    """The session that a cookie names; None for what was never one."""
    if len(cookie) != _COOKIE_LENGTH:
        return None
    try:
        raw = urlsafe_b64decode(cookie + b"==")
    except binascii.Error:
        return None
    if not raw.startswith(_VERSION) or len(raw) != len(_VERSION) + 16 + _MAC_BYTES:
        return None
    return UUID(bytes=raw[len(_VERSION) : len(_VERSION) + 16])


def session_cookie(header: bytes) -> bytes | None:
    """The value of our cookie in a `Cookie` header (RFC 6265 section 4.2.1); None when there is none, or several."""
    found = [
        value.strip()
        for name, separator, value in (pair.partition(b"=") for pair in header.split(b";"))
        if separator and name.strip() == _NAME
    ]
    return found[0] if len(found) == 1 else None
