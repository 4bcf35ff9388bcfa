"""Errors at the addresses of identity, in the two shapes of the GoTrue protocol (protocol reference, 1.3.6).

In charge of the codes and members that its clients read. With the version header that every current client sends, the
problem document has them already; without it, `code` is the status and `error_code` the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backstay.middleware.exchange import Header
from backstay.middleware.problem import Problem

VERSION_HEADER = b"x-supabase-api-version"
VERSION = b"2024-01-01"
# Later ones are answered by the newest that there is.
_DATE = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_CODES: Mapping[str, str] = {
    "PGRST301": "bad_jwt",
    "PGRST303": "bad_jwt",
    "rate_limited": "over_request_rate_limit",
    "internal_error": "unexpected_failure",
    "deadline_exceeded": "request_timeout",
    "body_too_large": "request_entity_too_large",
}
# A token was sent and is not good: here that is 403, and 401 is for none.
_FORBIDDEN = frozenset({"bad_jwt", "session_not_found"})
_REASONS: Mapping[str, str] = {"length": "length", "characters": "characters"}


def in_identity_words(problem: Problem, headers: Mapping[bytes, bytes]) -> Problem:
    """The same problem as its clients know it.

    Args:
        headers: of the request, by lower-case name.
    """
    code = _CODES.get(problem.code, problem.code)
    changed = replace(problem, code=code)
    if code in _FORBIDDEN:
        kept = tuple(
            header for header in problem.headers if header[0] not in (b"www-authenticate", b"proxy-status")
        )
        changed = replace(changed, status=403, headers=kept)
    members: dict[str, Any] = {}
    if code == "weak_password":
        members["weak_password"] = {"reasons": _reasons(problem.details), "message": problem.message}
    if _DATE.fullmatch(version := headers.get(VERSION_HEADER, b"")) and version >= VERSION:
        echoed: Header = (VERSION_HEADER, VERSION)
        return replace(changed, headers=(*changed.headers, echoed), members=members)
    members |= {"code": changed.status, "error_code": code, "msg": problem.message}
    return replace(changed, members=members)


def _reasons(details: Any) -> Sequence[str]:
    """Why a password is weak: a listed or personal one is `pwned` to these clients."""
    found = [_REASONS.get(item["code"], "pwned") for item in details] if isinstance(details, list) else []
    return list(dict.fromkeys(found))
