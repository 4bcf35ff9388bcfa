"""The exchange: one request and the response to it, as far as the middleware knows them.

In charge of the only `send` that the middleware wraps: each layer says which headers it adds, and they are joined
to the response in one place, whoever starts it. Not in charge of what any header says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from starlette.types import Message, Scope, Send

Header = tuple[bytes, bytes]

EXCHANGE = "backstay.exchange"
"""The key of the request's `Exchange` in `scope["state"]`."""

HEADERS = "backstay.headers"
"""The key of the request's headers by name in `scope["state"]`, as `by_name` makes them."""

CONTEXT = "backstay.context"
"""The key of the request's `Context` in `scope["state"]`."""

HEAD_CHECKED = "backstay.head_checked"
"""The key in `scope["extensions"]` by which the server says that it has checked head, body length and rate."""

_NAMES_OF_THE_SERVER = frozenset({b"server", b"x-powered-by"})
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_USUAL_NAMES = frozenset(
    b"content-type content-length content-range content-location content-profile cache-control etag location vary link "
    b"preference-applied retry-after set-cookie www-authenticate proxy-status".split()
)
"""Known to be lawful, so that most responses cost no match."""

_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Exchange:
    """What the layers share about one request, and its `send`.

    Attributes:
        headers: the request's headers, as `by_name` makes them.
        client_ip: the client's address after trusted proxies; empty when there is none.
        secure: True when the client spoke https.
        status: of the response; 0 until it starts.
        sent_bytes: of the response's body so far.
        added: headers added to the response, whatever it holds.
        defaults: headers added unless the response holds one of that name.
        shows_causes: an error that is our own fault tells the client what it was: for development only.
        at_start: called once when the response starts; what it returns is added.
    """

    __slots__ = (
        "_send", "added", "at_start", "client_ip", "complete", "defaults", "headers", "request_id", "secure",
        "sent_bytes", "shows_causes", "started", "status", "trace_id",
    )  # fmt: skip

    def __init__(
        self,
        send: Send,
        headers: Mapping[bytes, bytes],
        *,
        request_id: str,
        trace_id: str = "",
        client_ip: str = "",
        secure: bool = False,
    ) -> None:
        self._send = send
        self.headers = headers
        self.request_id = request_id
        self.trace_id = trace_id
        self.client_ip = client_ip
        self.secure = secure
        self.status = 0
        self.sent_bytes = 0
        self.started = False
        self.complete = False
        self.shows_causes = False
        self.added: list[Header] = []
        self.defaults: Mapping[bytes, Header] = {}
        self.at_start: Callable[[], Iterable[Header]] | None = None

    async def send(self, message: Message) -> None:
        """Pass a message on; the start with the layers' headers.

        Raises:
            ValueError: when a header of the response could not be sent as it is. Nothing has been sent then.
        """
        kind = message["type"]
        if kind == "http.response.start":
            headers = self._joined(message.get("headers", ()))
            self.started = True
            self.status = message["status"]
            await self._send({**message, "headers": headers})
            return
        if kind == "http.response.body":
            self.sent_bytes += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        await self._send(message)

    def _joined(self, given: Iterable[Header]) -> list[Header]:
        headers = [*given]
        present = dict(headers)
        if _BAD_VALUE.search(b"".join([value for _, value in headers])):
            raise ValueError("a response header holds a control character")
        if not _USUAL_NAMES.issuperset(present) and not all(map(_NAME.fullmatch, present)):
            raise ValueError("a response header's name is no token")
        if not present.get(b"content-length", b"0").isdigit():
            raise ValueError("a response's content-length is no number")
        if not _NAMES_OF_THE_SERVER.isdisjoint(present):
            headers = [header for header in headers if header[0] not in _NAMES_OF_THE_SERVER]
        headers += self.added
        if self.at_start is not None:
            headers += self.at_start()
        present.update(self.added)
        defaults = self.defaults
        if defaults.keys().isdisjoint(present):
            headers += defaults.values()
        else:
            headers += [header for name, header in defaults.items() if name not in present]
        return headers


def by_name(headers: Sequence[Header]) -> dict[bytes, bytes]:
    """Headers by lower-case name; repeated ones joined by commas (RFC 9110 section 5.3)."""
    found = dict(headers)
    if len(found) != len(headers):
        found.clear()
        for name, value in headers:
            found[name] = found[name] + b", " + value if name in found else value
    return found


def exchange_of(scope: Scope) -> Exchange:
    """The exchange that `RequestId` opened for this request."""
    exchange: Exchange = scope["state"][EXCHANGE]
    return exchange
