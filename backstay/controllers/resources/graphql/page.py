"""A page in the browser to try queries on: at the address itself, for whoever asks it for HTML.

In charge of the page and its two files, which come from here and nowhere else.
"""

from __future__ import annotations

import html
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.controllers.stored_answer import (
    CONTENT_SECURITY_POLICY,
    REVALIDATED,
    StoredAnswer,
    send_stored,
    stored,
)

_FILES = {"page.js": b"text/javascript; charset=utf-8", "page.css": b"text/css; charset=utf-8"}


class GraphQLPage:
    """The page in front of the controller.

    Args:
        controller: answers everything else at `path`.
    """

    def __init__(self, controller: ASGIApp, path: str) -> None:
        folder = Path(__file__).parent / "page"
        policy = (b"content-security-policy", CONTENT_SECURITY_POLICY.encode())
        text = (folder / "page.html").read_text("utf-8").replace("{path}", html.escape(path))
        page = stored(text.encode(), b"text/html; charset=utf-8", REVALIDATED, (policy, (b"vary", b"Accept")))
        self.answers: dict[str, StoredAnswer] = {path: page}
        for name, media_type in _FILES.items():
            self.answers[f"{path}/{name}"] = stored((folder / name).read_bytes(), media_type, REVALIDATED)
        self._controller = controller
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page, one of its files, or what the controller answers."""
        path = scope["path"]
        if path == self._path and not _wants_page(scope):
            await self._controller(scope, receive, send)
        else:
            await send_stored(self.answers[path], scope, send)


def _wants_page(scope: Scope) -> bool:
    if scope["method"] not in ("GET", "HEAD") or scope["query_string"]:
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
