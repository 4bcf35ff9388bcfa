"""Callers: who asks, with the requests they can make. A test says `alice.get("/rest/v1/trips")`.

In charge of credentials and of sending; what comes back is a plain `httpx.Response`.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import httpx
from starlette.types import ASGIApp

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

ORIGIN = "http://127.0.0.1"


class CallerClient:
    """One kind of caller of one application.

    Args:
        run: runs a request to its end on the application's loop.
        note_change: called before every request that may write.
    """

    def __init__(
        self,
        name: str,
        app: ASGIApp,
        headers: Mapping[str, str],
        run: Callable[[Coroutine[Any, Any, httpx.Response]], httpx.Response],
        note_change: Callable[[], None],
    ) -> None:
        self.name = name
        self._transport = httpx.ASGITransport(app)
        self._headers = dict(headers)
        self._run = run
        self._note_change = note_change

    def __repr__(self) -> str:
        return self.name

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        prefer: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request, on the application's own loop."""
        sent = {**self._headers, **(headers or {})}
        if prefer is not None:
            sent["Prefer"] = prefer
        if content is None and json is not None:
            content = json_module.dumps(json).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        if method not in ("GET", "HEAD", "OPTIONS"):
            self._note_change()
        request = httpx.Request(method, ORIGIN + path, headers=sent, content=content)
        response = await self._transport.handle_async_request(request)
        response.request = request
        await response.aread()
        return response

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request and its answer."""
        return self._run(self.send(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> httpx.Response:
        return self.request("HEAD", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.request("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def rows(self, path: str, **options: Any) -> Any:
        """The decoded body of a read that must succeed."""
        response = self.get(path, **options)
        assert response.status_code in (200, 206), f"{path}: {response.status_code} {response.text}"
        return response.json()

    def values(self, path: str, column: str, **options: Any) -> list[Any]:
        """One column of all rows of a read that must succeed."""
        return [row[column] for row in self.rows(path, **options)]
