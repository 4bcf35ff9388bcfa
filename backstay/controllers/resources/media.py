"""Media types: which form of an answer the caller accepts, and whether a body is JSON.

In charge of `Accept` (RFC 9110 section 12.5.1) and of `Content-Type`. What an error looks like is not settled here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from backstay.errors import BackstayError
from backstay.models.resources.request import Shape

_OBJECT = "application/vnd.pgrst.object+json"
_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]++\Z")
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class AnswerMedia:
    """The form of an answer, and the `Content-Type` that says so."""

    shape: Shape
    content_type: str

    @cached_property
    def header(self) -> tuple[bytes, bytes]:
        """The header that says so."""
        return (b"content-type", self.content_type.encode())


JSON_ARRAY = AnswerMedia(Shape.ARRAY, "application/json; charset=utf-8")
JSON_OBJECT = AnswerMedia(Shape.OBJECT, f"{_OBJECT}; charset=utf-8")
CSV_LINES = AnswerMedia(Shape.CSV, "text/csv; charset=utf-8")

# What each form answers to, in the server's order of preference; more specific ranges rule over less specific ones.
_AVAILABLE: tuple[tuple[AnswerMedia, dict[str, int]], ...] = (
    (
        JSON_ARRAY,
        {
            "application/json": 2,
            "application/vnd.pgrst.array": 2,
            "application/vnd.pgrst.array+json": 2,
            "application/*": 1,
            "*/*": 0,
        },
    ),
    (CSV_LINES, {"text/csv": 2, "text/*": 1, "*/*": 0}),
    (JSON_OBJECT, {_OBJECT: 2, "application/vnd.pgrst.object": 2}),
)

# What clients send most, already negotiated.
_USUAL: dict[bytes | None, AnswerMedia] = {
    None: JSON_ARRAY,
    b"": JSON_ARRAY,
    b"*/*": JSON_ARRAY,
    b"application/json": JSON_ARRAY,
    b"application/json, */*": JSON_ARRAY,
    _OBJECT.encode(): JSON_OBJECT,
    b"text/csv": CSV_LINES,
}


def negotiate(accept: bytes | None) -> AnswerMedia:
    """The form that suits an `Accept` header best; several headers are to be joined with commas.

    Raises:
        BackstayError: PGRST107 when nothing available is accepted.
    """
    usual = _USUAL.get(accept)
    if usual is not None or accept is None:
        return usual or JSON_ARRAY
    ranges = _ranges(accept.decode("latin-1"))
    best: AnswerMedia | None = None
    best_rank = (0, 0)
    for media, names in _AVAILABLE:
        matches = [
            (names[name], quality, -place) for place, (name, quality) in enumerate(ranges) if name in names
        ]
        if matches:
            _, quality, place = max(matches)
            if quality and (best is None or (quality, place) > best_rank):
                best, best_rank = media, (quality, place)
    if best is None:
        raise _none_available(accept)
    return best


def require_json(content_type: bytes | None) -> None:
    """Refuses a body that does not say it is JSON in UTF-8.

    Saying so matters: what a browser may send across origins without asking first is never `application/json`.

    Raises:
        BackstayError: unsupported_media_type.
    """
    if content_type == b"application/json":
        return
    name, parameters = _parsed((content_type or b"").decode("latin-1"))
    charsets = {value for key, value in parameters if key == "charset"}
    is_json = name == "application/json" or (name.startswith("application/") and name.endswith("+json"))
    is_json = is_json or name in ("application/vnd.pgrst.object", "application/vnd.pgrst.array")
    if not is_json or not charsets <= {"utf-8", "utf8"}:
        raise BackstayError(
            "unsupported_media_type", details="The body must be JSON: Content-Type: application/json."
        )


def _ranges(accept: str) -> list[tuple[str, int]]:
    """The ranges that can be answered at all, in order, with their qualities in thousandths."""
    ranges: list[tuple[str, int]] = []
    for text in accept.split(","):
        name, parameters = _parsed(text)
        quality = 1000
        for key, value in parameters:
            if key == "q":
                quality = round(float(value) * 1000) if _QUALITY.match(value) else 0
            elif key == "nulls":
                # Objects without their null members are not offered, so this range names nothing available.
                name = ""
        if name:
            ranges.append((name, quality))
    return ranges


def _parsed(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A media type in lower case and its parameters; an empty name for what is no media type."""
    name, *rest = text.split(";")
    name = name.strip(" \t").lower()
    kind, slash, subtype = name.partition("/")
    if not slash or not _TOKEN.match(kind) or not _TOKEN.match(subtype):
        return "", []
    parameters: list[tuple[str, str]] = []
    for parameter in rest:
        key, _, value = parameter.partition("=")
        parameters.append((key.strip(" \t").lower(), value.strip(" \t").strip('"').lower()))
    return name, parameters


def _none_available(accept: bytes) -> BackstayError:
    shown = "".join(c for c in accept.decode("latin-1")[:_SHOWN_CHARACTERS] if " " <= c <= "~")
    names = ", ".join(text.strip() for text in shown.split(","))
    return BackstayError("PGRST107", f"None of these media types are available: {names}")
