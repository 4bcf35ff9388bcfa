"""Answers that never change while the process runs: made once, sent from memory, with conditional requests for them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from starlette.types import Scope, Send

from backstay.errors import BackstayError

# Of a page of ours: everything it needs comes from here.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REVALIDATED = b"no-cache"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """Bytes with their ETag, ready to send."""

    body: bytes
    etag: bytes
    headers: tuple[tuple[bytes, bytes], ...]


def stored(
    body: bytes, media_type: bytes, cache_control: bytes, extra: tuple[tuple[bytes, bytes], ...] = ()
) -> StoredAnswer:
    """An answer under a strong ETag, the first 32 digits of the body's SHA-256."""
    etag = b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
    headers = ((b"content-type", media_type), (b"etag", etag), (b"cache-control", cache_control), *extra)
    return StoredAnswer(body, etag, headers)


async def send_stored(answer: StoredAnswer, scope: Scope, send: Send) -> None:
    """Answer GET and HEAD; 304 for a known ETag."""
    if scope["method"] not in ("GET", "HEAD"):
        raise BackstayError("method_not_allowed", allow=("GET", "HEAD"))
    if _is_known(answer.etag, scope["headers"]):
        await send({"type": "http.response.start", "status": 304, "headers": list(answer.headers[1:])})
        await send({"type": "http.response.body", "body": b""})
        return
    length = (b"content-length", str(len(answer.body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*answer.headers, length]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


def _is_known(etag: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether `If-None-Match` names this ETag, by weak comparison (RFC 9110, section 13.1.2)."""
    for name, value in headers:
        if name == b"if-none-match":
            known = [tag.strip().removeprefix(b"W/") for tag in value.split(b",")]
            if etag in known or known == [b"*"]:
                return True
    return False
