"""Cross-origin access (Fetch standard, section 3.2): which origins may read the answers, from an allow-list.

In charge of preflights and of the `Access-Control-*` headers. Origins are compared byte for byte; none is ever
echoed that is not on the list.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.config.http import HttpSettings
from backstay.errors import ConfigurationError
from backstay.middleware.exchange import Header, exchange_of

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY"
_REQUEST_HEADERS = (
    b"accept, authorization, apikey, x-client-info, content-type, prefer, accept-profile, content-profile, range, "
    b"range-unit, x-upsert, x-retry-count, x-supabase-api-version, x-region, idempotency-key, cache-control, "
    b"tus-resumable, tus-version, tus-extension, tus-max-size, upload-length, upload-offset, upload-metadata, "
    b"upload-defer-length, upload-concat, upload-checksum, traceparent, tracestate, baggage, if-match, if-none-match, "
    b"last-event-id, x-csrf-token"
)
_EXPOSED_HEADERS = (
    b"content-range, content-location, location, preference-applied, content-profile, link, x-total-count, etag, "
    b"x-relay-error, tus-resumable, tus-version, tus-extension, tus-max-size, upload-length, upload-offset, "
    b"upload-metadata, upload-expires, x-supabase-api-version, proxy-status, x-request-id, retry-after, ratelimit, "
    b"ratelimit-policy, server-timing"
)
_VARY: Header = (b"vary", b"Origin")
_READABLE: Header = (b"cross-origin-resource-policy", b"cross-origin")


class Cors:
    """Answers preflights (204) and lets the listed origins read every answer, errors included.

    Raises:
        ConfigurationError: for `*` with credentials or beside other origins, and for the origin `null`.
    """

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        origins = settings.cors_origins
        if "*" in origins and (settings.cors_credentials or len(origins) > 1):
            raise ConfigurationError(
                [
                    "http.cors_origins: '*' stands alone and without http.cors_credentials; list the origins instead"
                ]
            )
        if "null" in origins:
            raise ConfigurationError(
                ["http.cors_origins: 'null' is the origin of every sandboxed page; list real origins"]
            )
        self._app = app
        self._wildcard = _permission(b"*", settings.cors_credentials) if "*" in origins else None
        self._permissions = {
            origin.encode(): _permission(origin.encode(), settings.cors_credentials) for origin in origins
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        exchange.added.append(_VARY)
        origin = exchange.headers.get(b"origin")
        if origin is not None:
            permission = self._wildcard or self._permissions.get(origin)
            if permission is not None:
                exchange.added += permission
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in exchange.headers:
                await send(
                    {
                        "type": "http.response.start",
                        "status": 204,
                        "headers": _PREFLIGHT if permission is not None else (),
                    }
                )
                await send({"type": "http.response.body", "body": b""})
                return
        await self._app(scope, receive, send)


def _permission(origin: bytes, credentials: bool) -> tuple[Header, ...]:
    permission = (
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED_HEADERS),
        _READABLE,
    )
    return (*permission, (b"access-control-allow-credentials", b"true")) if credentials else permission


_PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", _METHODS),
    (b"access-control-allow-headers", _REQUEST_HEADERS),
    (b"access-control-max-age", b"600"),
)
