"""The request's body: how much of it, how slowly, and in which coding.

In charge of the size limit, both as announced and as received, and of the time a body may take. Under our own
server the time is kept by the protocol, which also holds connections that nobody reads from. Not in charge of what
the body says.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backstay.config.http import HttpSettings
from backstay.errors import BackstayError
from backstay.middleware.exchange import HEAD_CHECKED, Exchange, exchange_of


class BodyLimits:
    """Raises from `receive`, so that the limit is met while the body streams in.

    Raises:
        BackstayError: `unsupported_media_type` for a coded body (a decoder would be a bomb's fuse),
            `body_too_large`, `request_timeout`, `body_incomplete`.
    """

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        headers = exchange.headers
        checked = HEAD_CHECKED in (scope.get("extensions") or ())
        length = headers.get(b"content-length")
        if checked and length is None and b"transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise BackstayError("unsupported_media_type", hint="Send the body without Content-Encoding.")
        limit = self._settings.max_body_bytes
        if length is not None and int(length) > limit:
            raise _too_large(limit)
        body = _Body(receive, exchange, self._settings)
        await self._app(scope, body.receive if checked else body.receive_in_time, send)


class _Body:
    __slots__ = ("_ends_at", "_exchange", "_receive", "_settings", "is_complete", "received_bytes")

    def __init__(self, receive: Receive, exchange: Exchange, settings: HttpSettings) -> None:
        self._receive = receive
        self._exchange = exchange
        self._settings = settings
        self._ends_at = 0.0
        self.is_complete = False
        self.received_bytes = 0

    async def receive(self) -> Message:
        message = await self._receive()
        if self.is_complete:
            return message
        if message["type"] == "http.disconnect":
            if self._exchange.started:
                return message
            raise BackstayError("body_incomplete")
        self.received_bytes += len(message.get("body", b""))
        if self.received_bytes > self._settings.max_body_bytes:
            raise _too_large(self._settings.max_body_bytes)
        self.is_complete = not message.get("more_body", False)
        return message

    async def receive_in_time(self) -> Message:
        if self.is_complete:
            return await self._receive()
        if not self._ends_at:
            self._ends_at = asyncio.get_running_loop().time() + self._settings.body_timeout_seconds
        try:
            async with asyncio.timeout_at(
                self._ends_at + self.received_bytes / self._settings.body_bytes_per_second
            ):
                return await self.receive()
        except TimeoutError:
            raise BackstayError("request_timeout") from None


def _too_large(limit: int) -> BackstayError:
    return BackstayError("body_too_large", hint=f"The limit is {limit} bytes.")
