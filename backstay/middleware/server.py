"""The served process: uvicorn with the strict protocol.

In charge of the one set of uvicorn options that the vectors in `tests/integration/edge` hold for. Proxy headers stay
off: `request_id.py` reads them, from trusted proxies only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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
    """The configuration of one server process. On SIGTERM it accepts no more, finishes what runs within
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
