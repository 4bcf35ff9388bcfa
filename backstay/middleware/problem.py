"""The one form of every error on the wire: an RFC 9457 problem document that carries the four keys of the PostgREST
protocol as well.

In charge of the table from kind to status, of the document and of the headers that belong to it. `errors.py` catches
and answers; the server protocol uses this for what it refuses before there is a request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from backstay.errors import BackstayError, FieldProblem, Kind
from backstay.middleware.exchange import Header

STATUS: Mapping[Kind, int] = {
    Kind.AMBIGUOUS: 300,
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.METHOD: 405,
    Kind.UNACCEPTABLE: 406,
    Kind.TIMED_OUT: 408,
    Kind.CONFLICT: 409,
    Kind.PRECONDITION: 412,
    Kind.TOO_LARGE: 413,
    Kind.TOO_LONG: 414,
    Kind.MEDIA_TYPE: 415,
    Kind.RANGE: 416,
    Kind.UNPROCESSABLE: 422,
    Kind.PRECONDITION_MISSING: 428,
    Kind.LIMITED: 429,
    Kind.HEADERS_TOO_LARGE: 431,
    Kind.INTERNAL: 500,
    Kind.UNAVAILABLE: 503,
    Kind.SLOW: 504,
}

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY")

_PROBLEM_JSON: Header = (b"content-type", b"application/problem+json")
_JSON: Header = (b"content-type", b"application/json")
_REFUSED_TOKENS = frozenset({"bad_jwt", "bad_api_key", "PGRST301", "PGRST303"})
_PROTOCOL_CODE = re.compile(r"PGRST[0-9A-Z]{3}|[0-9A-Z]{5}")
_RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in the words of HTTP.

    `headers` are those that the status asks for, `cause` is for developers, `members` are set over the document's.
    """

    status: int
    code: str
    message: str
    details: Any = None
    hint: str | None = None
    headers: tuple[Header, ...] = ()
    cause: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)


def problem_of(error: BackstayError, *, anonymous: bool = False) -> Problem:
    """The problem for an error of the catalogue.

    `anonymous`: a caller who is nobody and may not (42501) is told to sign in: 401 instead of 403.
    """
    status = STATUS[error.kind]
    if anonymous and error.code == "42501":
        status = 401
    headers: list[Header] = []
    if status == HTTPStatus.UNAUTHORIZED:
        refused = error.code in _REFUSED_TOKENS
        headers.append((b"www-authenticate", b'Bearer error="invalid_token"' if refused else b"Bearer"))
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", ", ".join(error.allow or METHODS).encode()))
    elif status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        seconds = error.retry_after_seconds
        headers.append((b"retry-after", b"%d" % (_RETRY_AFTER_SECONDS if seconds is None else seconds)))
    elif status == HTTPStatus.REQUEST_TIMEOUT:
        headers.append((b"connection", b"close"))  # RFC 9110 section 15.5.9
    if _PROTOCOL_CODE.fullmatch(error.code):
        headers.append((b"proxy-status", b"backstay; error=" + error.code.encode()))
    details = error.details
    if details is not None and not isinstance(details, str):
        details = [asdict(item) if isinstance(item, FieldProblem) else dict(item) for item in details]
    members = {} if error.index is None else {"index": error.index}
    return Problem(status, error.code, error.message, details, error.hint, tuple(headers), members=members)


def problem_bytes(problem: Problem, *, request_id: str, instance: str) -> bytes:
    """The document. `instance` is the path without its query, which may hold what nobody should log or show."""
    document = {
        "type": f"urn:backstay:error:{problem.code}",
        "title": _title(problem.status),
        "status": problem.status,
        "detail": problem.message,
        "instance": instance,
        "request_id": request_id,
        "code": problem.code,
        "message": problem.message,
        "details": problem.details,
        "hint": problem.hint,
    }
    if problem.cause is not None:
        document["cause"] = problem.cause
    document.update(problem.members)
    try:
        return to_json(document, fallback=str)
    except (PydanticSerializationError, ValueError):  # a lone surrogate that came from the client
        return json.dumps(document, default=str).encode()


def problem_response(
    problem: Problem, *, request_id: str, instance: str, accept: bytes | None = None
) -> tuple[list[Header], bytes]:
    """Headers and body of the answer."""
    body = problem_bytes(problem, request_id=request_id, instance=instance)
    content_type = _PROBLEM_JSON if accept is None or not _admits_only_json(accept) else _JSON
    return [content_type, (b"content-length", b"%d" % len(body)), *problem.headers], body


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _admits_only_json(accept: bytes) -> bool:
    """True when `application/json` is accepted and the problem type is not, not even by a wildcard."""
    json_accepted = False
    for media_range in accept.lower().split(b","):
        media_type, _, parameters = media_range.partition(b";")
        if parameters.replace(b" ", b"").rstrip(b"0.") == b"q=":
            continue
        media_type = media_type.strip()
        if media_type in (b"application/problem+json", b"application/*", b"*/*"):
            return False
        json_accepted = json_accepted or media_type == b"application/json"
    return json_accepted
