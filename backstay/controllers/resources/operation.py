"""One operation on the tables and its answer, apart from how either travels: as a request of its own or in a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from backstay.controllers.http import Header, HttpRequest
from backstay.controllers.resources.json_body import decode_json
from backstay.repositories.database.sessions import Session
from backstay.services.context import Context


class Operation(Protocol):
    """What is asked.

    Attributes:
        path: whole, decoded once.
        headers: by lower-case name.
        session: whose transaction it is part of; None for one of its own.
    """

    @property
    def context(self) -> Context: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query(self) -> bytes: ...
    @property
    def headers(self) -> Mapping[bytes, bytes]: ...
    @property
    def state(self) -> Mapping[str, Any]: ...
    @property
    def session(self) -> Session | None: ...

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """The header of that lower-case name as the only value of a list, or an empty list."""

    async def body(self) -> bytes:
        """The body as it came."""

    async def document(self) -> Any:
        """The body, read as JSON."""


class HttpOperation(HttpRequest):
    """A request of its own."""

    __slots__ = ()

    @property
    def session(self) -> None:
        """None: it has a transaction of its own."""
        return None

    async def document(self) -> Any:
        """The body, read as JSON."""
        return decode_json(await self.body())


@dataclass(slots=True)
class Answer:
    """What is answered.

    Attributes:
        rows: how many were read or written.
    """

    status: int
    headers: list[Header]
    body: bytes = b""
    rows: int = 0
