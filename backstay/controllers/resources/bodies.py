"""The rows in the body of a write, in whichever form it says they are: JSON, CSV, or a form."""

from __future__ import annotations

from backstay.controllers.http import HttpRequest
from backstay.controllers.resources.csv_body import csv_rows
from backstay.controllers.resources.form_body import form_row
from backstay.controllers.resources.json_body import decode_json, rows_of
from backstay.controllers.resources.media import BodyForm, body_form
from backstay.models.resources.request import Rows


async def read_rows(request: HttpRequest, columns: tuple[str, ...] | None, *, missing_default: bool) -> Rows:
    """The rows of a request.

    Raises:
        BackstayError: unsupported_media_type, PGRST102, unprocessable.
    """
    form = body_form(request.headers.get(b"content-type"))
    body = await request.body()
    if form is BodyForm.CSV:
        rows = tuple(csv_rows(body))
        return Rows(rows, columns, missing_default=missing_default, single=False, textual=True)
    if form is BodyForm.FIELDS:
        return Rows((form_row(body),), columns, missing_default=missing_default, textual=True)
    value = decode_json(body)
    return Rows(
        tuple(rows_of(value, columns)),
        columns,
        missing_default=missing_default,
        single=not isinstance(value, list),
    )
