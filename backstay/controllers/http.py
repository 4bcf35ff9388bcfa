"""What plain ASGI controllers share: reading a request's headers and body, and sending a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from backstay.services.context import Context

Header = tuple[bytes, bytes]


class HttpRequest:
    """One request: what a controller needs of the scope, and its body.

    Attributes:
        headers: by lower-case name; repeated ones joined by commas (RFC 9110 section 5.3).
    """

    __slots__ = ("_receive", "context", "headers", "method", "path", "query", "state")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.state: dict[str, Any] = scope["state"]
        self.headers: Mapping[bytes, bytes] = self.state["backstay.headers"]
        self.context: Context = self.state["backstay.context"]
        self._receive = receive

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """The header of that lower-case name as the only value of a list, or an empty list."""
        value = self.headers.get(name)
        return () if value is None else (value,)

    async def body(self) -> bytes:
        """The whole body, whose size the middleware has bounded.

        Raises:
            ClientDisconnect: when the client left before it was complete.
        """
        parts = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            if part:
                parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    async def gone(self) -> None:
        """Returns when the client has left. Reads what is left of the body, so nothing else may read it any more."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def respond(
    send: Send, status: int, headers: list[Header], body: bytes = b"", *, head: bool = False
) -> None:
    """Send a response with its length; without its body for a HEAD."""
    if status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
