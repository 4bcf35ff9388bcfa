"""The served process: uvicorn with the strict protocol.

In charge of the one set of uvicorn options that the vectors in `tests/integration/edge` hold for, and of leaving in
two steps. Proxy headers stay off: `request_id.py` reads them, from trusted proxies only.
"""

from __future__ import annotations

import asyncio
import math
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from backstay.config.http import HttpSettings
from backstay.middleware.protocol import protocol_for


def uvicorn_config(
    app: ASGIApp | Callable[[], ASGIApp] | str,
    settings: HttpSettings,
    *,
    factory: bool = False,
    lifespan: Literal["auto", "on", "off"] = "auto",
) -> uvicorn.Config:
    """The configuration of one server process. When it stops it accepts no more, finishes what runs within
    `drain_seconds`, and answers 503 to what is left.

    `app` is built by `backstay.middleware.stack`, or with `factory=True` what builds it, or its import string.
    """
    return uvicorn.Config(
        app,
        factory=factory,
        host=settings.host,
        port=settings.port,
        http=protocol_for(settings),
        ws="none",
        lifespan=lifespan,
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=math.ceil(settings.keep_alive_seconds),
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
    )


def leave_in_two_steps(drain: Callable[[], None], announce_seconds: float) -> None:
    """On SIGTERM call `drain` at once, and let the server know `announce_seconds` later; until then it serves as ever.

    Called by the factory of the application, in the server's loop and after it has taken the signal for itself.
    SIGINT stays the server's: whoever presses Ctrl-C does not want to wait.
    """
    stop = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(stop):
        return
    loop = asyncio.get_running_loop()
    is_leaving = False

    def leave(number: int, frame: FrameType | None) -> None:
        nonlocal is_leaving
        drain()
        if not is_leaving:
            is_leaving = True
            # The one call that a signal's handler may make of a loop.
            loop.call_soon_threadsafe(loop.call_later, announce_seconds, stop, number, None)

    signal.signal(signal.SIGTERM, leave)
