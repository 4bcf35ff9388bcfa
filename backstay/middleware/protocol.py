"""A strict HTTP/1.1 protocol for uvicorn: what is ambiguous, oversized or stalled never becomes a request.

In charge of the head's size and time, of the body's time and rate, and of refusals in the form of every other error.
The rules for a head are in `guard.py`. An application behind it sees `HEAD_CHECKED` among the scope's extensions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn._types import ASGI3Application, HTTPScope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from backstay.config.http import HttpSettings
from backstay.errors import BackstayError
from backstay.middleware.cycle import StrictCycle
from backstay.middleware.exchange import HEAD_CHECKED
from backstay.middleware.guard import refusal_of_head, refusal_response

_LINGER_SECONDS = 1.0
"""After a refusal, input is discarded this long: a reset on unread bytes could destroy the answer on its way."""

_MAX_DISCARDED_BYTES = 16 * 1024 * 1024
"""Of a body that the application answered without reading; its sender is cut off then."""

_EXTENSIONS: dict[str, dict[object, object]] = {HEAD_CHECKED: {}}

_TIMER_SLACK_SECONDS = 0.001


def protocol_for(settings: HttpSettings) -> type[asyncio.Protocol]:
    """The protocol with its limits, for `uvicorn.Config(http=…)`. Can be pickled, so uvicorn's workers can have it."""
    return cast("type[asyncio.Protocol]", partial(StrictProtocol, settings=settings))


