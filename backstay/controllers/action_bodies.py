"""The bodies that a call of an action may have: JSON, forms, text and bytes, each as arguments.

In charge of media types and of the two forms. What the arguments must be is in `services/resources`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

from backstay.errors import BackstayError
from backstay.models.resources.actions import Action, Takes
from backstay.services.action import Upload
from backstay.services.resources.action_arguments import from_json, from_texts

MAX_FIELDS = 100
MAX_PART_HEAD_BYTES = 4096
_BOUNDARY = re.compile(rb'boundary=(?:"([^"\r\n]{1,70})"|([!-~]{1,70}?))(?:;|\s|\Z)', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*(name|filename)="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)
# RFC 9110 section 8.3.1, with the parameters of section 5.6.6.
MEDIA_TYPE = re.compile(
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+"
    r"(; ?[!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"[ !#-\[\]-~]*\"))*"
)
Texts = dict[str, list[str]]


class Bodied(Protocol):
    """What comes with a body and headers."""

    @property
    def headers(self) -> Mapping[bytes, bytes]: ...

    async def body(self) -> bytes:
        """The body as it came."""


async def read_arguments(request: Bodied, action: Action) -> dict[str, Any]:
    """The arguments in the body of a request.

    Raises:
        BackstayError: `unsupported_media_type`, `PGRST102`, `validation_failed`, `54000`.
    """
    body = await request.body()
    given = request.headers.get(b"content-type", b"")
    media_type = given.partition(b";")[0].strip().lower()
    if not body or is_json(media_type):
        return from_json(action, body)
    if media_type == b"application/x-www-form-urlencoded":
        return from_texts(action, texts_of(parse_form(body)))
    if media_type == b"multipart/form-data":
        texts, files = _parts(body, given)
        return from_texts(action, texts, files)
    wanted = (Takes.TEXT,) if media_type == b"text/plain" else (Takes.BYTES, Takes.UPLOAD)
    only = [each for each in action.parameters if each.takes in wanted]
    if len(only) != 1:
        raise BackstayError(
            "unsupported_media_type",
            details="The arguments are a JSON object: Content-Type: application/json.",
        )
    if media_type == b"text/plain":
        return from_texts(action, {only[0].name: [_text(body)]})
    kind = media_type.decode("latin-1")
    upload = Upload(body, "", kind if MEDIA_TYPE.fullmatch(kind) else "application/octet-stream")
    return from_texts(action, {}, {only[0].name: upload})


def is_json(content_type: bytes) -> bool:
    """True for the media types of JSON."""
    media_type = content_type.partition(b";")[0].strip().lower()
    return media_type == b"application/json" or media_type.endswith(b"+json")


def parse_form(query: bytes) -> list[tuple[str, str]]:
    """The fields of a query string or an urlencoded form, in order.

    Raises:
        BackstayError: `bad_request`.
    """
    try:
        return parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise BackstayError("bad_request", "The fields cannot be read, or there are too many.") from None


def texts_of(pairs: Iterable[tuple[str, str]]) -> Texts:
    """Values by name, in order."""
    texts: Texts = {}
    for name, value in pairs:
        texts.setdefault(name, []).append(value)
    return texts


def _parts(body: bytes, content_type: bytes) -> tuple[Texts, Mapping[str, Upload]]:
    """The fields and files of a form (RFC 7578), each file under a name of its own."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise BackstayError("bad_request", "The form has no boundary.")
    delimiter = b"\r\n--" + (found[1] or found[2])
    # The first delimiter may stand at the very beginning.
    pieces = (b"\r\n" + body).split(delimiter, MAX_FIELDS + 2)
    if len(pieces) > MAX_FIELDS + 2 or len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise BackstayError("bad_request", f"The form is cut off, or has more than {MAX_FIELDS} fields.")
    texts: Texts = {}
    files: dict[str, Upload] = {}
    for piece in pieces[1:-1]:
        name, value = _part(piece)
        if isinstance(value, str):
            texts.setdefault(name, []).append(value)
        elif name in files:
            raise BackstayError("bad_request", "The form has two files of one name.")
        else:
            files[name] = value
    return texts, files


def _part(piece: bytes) -> tuple[str, str | Upload]:
    head, separator, content = piece.partition(b"\r\n\r\n")
    if not separator or len(head) > MAX_PART_HEAD_BYTES:
        raise BackstayError("bad_request", "A part of the form has no end of its head.")
    headers = {}
    for line in _text(head).split("\r\n")[1:]:
        key, _, value = line.partition(":")
        headers[key.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    named = {key.lower(): re.sub(r"\\(.)", r"\1", value) for key, value in _PARAMETER.findall(disposition)}
    if not disposition.lower().startswith("form-data") or "name" not in named:
        raise BackstayError("bad_request", "A part of the form has no name.")
    if "filename" not in named:
        return named["name"], _text(content)
    kind = headers.get("content-type", "")
    return named["name"], Upload(
        content, named["filename"], kind if MEDIA_TYPE.fullmatch(kind) else "application/octet-stream"
    )


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise BackstayError("bad_request", "Text must be UTF-8.") from None
