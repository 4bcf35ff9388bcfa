"""Routing: the path decides which controller answers. The table is `routes/http.py`.

In charge of the look-up alone. Paths are compared as they came, decoded once by the server; an address of the
platform never falls through to a user's router.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.errors import BackstayError


class Dispatch:
    """Sends a request to the controller of its path.

    Args:
        exact: controllers by whole path.
        trees: prefix (`/rest/v1/`) and controller for one and for two segments after it.
        below: a path, and the controller of it and of everything below it.
        fallback: everything else: users' own routers.
    """

    def __init__(
        self,
        exact: Mapping[str, ASGIApp],
        trees: Sequence[tuple[str, ASGIApp, ASGIApp]],
        below: Sequence[tuple[str, ASGIApp]],
        fallback: ASGIApp,
    ) -> None:
        self._exact = exact
        self._below = tuple(below)
        self._trees = tuple(trees)
        self._fallback = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's lifespan."""
        if scope["type"] != "http":
            await self._fallback(scope, receive, send)
            return
        path: str = scope["path"]
        controller = self._exact.get(path)
        for prefix, collection, item in self._trees:
            if controller is None and path.startswith(prefix):
                segments = path.count("/", len(prefix))
                if segments == 0 and len(path) > len(prefix):
                    await collection(scope, receive, send)
                    return
                if segments == 1 and not path.endswith("/"):
                    await item(scope, receive, send)
                    return
        if controller is None and any(path.startswith(prefix) for prefix, _, _ in self._trees):
            raise BackstayError("PGRST125")
        for prefix, inner in self._below:
            if path == prefix or path.startswith(f"{prefix}/"):
                controller = inner
        await (controller or self._fallback)(scope, receive, send)
