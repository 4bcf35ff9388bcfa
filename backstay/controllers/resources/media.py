"""Media types: which form of an answer the caller accepts, and which form a body has.

In charge of `Accept` (RFC 9110 section 12.5.1) and of `Content-Type`. What an error looks like is not settled here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from backstay.errors import BackstayError
from backstay.models.resources.request import Shape

_OBJECT = "application/vnd.pgrst.object+json"
_ARRAY = "application/vnd.pgrst.array+json"
_STRIPPED = ";nulls=stripped"
QUESTION_TYPE = "application/x-www-form-urlencoded"
_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]++\Z")
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class AnswerMedia:
    """The form of an answer, and the `Content-Type` that says so.

    Attributes:
        strips_nulls: members that are null are left out of objects, at any depth.
    """

    shape: Shape
    content_type: str
    strips_nulls: bool = False

    @cached_property
    def header(self) -> tuple[bytes, bytes]:
        """The header that says so."""
        return (b"content-type", self.content_type.encode())


JSON_ARRAY = AnswerMedia(Shape.ARRAY, "application/json; charset=utf-8")
JSON_OBJECT = AnswerMedia(Shape.OBJECT, f"{_OBJECT}; charset=utf-8")
STRIPPED_ARRAY = AnswerMedia(Shape.ARRAY, f"{_ARRAY};nulls=stripped; charset=utf-8", strips_nulls=True)
STRIPPED_OBJECT = AnswerMedia(Shape.OBJECT, f"{_OBJECT};nulls=stripped; charset=utf-8", strips_nulls=True)
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
    (STRIPPED_ARRAY, dict.fromkeys((f"{_ARRAY}{_STRIPPED}", f"application/vnd.pgrst.array{_STRIPPED}"), 2)),
    (
        STRIPPED_OBJECT,
        dict.fromkeys((f"{_OBJECT}{_STRIPPED}", f"application/vnd.pgrst.object{_STRIPPED}"), 2),
    ),
)

# What clients send most, already negotiated.
_USUAL: dict[bytes | None, AnswerMedia] = {
    None: JSON_ARRAY,
    b"": JSON_ARRAY,
    b"*/*": JSON_ARRAY,
    b"application/json": JSON_ARRAY,
    b"application/json, */*": JSON_ARRAY,
    _OBJECT.encode(): JSON_OBJECT,
    f"{_ARRAY}{_STRIPPED}".encode(): STRIPPED_ARRAY,
    f"{_OBJECT}{_STRIPPED}".encode(): STRIPPED_OBJECT,
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


class BodyForm(StrEnum):
    """How the rows of a write are written."""

    JSON = "json"
    CSV = "csv"
    FIELDS = "fields"


def body_form(content_type: bytes | None) -> BodyForm:
    """The form that a body says it has. All are UTF-8.

    Saying so matters: a browser may send a form across origins without asking first, which is why a session's cookie
    alone lets nobody write (`middleware/cookie_session.py`).

    Raises:
        BackstayError: unsupported_media_type.
    """
    if content_type == b"application/json":
        return BodyForm.JSON
    name, parameters = _parsed((content_type or b"").decode("latin-1"))
    charsets = {value for key, value in parameters if key == "charset"}
    form = _BODY_FORMS.get(name)
    if name.startswith("application/") and name.endswith("+json"):
        form = BodyForm.JSON
    if form is None or not charsets <= {"utf-8", "utf8"}:
        raise BackstayError(
            "unsupported_media_type",
            details="The body must be JSON (Content-Type: application/json), text/csv or"
            " application/x-www-form-urlencoded, in UTF-8.",
        )
    return form


def require_question(content_type: bytes | None) -> None:
    """Refuse a body that does not say it is a query string.

    Raises:
        BackstayError: unsupported_media_type.
    """
    name, parameters = _parsed((content_type or b"").decode("latin-1"))
    charsets = {value for key, value in parameters if key == "charset"}
    if name != QUESTION_TYPE or not charsets <= {"utf-8", "utf8"}:
        details = f"The body must be a query string: Content-Type: {QUESTION_TYPE}."
        raise BackstayError("unsupported_media_type", details=details)


_BODY_FORMS = {
    "application/json": BodyForm.JSON,
    "application/vnd.pgrst.object": BodyForm.JSON,
    "application/vnd.pgrst.array": BodyForm.JSON,
    "text/csv": BodyForm.CSV,
    QUESTION_TYPE: BodyForm.FIELDS,
}


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
                # Part of the name. Whatever has no form without nulls is then no name of anything.
                name = f"{name};nulls={value}" if name else ""
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
