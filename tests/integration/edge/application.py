"""The application behind the edge in these tests: echoes what it was given, and misbehaves when asked to."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.config.http import HttpSettings
from backstay.config.log import LogSettings
from backstay.middleware import stack
from backstay.middleware.log import configure_logging
from backstay.middleware.server import uvicorn_config


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """What arrived, as JSON; `/sleepN` after N milliseconds."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    path: str = scope["path"]
    if path == "/bad-header":
        await _answer(send, b"", (b"x-a", b"1\r\nset-cookie: x=1"))
        return
    if path == "/crash":
        raise RuntimeError("a private reason")
    if path == "/silence":
        return
    if path == "/crash-after-start":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        raise RuntimeError("a private reason")
    if path == "/unread":
        await _answer(send, b"unread")
        return
    if path.startswith("/sleep"):
        await asyncio.sleep(float(path[6:]) / 1000)
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    names = [name.decode("latin-1") for name, _ in scope["headers"]]
    answer = {"path": path, "method": scope["method"], "headers": names, "body": size, "pid": os.getpid()}
    await _answer(send, json.dumps(answer).encode())


async def _answer(send: Send, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [length, (b"content-type", b"application/json"), *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def build(settings: HttpSettings | None = None) -> ASGIApp:
    """The application behind the whole stack."""
    return stack(echo, settings or HttpSettings(max_body_bytes=4_194_304), LogSettings())


def main() -> None:
    """`python -m tests.integration.edge.application KIND PORT SETTINGS`: serve in this process."""
    kind, port, given = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    settings = HttpSettings(**{"port": port, "max_body_bytes": 4_194_304, **given})
    configure_logging(LogSettings(), development=False)
    if kind == "granian":
        from granian import Granian

        Granian(
            "tests.integration.edge.application:build",
            address=settings.host,
            port=port,
            interface="asgi",  # type: ignore[arg-type]
            factory=True,
            log_enabled=False,
        ).serve()
        return
    import uvicorn

    app = build(settings)
    if kind == "stock":
        uvicorn.run(app, host=settings.host, port=port, http="httptools", access_log=False, log_config=None)
    else:
        uvicorn.Server(uvicorn_config(app, settings)).run()


if __name__ == "__main__":
    main()
