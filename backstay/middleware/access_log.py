"""The access log: one event for each finished request.

In charge of what it says: an allow-list of fields, none of which holds a query, a header or a body; and of saying it
in batches. `log.py` decides how it is written.
"""

from __future__ import annotations

import asyncio
import weakref
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.middleware.exchange import CONTEXT, HEAD_CHECKED, exchange_of
from backstay.middleware.log import Event, EventWriter, event_writer
from backstay.services.context import Context

_CLIENT_GONE = 499
"""Logged when the client left before the response started; never sent."""

Finished = tuple[Scope, float]


class AccessLog:
    """Logs `request_finished`. Configure the log before building this: where it is written is found here.

    Under our own server the requests of one turn of the event loop are logged together when the turn ends, which
    is after their answers have left: of 16 µs for a line of its own that leaves 6. At most one turn's lines are lost
    to a SIGKILL, none to any other end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._write = event_writer("backstay.access")
        self._waiting: list[Finished] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # that will write what waits
        weakref.finalize(self, _write_all, self._write, self._waiting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._waiting.append((scope, perf_counter() - started_at))
            if HEAD_CHECKED in (scope.get("extensions") or ()):
                self._write_soon()
            else:
                _write_all(self._write, self._waiting)

    def _write_soon(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            loop.call_soon(self._write_now)

    def _write_now(self) -> None:
        self._loop = None
        _write_all(self._write, self._waiting)


def _write_all(write: EventWriter, waiting: list[Finished]) -> None:
    finished = waiting[:]
    waiting.clear()
    if finished:
        write([_event_of(scope, seconds) for scope, seconds in finished])


def _event_of(scope: Scope, seconds: float) -> Event:
    exchange = exchange_of(scope)
    context: Context | None = scope["state"].get(CONTEXT)
    event = {
        "method": scope["method"],
        "path": scope["path"],
        "status": exchange.status or _CLIENT_GONE,
        "duration_ms": int(seconds * 1_000_000) / 1000,
        "bytes": exchange.sent_bytes,
        "request_id": exchange.request_id,
        "client_ip": exchange.client_ip,
    }
    if exchange.trace_id:
        event["trace_id"] = exchange.trace_id
    if context is not None:
        caller = context.caller
        event["role"] = caller.role
        if caller.id is not None:
            event["caller"] = str(caller.id)
    event["event"] = "request_finished"
    return event
