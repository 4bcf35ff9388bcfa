"""What the answers of tables and of rows have in common: their form, and headers that say what they depend on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from urllib.parse import quote, unquote_plus

from backstay.controllers.http import Header
from backstay.controllers.resources.csv_lines import csv_of
from backstay.controllers.resources.exact_json import without_nulls
from backstay.controllers.resources.media import AnswerMedia
from backstay.controllers.resources.query_string import AFTER
from backstay.errors import BackstayError
from backstay.models.resources.request import Shape

VARY = (b"vary", b"Accept, Authorization, Prefer, Range")
# A browser may keep the answer and must ask each time whether it still holds; nobody else may keep it.
REVALIDATED = (b"cache-control", b"private, no-cache")

# What stands in a query string as it is (RFC 3986 section 3.4), and one of nothing else.
_KEPT = "-._~!$'()*,;:@/="
_PLAIN = re.compile(rb"[A-Za-z0-9\-._~!$'()*,;:@/=&]*\Z")
_NOT_IN_NEXT = frozenset({AFTER, "offset"})


def shaped(document: bytes, answer: AnswerMedia) -> bytes:
    """A JSON array in the form that was negotiated; an object is the only row of an array of one."""
    if answer.strips_nulls:
        document = without_nulls(document)
    if answer.shape is Shape.ARRAY:
        return document
    return document[1:-1] if answer.shape is Shape.OBJECT else csv_of(document)


def checked_profile(profile: bytes | None) -> tuple[Header, ...]:
    """The header that says which schema was negotiated; none when nobody asked for one.

    Raises:
        BackstayError: PGRST106 for any but the only one there is.
    """
    if profile is None:
        return ()
    if profile != b"public":
        name = profile.decode("latin-1")[:63]
        shown = "".join(c for c in name if c.isprintable())
        raise BackstayError(
            "PGRST106", f"Invalid schema: {shown}", hint="Only the following schemas are exposed: public"
        )
    return ((b"content-profile", b"public"),)


def location(path: str, query: bytes) -> bytes:
    """The address of what is shown, with the parameters in the order of their names and encoded one way."""
    if not query:
        return _address(path)
    if _PLAIN.match(query):
        parts = sorted((part for part in query.split(b"&") if part), key=_name)
        # 1 µs, and 6 for what has to be decoded first.
        return _address(path) + b"?" + b"&".join(parts) if parts else _address(path)
    return _address(path) + _written(sorted(_named(query), key=itemgetter(0)))


def next_link(path: str, query: bytes, cursor: str) -> Header:
    """The address of the page after this one (RFC 8288)."""
    kept = [(name, value) for name, value in _named(query) if name not in _NOT_IN_NEXT]
    address = _address(path) + _written([*kept, (AFTER, cursor)])
    return (b"link", b"<" + address + b'>; rel="next"')


@lru_cache(256)
def _address(path: str) -> bytes:
    return quote(path, safe="/").encode()


def _name(part: bytes) -> bytes:
    return part.partition(b"=")[0]


def _named(query: bytes) -> list[tuple[str, str]]:
    pairs = [part.partition("=") for part in query.decode().split("&") if part]
    return [(unquote_plus(key), unquote_plus(value)) for key, _, value in pairs]


def _written(named: Iterable[tuple[str, str]]) -> bytes:
    pairs = "&".join(f"{quote(key, safe=_KEPT)}={quote(value, safe=_KEPT)}" for key, value in named)
    return f"?{pairs}".encode() if pairs else b""
