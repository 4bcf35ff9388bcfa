"""The one row of an HTML form: `application/x-www-form-urlencoded`.

In charge of the form, within limits, in time linear in the body. A value is the text of one, as in a filter.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from backstay.errors import BackstayError

MAX_FIELDS = 1000
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def form_row(body: bytes) -> dict[str, str]:
    """The fields by name.

    Raises:
        BackstayError: PGRST102 for what is no form or beyond the limits, unprocessable for a repeated field.
    """
    parts = body.split(b"&", MAX_FIELDS)
    if len(parts) > MAX_FIELDS:
        raise BackstayError("PGRST102", f"A form has at most {MAX_FIELDS} fields.")
    row: dict[str, str] = {}
    for part in filter(None, parts):
        name, _, value = part.partition(b"=")
        field = _decoded(name)
        if field in row:
            raise BackstayError("unprocessable", "The form has the same field twice.")
        row[field] = _decoded(value)
    return row


def _decoded(part: bytes) -> str:
    if _BAD_ESCAPE.search(part):
        raise BackstayError("PGRST102", "Two hexadecimal digits must follow a '%' in a form.")
    try:
        return unquote_to_bytes(part.replace(b"+", b" ")).decode()
    except UnicodeDecodeError as error:
        raise BackstayError("PGRST102", "A form must be UTF-8.") from error