class StrictProtocol(HttpToolsProtocol):
    """One connection. Each refusal is answered after the earlier answers of the pipeline, then the connection ends."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        settings: HttpSettings,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._settings = settings
        self._in_head = True  # waiting for, or inside, a request head
        self._has_begun = False  # at least one byte of this request has come
        self._is_draining = False
        self._method = ""
        self.url = b""
        self._heads = 0  # completed on this connection
        self._header_bytes = 0  # of this head
        self._stalled_bytes = 0  # that completed neither a head nor any body
        self._body_bytes = 0
        self._body_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._rests_since: float | None = None  # between a response and the next request
        self._active: RequestResponseCycle | None = None
        self._refusal: BackstayError | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._settings.max_connections:
            self._refuse(BackstayError("overloaded"))
        else:
            self._arm(self._settings.head_timeout_seconds, self._head_expired)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._unset_keepalive_if_required()
        if self._active is not None:  # uvicorn tells only the newest of pipelined requests
            self._active.disconnected = True
            self._active.message_event.set()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Let a request whose head is arriving be answered: its sender cannot know that we are leaving."""
        self._is_draining = True
        if not (self._has_begun and self._in_head):
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        self._rests_since = None
        before = self._heads, self._body_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, BackstayError) else BackstayError("bad_request"))
            return
        except httptools.HttpParserUpgrade:
            self._refuse(BackstayError("bad_request", "This server does not change protocol."))
            return
        if before != (self._heads, self._body_bytes):
            self._stalled_bytes = 0
        else:
            self._stalled_bytes += len(data)
            if self._stalled_bytes > self._settings.max_header_bytes + self._settings.max_target_bytes:
                self._refuse(BackstayError("headers_too_large"))
                return
        if self._timer is None:
            self._time_what_is_awaited()

    # What the parser found

    def on_message_begin(self) -> None:
        self._has_begun = True
        self._method = ""
        self._header_bytes = 0
        self.headers = []
        self.expect_100_continue = False

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > self._settings.max_target_bytes:
            raise BackstayError("uri_too_long")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer must not become a header
        self._header_bytes += len(name) + len(value) + 4
        settings = self._settings
        if self._header_bytes > settings.max_header_bytes or len(self.headers) >= settings.max_headers:
            raise BackstayError("headers_too_large")
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._method = self.parser.get_method().decode("ascii")
        version = self.parser.get_http_version()
        path, _, query = self.url.partition(b"?")
        refusal = refusal_of_head(self._method, version, path, query, self.headers)
        if refusal is not None:
            raise refusal
        self.scope = self._scope(version, path, query)
        before: RequestResponseCycle | None = self.cycle
        self.cycle = self._cycle(version)
        self._in_head = False
        self._heads += 1
        self._body_bytes = 0
        self._disarm()
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _scope(self, version: str, path: bytes, query: bytes) -> HTTPScope:
        text = path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "method": self._method,
            "scheme": self.scheme or "http",
            "path": unquote(text) if "%" in text else text,
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": self.headers,
            "client": self.client,
            "server": self.server,
            "state": self.app_state.copy(),
            "extensions": _EXTENSIONS,
        }

    def _cycle(self, version: str) -> StrictCycle:
        return StrictCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive() and not self._is_draining,
            on_response=self.on_response_complete,
        )

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self.cycle.response_complete and self._body_bytes > _MAX_DISCARDED_BYTES:
            raise BackstayError("body_too_large")
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._has_begun = False
        self.url = b""
        self._disarm()
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._active = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self._refusal is not None and not self.pipeline:  # the earlier answers are out: now the refusal
            self._write_refusal()
            return
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._rest()

    # Rest: one timer outlives many requests, since arming and cancelling one for each costs 2 µs

    def _rest(self) -> None:
        self._rests_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_after(self.timeout_keep_alive)

    def _close_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._rest_expired)

    def _rest_expired(self) -> None:
        self.timeout_keep_alive_task = None
        if self._rests_since is None:
            return
        left = self._rests_since + self.timeout_keep_alive - self.loop.time()
        if left > _TIMER_SLACK_SECONDS:
            self._close_after(left)
        elif not self.transport.is_closing():
            self.transport.close()

    # Time

    def _time_what_is_awaited(self) -> None:
        if not self._in_head:
            self._body_since = self.loop.time()
            self._arm(self._settings.body_timeout_seconds, self._body_expired)
        elif self._has_begun or self._is_idle():
            self._arm(self._settings.head_timeout_seconds, self._head_expired)

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _arm(self, seconds: float, expired: Callable[[], None]) -> None:
        self._timer = self.loop.call_later(seconds, expired)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_expired(self) -> None:
        self._timer = None
        if self.flow.read_paused:  # it is we who do not read
            self._arm(self._settings.head_timeout_seconds, self._head_expired)
        elif self._has_begun:
            self._refuse(BackstayError("request_timeout"))
        else:
            self.transport.close()

    def _body_expired(self) -> None:
        self._timer = None
        now = self.loop.time()
        rate = self._settings.body_bytes_per_second
        if self.flow.read_paused:
            self._body_since = now - self._body_bytes / rate
        left = self._body_since + self._settings.body_timeout_seconds + self._body_bytes / rate - now
        if left > 0:
            self._arm(max(left, 0.1), self._body_expired)
        else:
            self._refuse(BackstayError("request_timeout"))

    # Refusal

    def _refuse(self, refusal: BackstayError) -> None:
        self._refusal = refusal
        self._disarm()
        cycle: RequestResponseCycle | None = self.cycle
        if self._in_head or cycle is None:
            if cycle is None or cycle.response_complete:
                self._write_refusal()
        elif self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()  # its body is bad and it has not started
        elif cycle.response_started:
            cycle.disconnected = True
            cycle.message_event.set()
            self.transport.close()
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            self._write_refusal()

    def _write_refusal(self) -> None:
        if self._refusal is None or self.transport.is_closing():
            return
        target = self.url.partition(b"?")[0][:1024]
        status, headers, body = refusal_response(
            self._refusal,
            secure=self.scheme == "https",
            path=target.decode("ascii", "backslashreplace"),
            method=self._method,
            client_ip=self.client[0] if self.client else "",
        )
        lines = {**dict(self.server_state.default_headers), **dict(headers), b"connection": b"close"}
        head = b"".join([b"%s: %s\r\n" % line for line in lines.items()])
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + (b"" if self._method == "HEAD" else body))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._arm(_LINGER_SECONDS, self.transport.close)
