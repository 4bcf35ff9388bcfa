"""The rows in the body of a write, in whichever form it says they are: JSON, CSV, or a form."""

from __future__ import annotations

from backstay.controllers.resources.csv_body import csv_rows
from backstay.controllers.resources.form_body import form_row
from backstay.controllers.resources.json_body import rows_of
from backstay.controllers.resources.media import BodyForm, body_form
from backstay.controllers.resources.operation import Operation
from backstay.models.resources.request import Rows


async def read_rows(operation: Operation, columns: tuple[str, ...] | None, *, missing_default: bool) -> Rows:
    """The rows of an operation.

    Raises:
        BackstayError: unsupported_media_type, PGRST102, unprocessable.
    """
    form = body_form(operation.headers.get(b"content-type"))
    if form is BodyForm.CSV:
        rows = tuple(csv_rows(await operation.body()))
        return Rows(rows, columns, missing_default=missing_default, single=False, textual=True)
    if form is BodyForm.FIELDS:
        return Rows(
            (form_row(await operation.body()),), columns, missing_default=missing_default, textual=True
        )
    value = await operation.document()
    return Rows(
        tuple(rows_of(value, columns)),
        columns,
        missing_default=missing_default,
        single=not isinstance(value, list),
    )
