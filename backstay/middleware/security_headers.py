"""The security headers of every response, errors and 404s included (OWASP ASVS 3.4.1 to 3.4.6).

In charge of defaults: a response that says otherwise, such as a page with its own policy, keeps what it says.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.middleware.exchange import Header, exchange_of

SECURITY_HEADERS: tuple[Header, ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
)

TRANSPORT_SECURITY: Header = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""Only over https: a browser must ignore it over http (RFC 6797 section 7.2)."""

_PLAIN: Mapping[bytes, Header] = {header[0]: header for header in SECURITY_HEADERS}
_SECURE: Mapping[bytes, Header] = {**_PLAIN, TRANSPORT_SECURITY[0]: TRANSPORT_SECURITY}


class SecurityHeaders:
    """Gives the exchange its default headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            exchange = exchange_of(scope)
            exchange.defaults = _SECURE if exchange.secure else _PLAIN
        await self._app(scope, receive, send)
