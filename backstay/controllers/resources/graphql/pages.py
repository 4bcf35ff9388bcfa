"""Which page of a connection is asked for: `first`, `last`, `before`, `after` and `offset` (Relay's cursor
connections, with the combinations that mean something)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backstay.config.graphql import GraphQLSettings
from backstay.errors import BackstayError

MAX_OFFSET = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Window:
    """One page.

    Attributes:
        size: most rows of it.
        backward: it ends at the end, or before the cursor.
    """

    size: int
    backward: bool = False
    cursor: str | None = None
    offset: int | None = None


def window_of(args: Mapping[str, Any], settings: GraphQLSettings, max_rows: int) -> Window:
    """The page that the arguments of a connection name.

    Args:
        max_rows: of one array in the answer to a request; a page has one less, since one more says whether there are.

    Raises:
        BackstayError: `22023` for numbers below zero and combinations that mean nothing, `54000` for too many rows.
    """
    first, last = args.get("first"), args.get("last")
    before, after, offset = args.get("before"), args.get("after"), args.get("offset")
    if first is not None and last is not None:
        raise BackstayError("22023", "first and last exclude each other")
    if before is not None and (after is not None or first is not None):
        raise BackstayError("22023", "before goes with last; after and first go the other way")
    if after is not None and last is not None:
        raise BackstayError("22023", "after goes with first; before and last go the other way")
    backward = last is not None or before is not None
    if offset is not None and (backward or after is not None):
        raise BackstayError("22023", "offset counts from the start, without a cursor")
    most = max(1, min(settings.max_rows, max_rows - 1))
    size = last if backward else first
    if size is None:
        size = min(settings.default_rows, most)
    if size < 0 or not 0 <= (offset or 0) <= MAX_OFFSET:
        raise BackstayError("22023", "first, last and offset must not be negative")
    if size > most:
        raise BackstayError("54000", f"a page may have at most {most} rows")
    return Window(size, backward, before if backward else after, offset or None)
