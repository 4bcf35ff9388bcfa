"""Cursors: the place of a row in an order, as text that means nothing to whoever carries it.

In charge of sealing places and of opening them again, for the same question and the same caller only. The values in a
place may be more than its caller may see (a hidden key decides between equals), so they are encrypted; and it opens for
nobody else, so that no caller learns where a value they cannot see stands among their rows.
"""

from __future__ import annotations

import binascii
import itertools
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Hashable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.resources.request import Query, Request
from backstay.services.auth.sealing import Sealing

_PURPOSE = b"backstay cursors"
# Sealed and written out it still fits a header line of 8 KiB.
MAX_PLACE_BYTES = 4096
_STEP_BYTES = 32
_MAX_TEXT = 2 * MAX_PLACE_BYTES


class Cursors:
    """Makes and reads cursors; every node with the server's secret reads those of the others.

    Raises:
        ConfigurationError: the secret is too short.
    """

    def __init__(self, secret: bytes) -> None:
        self._sealing = Sealing(secret, _PURPOSE)

    def seal(self, owner: bytes, place: str) -> str:
        """The cursor of a place, as the database wrote it.

        Raises:
            BackstayError: `54000` when its values are too long to carry.
        """
        # JSON does not mind the spaces, and the length tells little of what is in it.
        clear = place.encode()
        clear += b" " * (-len(clear) % _STEP_BYTES)
        if len(clear) > MAX_PLACE_BYTES:
            raise BackstayError(
                "54000",
                f"the columns of the order hold more than {MAX_PLACE_BYTES} bytes in the last row of this page",
                hint="Order by shorter columns, or go on by offset.",
            )
        return urlsafe_b64encode(self._sealing.seal(clear, owner)).decode().rstrip("=")

    def open(self, owner: bytes, cursor: str) -> tuple[str | None, ...]:
        """The literals of a place; None for null.

        Raises:
            BackstayError: `bad_cursor`, whatever is wrong with it.
        """
        try:
            if len(cursor) > _MAX_TEXT:
                raise ValueError
            sealed = b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
            values = json.loads(self._sealing.open(sealed, owner), parse_int=str, parse_float=str)
        except (ValueError, binascii.Error):
            raise BackstayError("bad_cursor") from None
        return tuple(map(_literal, values))


def owner_of(resource: str, query: Query, caller: Caller, kind: Hashable) -> bytes:
    """What a cursor belongs to: one table, conditions and order, and one caller as they are seen by the rules."""
    question = repr((resource, query.where, query.order, str(caller.id), caller.role, kind))
    return blake2b(question.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def after(
    place: Sequence[str | None] | None, request: Request, values: Sequence[Any]
) -> tuple[Request, Sequence[Any]]:
    """The question for the rows after a place, or from the first row on, and its literals.

    What it is answered with says where its last row stands.
    """
    slots: tuple[int | None, ...] | None = None
    if place is not None:
        free = itertools.count(len(values))
        slots = tuple(None if key is None else next(free) for key in place)
        values = (*values, *(key for key in place if key is not None))
    return replace(request, keyed=True, query=replace(request.query, after=slots)), values


def _literal(value: str | bool | None) -> str | None:
    return ("true" if value else "false") if isinstance(value, bool) else value
