"""Requests that a browser was made to send: told from those that a page of this application sends.

In charge of one question about an unsafe request that a cookie vouches for. `Sec-Fetch-Site` and `Origin` are written
by the browser and not by the page (Fetch Metadata; RFC 6454 section 7): where one is there, it decides. Where neither
is, the request carries a token that is bound to the session and that no other site can read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from backstay.errors import BackstayError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "QUERY"})
_PURPOSE = b"backstay csrf tokens, version 1"
_TOKEN_LENGTH = 64


class Csrf:
    """The question, for one application.

    Args:
        secret: the server's.
        public_url: whose origin is the application's own.
        origins: others that may send their visitors' cookies: those that CORS lets do so.
    """

    def __init__(self, secret: bytes, public_url: str, origins: Iterable[str]) -> None:
        self._secret = hmac.digest(secret, _PURPOSE, hashlib.sha256)
        parts = urlsplit(public_url)
        self._origins = frozenset({f"{parts.scheme}://{parts.netloc}".lower(), *origins} - {"*", "null"})

    def token(self, cookie: bytes) -> str:
        """The token for a session's cookie: 64 hexadecimal digits."""
        return hmac.new(self._secret, cookie, hashlib.sha256).hexdigest()

    def require(
        self, method: str, site: bytes | None, origin: bytes | None, token: bytes | None, cookie: bytes
    ) -> None:
        """Refuse an unsafe request that may come from elsewhere.

        Args:
            site: `Sec-Fetch-Site`.
            token: `X-CSRF-Token`.

        Raises:
            BackstayError: `bad_csrf_token`.
        """
        if method in SAFE_METHODS:
            return
        if token is not None and not self._is_good(token, cookie):
            raise BackstayError("bad_csrf_token")
        if site is None and origin is None and token is None:
            raise BackstayError("bad_csrf_token")
        self.require_own_page(method, site, origin)

    def require_own_page(self, method: str, site: bytes | None, origin: bytes | None) -> None:
        """Refuse an unsafe request that says itself that it comes from elsewhere.

        Raises:
            BackstayError: `bad_csrf_token`.
        """
        if method in SAFE_METHODS:
            return
        # Same-site is not same-origin: a sibling host may belong to somebody else.
        if origin is not None and origin.decode("latin-1").lower() not in self._origins:
            raise BackstayError("bad_csrf_token")
        if site is not None and site != b"same-origin" and origin is None:
            raise BackstayError("bad_csrf_token")

    def _is_good(self, token: bytes, cookie: bytes) -> bool:
        return len(token) == _TOKEN_LENGTH and hmac.compare_digest(token, self.token(cookie).encode("ascii"))
