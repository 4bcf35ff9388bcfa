"""The request's deadline: by when the response must have started.

In charge of `deadline` in the scope's state, which services may honour earlier, and of stopping what overruns it.
A response that has started may take as long as it likes: streams do.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.errors import BackstayError
from backstay.middleware.exchange import Exchange, exchange_of

Running = tuple[float, "asyncio.Task[object] | None"]


class Deadline:
    """Cancels the application after `seconds` without a response.

    All requests have the same time, so they expire in the order in which they came, and one timer watches the
    first of them: a timer for each would cost 2 µs more.

    Raises:
        BackstayError: `deadline_exceeded`.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds
        self._running: dict[Exchange, Running] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_armed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + self._seconds
        scope["state"]["deadline"] = at
        exchange = exchange_of(scope)
        task = asyncio.current_task()
        self._running[exchange] = (at, task)
        if not self._is_armed or loop is not self._loop:
            self._arm(loop, at)
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            has_expired = exchange not in self._running and not exchange.started
            if has_expired and task is not None and not task.uncancel():
                raise BackstayError("deadline_exceeded") from None
            raise
        finally:
            self._running.pop(exchange, None)

    def _arm(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        self._loop = loop
        self._is_armed = True
        loop.call_at(at, self._stop_expired, loop)

    def _stop_expired(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._is_armed = False
        while self._running:
            exchange, (at, task) = next(iter(self._running.items()))
            if at > now:
                self._arm(loop, at)
                return
            del self._running[exchange]
            if task is not None and not exchange.started:
                task.cancel()
