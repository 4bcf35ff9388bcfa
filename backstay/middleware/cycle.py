"""One request of the strict protocol and the response to it, on the wire.

In charge of writing the response: a head whose body is known to follow at once leaves together with it, in one
write. Not in charge of what headers say, which `exchange.py` has checked; a head that would not be read as written is
refused here once more, whoever made it.
"""

from __future__ import annotations

from collections.abc import Iterable

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

Header = tuple[bytes, bytes]

_STATUS_LINES = {status: line[:-2] for status, line in STATUS_LINE.items()}
_BODILESS = frozenset({204, 304})
_MAX_COPIED_BYTES = 65_536
"""A longer body is not copied behind its head, but written after it."""


class StrictCycle(RequestResponseCycle):
    """A response of known length is one write. It costs a third of what uvicorn's own cycle takes for it, which
    searches each header for control characters and writes twice."""

    _head = b""
    """Made, and waiting for the first part of the body."""

    async def send(self, message: ASGISendEvent) -> None:
        """Take one message of the application.

        Raises:
            RuntimeError: for a message out of turn, a head that cannot be sent, or a body longer or shorter than
                its Content-Length.
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            if message["type"] != "http.response.start":
                raise RuntimeError(f"'{message['type']}' was sent before the response was started")
            head = self._head_of(message["status"], message.get("headers", ()))
            self.response_started = True
            self.waiting_for_100_continue = False
            if self.chunked_encoding:  # a stream, whose first part may be long in coming
                self.transport.write(head)
            else:
                self._head = head
        elif self._head and message["type"] == "http.response.body":
            head, self._head = self._head, b""
            if message.get("more_body", False):
                self.transport.write(head)
                await super().send(message)
            else:
                self._finish(head, message.get("body", b""))
        else:
            await super().send(message)

    def _head_of(self, status: int, given: Iterable[Header]) -> bytes:
        headers = [*self.default_headers, *given]
        fields = dict(headers)
        if not b"".join(fields).islower():
            fields = {name.lower(): value for name, value in headers}
        if b"transfer-encoding" in fields:  # the framing is chosen here, or two of them could meet
            headers = [header for header in headers if header[0].lower() != b"transfer-encoding"]
        length = fields.get(b"content-length")
        if length is not None:
            self.expected_content_length = int(length)
            self.chunked_encoding = False
        elif status not in _BODILESS and self.scope["method"] != "HEAD":
            self.chunked_encoding = True
            headers.append((b"transfer-encoding", b"chunked"))
        if b"close" in fields.get(b"connection", b"").lower():
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append((b"connection", b"close"))
        head = b"\r\n".join([_STATUS_LINES[status], *map(b": ".join, headers), b"\r\n"])
        lines = len(headers) + 2
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise RuntimeError("a response header holds a line end")
        return head

    def _finish(self, head: bytes, body: bytes) -> None:
        if self.scope["method"] == "HEAD":
            body = b""
        elif len(body) != self.expected_content_length:
            self.transport.write(head)
            raise RuntimeError("the body is longer or shorter than its Content-Length")
        self.expected_content_length = 0
        if len(body) > _MAX_COPIED_BYTES:
            self.transport.write(head)
            self.transport.write(body)
        else:
            self.transport.write(head + body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
