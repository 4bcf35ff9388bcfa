"""The request's identity: its id, its trace, and the address it came from.

In charge of opening the `Exchange` that the layers further in share, of `x-request-id` on the response, and of
`request_id`, `client_ip` and the headers by name in the scope's state.
"""

from __future__ import annotations

import re
from os import urandom

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.config.http import HttpSettings
from backstay.middleware.address import Proxies, unmapped
from backstay.middleware.exchange import EXCHANGE, HEADERS, Exchange, by_name

_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_TRACE_PARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)


def new_request_id() -> str:
    """32 hexadecimal digits, 128 random bits."""
    return urandom(16).hex()


class RequestId:
    """Opens the exchange. A client's own id is believed only from a trusted proxy; a `traceparent` (W3C Trace
    Context, section 3.2) from anyone, since it names a trace and proves nothing."""

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self._app = app
        self._proxies = Proxies(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = by_name(scope["headers"])
        client = scope.get("client")
        address = unmapped(client[0]) if client else ""
        scheme: str = scope.get("scheme", "http")
        request_id = ""
        if self._proxies.any and self._proxies.trusts(address):
            given = headers.get(b"x-request-id")
            if given is not None and _REQUEST_ID.fullmatch(given):
                request_id = given.decode()
            address, scheme = self._proxies.client(address, scheme, scope["headers"])
        exchange = Exchange(
            send,
            headers,
            request_id=request_id or new_request_id(),
            trace_id=_trace_id(headers[b"traceparent"]) if b"traceparent" in headers else "",
            client_ip=address,
            secure=scheme in ("https", "wss"),
        )
        exchange.added.append((b"x-request-id", exchange.request_id.encode()))
        # A copy: a server may hand the same state to every request.
        scope["state"] = {
            **scope.get("state", {}),
            EXCHANGE: exchange,
            HEADERS: headers,
            "request_id": exchange.request_id,
            "client_ip": address,
        }
        await self._app(scope, receive, exchange.send if scope["type"] == "http" else send)


def _trace_id(parent: bytes) -> str:
    found = _TRACE_PARENT.fullmatch(parent)
    return found[1].decode() if found else ""
