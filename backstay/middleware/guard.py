"""The guard: refuses every request that is ambiguous, oversized or not HTTP as the RFCs have it.

In charge of the rules for a request's head (`refusal_of_head`), which our own server applies to the raw head, and
of applying them at ASGI level under any other server, as far as that server shows the head. Not in charge of the
body, whose limits are in `body.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from backstay.config.http import HttpSettings
from backstay.errors import BackstayError
from backstay.middleware.exchange import HEAD_CHECKED, Header
from backstay.middleware.problem import METHODS, problem_of, problem_response
from backstay.middleware.request_id import new_request_id
from backstay.middleware.security_headers import SECURITY_HEADERS, TRANSPORT_SECURITY

_METHODS = frozenset(METHODS)
_HOST = re.compile(rb"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,254}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PATH = re.compile(rb"/[\x21\x24-\x5b\x5d-\x7e]*")
# Browsers leave a backslash in a query as it is, and curl whatever it is given; neither ends a line.
_QUERY = re.compile(rb"[\x21\x22\x24-\x7e]*")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_BAD_DECODED_PATH = re.compile(rb"[\x00-\x1f\x7f\\]|(?:^|/)\.\.?(?:/|$)")
_HEADER_OVERHEAD_BYTES = 4  # `: ` and the line end

_ASCII = (re.compile(rb"[\x00-\x7f]*"), "bad_request", "A Sec-WebSocket header is not ASCII.")
_GRAMMAR: Mapping[bytes, tuple[re.Pattern[bytes], str, str | None]] = {
    b"host": (_HOST, "bad_host", None),
    b"content-length": (re.compile(rb"[0-9]{1,18}"), "bad_framing", "The Content-Length is no number."),
    b"transfer-encoding": (
        re.compile(rb"(?i:chunked)"),
        "bad_framing",
        "The only Transfer-Encoding here is 'chunked', once.",
    ),
    b"upgrade": (re.compile(rb"(?!)"), "bad_request", "This server does not change protocol."),
    b"sec-websocket-extensions": _ASCII,
    b"sec-websocket-key": _ASCII,
    b"sec-websocket-protocol": _ASCII,
    b"sec-websocket-version": _ASCII,
}
"""What the value of a header must be, and the error when it is not."""


def refusal_of_head(
    method: str, version: str, path: bytes, query: bytes, headers: Iterable[Header]
) -> BackstayError | None:
    """Why the head must be refused, or None. Header names are in lower case, `path` is as it was sent."""
    if method not in _METHODS:
        return BackstayError("method_not_allowed")
    if version not in ("1.1", "1.0"):
        return BackstayError("bad_request", "Only HTTP/1.0 and HTTP/1.1 are served here.")
    return _refusal_of_headers(version, headers) or _refusal_of_target(path, query)


def _refusal_of_headers(version: str, headers: Iterable[Header]) -> BackstayError | None:
    seen: list[bytes] = []
    rule_of = _GRAMMAR.get
    for name, value in headers:
        rule = rule_of(name)
        if rule is not None:
            pattern, code, message = rule
            if not pattern.fullmatch(value):
                return BackstayError(code, message)
            seen.append(name)
    if seen == [b"host"]:
        return None
    if seen.count(b"host") != 1:
        return BackstayError("bad_host")
    lengths, codings = seen.count(b"content-length"), seen.count(b"transfer-encoding")
    # RFC 9112 section 6.1: a length beside a coding is an attempt at smuggling, and HTTP/1.0 knows no coding.
    if lengths > 1 or codings > 1 or (codings and (lengths or version == "1.0")):
        return BackstayError("bad_framing")
    return None


def _refusal_of_target(path: bytes, query: bytes) -> BackstayError | None:
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        return BackstayError("bad_path", "The request target is malformed.")
    if b"%" in path or b"/." in path:
        decoded = unquote_to_bytes(path)  # once; what is still encoded then is literal
        if _BAD_ESCAPE.search(path) or _BAD_DECODED_PATH.search(decoded):
            return BackstayError("bad_path")
        try:
            decoded.decode()
        except UnicodeDecodeError:
            return BackstayError("bad_path", "The path is not UTF-8.")
    return None


def refusal_response(
    error: BackstayError, *, secure: bool, path: str, method: str, client_ip: str
) -> tuple[int, list[Header], bytes]:
    """Status, headers and body of the answer to a request that reaches no other layer; logs it once."""
    problem = problem_of(error)
    request_id = new_request_id()
    headers, body = problem_response(problem, request_id=request_id, instance=path)
    headers += SECURITY_HEADERS
    headers.append((b"x-request-id", request_id.encode()))
    if secure:
        headers.append(TRANSPORT_SECURITY)
    structlog.get_logger("backstay.guard").info(
        "request_refused",
        method=method,
        path=path,
        status=problem.status,
        code=problem.code,
        request_id=request_id,
        client_ip=client_ip,
    )
    return problem.status, headers, body


class Guard:
    """Refuses at ASGI level what the server has let through. Does nothing where the server has checked the head."""

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and HEAD_CHECKED not in (scope.get("extensions") or ()):
            refusal = self._refusal(scope)
            if refusal is not None:
                await _refuse(refusal, scope, send)
                return
        elif scope["type"] == "websocket" and _refusal_of_target(_raw_path(scope), scope["query_string"]):
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> BackstayError | None:
        settings = self._settings
        path, query = _raw_path(scope), scope["query_string"]
        headers = scope["headers"]
        size = sum([len(name) + len(value) + _HEADER_OVERHEAD_BYTES for name, value in headers])
        if len(headers) > settings.max_headers or size > settings.max_header_bytes:
            return BackstayError("headers_too_large")
        if len(path) + len(query) > settings.max_target_bytes:
            return BackstayError("uri_too_long")
        # HTTP/2 has its own framing, and its `:authority` reaches the application as a Host header.
        version = "1.1" if scope["http_version"].startswith("2") else scope["http_version"]
        return refusal_of_head(scope["method"], version, path, query, headers)


def _raw_path(scope: Scope) -> bytes:
    raw: bytes | None = scope.get("raw_path")
    return scope["path"].encode("utf-8", "surrogateescape") if raw is None else raw


async def _refuse(error: BackstayError, scope: Scope, send: Send) -> None:
    client = scope.get("client")
    status, headers, body = refusal_response(
        error,
        secure=scope.get("scheme") == "https",
        path=scope["path"],
        method=scope["method"],
        client_ip=client[0] if client else "",
    )
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
