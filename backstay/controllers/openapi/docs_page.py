"""`/docs` and the prebuilt JSON documents, as ASGI applications that answer from memory.

In charge of the page, its one script, Swagger UI's two files (from the package that carries them, so that nothing
comes from another host) and of conditional requests for them. Not in charge of what the documents say.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from backstay.controllers.stored_answer import (
    CONTENT_SECURITY_POLICY,
    REVALIDATED,
    send_stored,
    stored,
)
from backstay.errors import BackstayError, ConfigurationError

ASSETS_PACKAGE = "fastapi_offline"
_ASSETS = {
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "swagger-ui.css": b"text/css; charset=utf-8",
    "favicon.png": b"image/png",
}
# A new version of the assets has a new address (`?v=`), so a browser never needs to ask again.
_YEAR = b"public, max-age=31536000, immutable"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{root}/assets/swagger-ui.css?v={version}">
<link rel="icon" type="image/png" href="{root}/assets/favicon.png?v={version}">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The description itself is at <a href="{document}">{document}</a>.</noscript>
<script src="{root}/assets/swagger-ui-bundle.js?v={version}"></script>
<script src="{root}/assets/init.js?v={version}"></script>
</body>
</html>
"""
_INIT = """window.ui = SwaggerUIBundle({options});
"""


class JsonDocument:
    """A JSON document at one address: GET and HEAD, 304 for a known ETag.

    Raises:
        BackstayError: `method_not_allowed`.
    """

    def __init__(
        self, document: Mapping[str, Any], media_type: str = "application/json; charset=utf-8"
    ) -> None:
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        self.answer = stored(body, media_type.encode(), REVALIDATED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_stored(self.answer, scope, send)


class DocsPage:
    """Everything under `/docs`: the page itself and `/docs/assets/<name>` for a fixed list of names.

    Args:
        title: shown by the browser.
        document_path: where the OpenAPI document is served.
        path: where this is mounted.

    Raises:
        ConfigurationError: when the package with Swagger UI's files is not installed.
        BackstayError: `not_found`, `method_not_allowed`, for the request at hand.
    """

    def __init__(self, *, title: str, document_path: str = "/openapi.json", path: str = "/docs") -> None:
        files = _read_assets()
        files["init.js"] = (_init_script(document_path), _ASSETS["swagger-ui-bundle.js"])
        version = hashlib.sha256(b"".join(content for content, _ in files.values())).hexdigest()[:12]
        page = _PAGE.format(
            title=html.escape(title),
            root=html.escape(path),
            document=html.escape(document_path),
            version=version,
        )
        policy = (b"content-security-policy", CONTENT_SECURITY_POLICY.encode())
        self.answers = {path: stored(page.encode(), b"text/html; charset=utf-8", REVALIDATED, (policy,))}
        for name, (content, media_type) in files.items():
            self.answers[f"{path}/assets/{name}"] = stored(content, media_type, _YEAR)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self.answers.get(scope["path"])
        if answer is None:
            raise BackstayError("not_found")
        await send_stored(answer, scope, send)


def _read_assets() -> dict[str, tuple[bytes, bytes]]:
    """Content and media type by name. The package is found, not imported: only its files are wanted."""
    spec = find_spec(ASSETS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            [f"/docs needs the package {ASSETS_PACKAGE}; install it or set docs = false"]
        )
    folder = Path(spec.submodule_search_locations[0]) / "static"
    return {name: ((folder / name).read_bytes(), media_type) for name, media_type in _ASSETS.items()}


def _init_script(document_path: str) -> bytes:
    options = {
        "url": document_path,
        "dom_id": "#swagger-ui",
        "deepLinking": True,
        "displayRequestDuration": True,
        "docExpansion": "none",
        "filter": True,
        "persistAuthorization": False,
        "tryItOutEnabled": True,
        # Without this the page would show the document to a validator on another host.
        "validatorUrl": None,
    }
    return _INIT.format(options=json.dumps(options)).encode()
