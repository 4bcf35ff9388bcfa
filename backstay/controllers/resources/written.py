"""Answers to writes, and to requests for one row: the headers that they have in common, and the rows written."""

from __future__ import annotations

from urllib.parse import quote

from backstay.config.rest import RestSettings
from backstay.controllers.http import Header
from backstay.controllers.resources.answers import VARY, checked_profile, shaped
from backstay.controllers.resources.applied import ROW_WRITE_PREFERENCES, applied
from backstay.controllers.resources.etags import etag_of, matches
from backstay.controllers.resources.exact_json import without_nulls
from backstay.controllers.resources.media import CSV_LINES, AnswerMedia
from backstay.controllers.resources.operation import Answer, Operation
from backstay.controllers.resources.prefer import Preferences
from backstay.errors import BackstayError
from backstay.models.catalog import Resource
from backstay.repositories.resources.write import Precondition, Written


def written_headers(
    operation: Operation, place: str, written: Written, preferences: Preferences
) -> list[Header]:
    """What every answer to a write of a table says.

    Args:
        place: which rows these are, `*` where that means nothing.
    """
    total = "*" if preferences.count is None else str(written.count)
    profile = checked_profile(operation.headers.get(b"content-profile"))
    return [(b"content-range", f"{place}/{total}".encode()), VARY, *profile]


def written_place(written: Written) -> str:
    """Which rows a write changed, as a range."""
    return f"0-{written.count - 1}" if written.count else "*"


def row_location(path: str, resource: Resource, written: Written) -> Header:
    """The address of the only written row, as a filter by its primary key."""
    filters = (
        f"{field.name}=eq.{quote(str(value), safe='')}"
        for field, value in zip(resource.primary_key, written.keys[0], strict=True)
    )
    return (b"location", f"{path}?{'&'.join(filters)}".encode())


def written_answer(status: int, headers: list[Header], written: Written, media: AnswerMedia) -> Answer:
    """The answer to a write of a table, with the rows when they were asked for."""
    if written.body is None:
        if status != 204:
            headers.append((b"content-type", b"text/plain; charset=utf-8"))
        return Answer(status, headers, rows=written.count)
    headers.append(media.header)
    return Answer(status, headers, shaped(written.body, media), written.count)


def shown_row(document: bytes, media: AnswerMedia) -> bytes:
    """The only row of a JSON array, in the form that was negotiated."""
    if media is CSV_LINES:
        return shaped(document, media)
    return (without_nulls(document) if media.strips_nulls else document)[1:-1]


def row_answer(
    status: int, written: Written, preferences: Preferences, settings: RestSettings, *, tagged: bool = True
) -> Answer:
    """The answer to a write of one row: the row and its tag; without the row where it is not wanted."""
    assert written.body is not None
    headers = [VARY, *applied(preferences, ROW_WRITE_PREFERENCES, settings)]
    body = written.body[1:-1]
    if tagged:
        headers.append((b"etag", etag_of(body)))
    if preferences.return_ in ("minimal", "headers-only"):
        return Answer(204 if status == 200 else status, headers, rows=1)
    headers.append((b"content-type", b"application/json; charset=utf-8"))
    return Answer(status, headers, body, rows=1)


def precondition_of(operation: Operation, settings: RestSettings) -> Precondition | None:
    """What `If-Match` asks of the row as it is, read in the transaction that writes it.

    Raises:
        BackstayError: `precondition_required` where the settings want one and there is none.
    """
    condition = operation.headers.get(b"if-match")
    if condition is None:
        require_precondition(settings)
        return None
    matches(condition, b"", weakly=False)

    def check(document: bytes | None) -> None:
        if document is not None and not matches(condition, etag_of(document[1:-1]), weakly=False):
            raise BackstayError("precondition_failed")

    return check


def require_precondition(settings: RestSettings) -> None:
    """Refuse a write without a precondition, where the settings want one.

    Raises:
        BackstayError: `precondition_required`.
    """
    if settings.require_preconditions:
        raise BackstayError("precondition_required")


def makes_only(operation: Operation, settings: RestSettings) -> bool:
    """Whether a PUT without `If-Match` may only make its row, as `If-None-Match: *` says.

    Raises:
        BackstayError: `bad_request` for another tag; `precondition_required`.
    """
    none_match = operation.headers.get(b"if-none-match")
    if none_match is None:
        require_precondition(settings)
    elif none_match.strip() != b"*":
        raise BackstayError("bad_request", "If-None-Match on a write is *.")
    return none_match is not None
