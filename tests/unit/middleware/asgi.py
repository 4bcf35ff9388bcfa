"""Calls an ASGI application in this process, as a server would."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backstay.config.http import HttpSettings
from backstay.config.log import LogSettings
from backstay.middleware import Layer, stack

Headers = Sequence[tuple[bytes, bytes]]


@dataclass
class Response:
    """What the application sent."""

    status: int
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode("latin-1") for name, value in self.raw_headers}

    @property
    def problem(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


async def ask(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    headers: Headers = (),
    body: Iterable[bytes] = (b"",),
    **scope: Any,
) -> Response:
    """One request, its body in the given pieces; a body of no pieces is a client that left."""
    pieces = list(body)
    sent: list[Message] = []

    async def receive() -> Message:
        if not pieces:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces) and pieces != [b"GONE"]}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(
        {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"a"), *headers],
            "client": ("192.0.2.1", 5000),
            "scheme": "http",
            **scope,
        },
        receive,
        send,
    )
    return Response(
        sent[0]["status"], sent[0]["headers"], b"".join([message.get("body", b"") for message in sent[1:]])
    )


def behind(
    app: ASGIApp,
    *,
    authenticate: Layer | None = None,
    development: bool = False,
    debug: bool = False,
    **settings: Any,
) -> ASGIApp:
    """`app` behind the whole stack."""
    return stack(
        app,
        HttpSettings(**settings),
        LogSettings(access=False),
        authenticate=authenticate,
        development=development,
        debug=debug,
    )


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and says hello."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def raises(error: BaseException) -> ASGIApp:
    """An application that raises."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return app
