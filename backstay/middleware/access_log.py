"""The access log: one event for each finished request.

In charge of what it says: an allow-list of fields, none of which holds a query, a header or a body. `log.py` decides
how it is written.
"""

from __future__ import annotations

from time import perf_counter

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.middleware.exchange import CONTEXT, exchange_of
from backstay.services.context import Context

_CLIENT_GONE = 499
"""Logged when the client left before the response started; never sent."""


class AccessLog:
    """Logs `request_finished`. Configure the log before building this: the logger is bound here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._info = structlog.get_logger("backstay.access").bind().info

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._finished(scope, perf_counter() - started_at)

    def _finished(self, scope: Scope, seconds: float) -> None:
        exchange = exchange_of(scope)
        context: Context | None = scope["state"].get(CONTEXT)
        fields = {
            "method": scope["method"],
            "path": scope["path"],
            "status": exchange.status or _CLIENT_GONE,
            "duration_ms": int(seconds * 1_000_000) / 1000,
            "bytes": exchange.sent_bytes,
            "request_id": exchange.request_id,
            "client_ip": exchange.client_ip,
        }
        if exchange.trace_id:
            fields["trace_id"] = exchange.trace_id
        if context is not None:
            caller = context.caller
            fields["role"] = caller.role
            if caller.id is not None:
                fields["caller"] = str(caller.id)
        self._info("request_finished", **fields)
