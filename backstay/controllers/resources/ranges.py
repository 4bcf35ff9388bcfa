"""Row ranges: the `Range` header of a read, `Content-Range` of an answer, and the status that goes with it.

In charge of the arithmetic. `limit` and `offset` as parameters are read with the query string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from backstay.controllers.resources.query_string import MAX_INTEGER, ParsedQuery
from backstay.errors import BackstayError

_RANGE = re.compile(rb"([0-9]{1,19})-([0-9]{0,19})\Z")
_UNIT = re.compile(rb"([A-Za-z][A-Za-z-]*+)=")
_REVERSED = "The lower boundary must be lower than or equal to the upper boundary in the Range header."


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows `first` to `last`, counted from 0, both included; to the end when `last` is None."""

    first: int
    last: int | None


def parse_range(header: bytes | None, unit: bytes | None = None) -> RowRange | None:
    """The rows that a `Range` header asks for; `unit` is the `Range-Unit` header.

    A unit other than items is somebody else's range and ignored (RFC 9110 section 14.2).

    Raises:
        BackstayError: PGRST103 for anything but `first-last` or `first-`, or when last is before first.
    """
    if header is None or (unit is not None and unit.strip().lower() != b"items"):
        return None
    named = _UNIT.match(header)
    if named is not None:
        if named.group(1).lower() != b"items":
            return None
        header = header[named.end() :]
    found = _RANGE.match(header.strip(b" \t"))
    if found is None:
        raise BackstayError("PGRST103", details="The Range header must look like 0-9 or 10-.")
    first, last = int(found.group(1)), int(found.group(2)) if found.group(2) else None
    if first > MAX_INTEGER:
        raise BackstayError("PGRST103", details=f"Rows are counted up to {MAX_INTEGER}.")
    if last is not None and last < first:
        raise BackstayError("PGRST103", details=_REVERSED)
    return RowRange(first, None if last is None else min(last, MAX_INTEGER))


def with_range(parsed: ParsedQuery, rows: RowRange | None) -> ParsedQuery:
    """The query limited to what both its own limit and offset and `rows` allow.

    Raises:
        BackstayError: PGRST103 when the two have no row in common, unless the limit is 0 anyway.
    """
    if rows is None:
        return parsed
    query, values = parsed.query, list(parsed.values)
    limit: int | None = None if query.limit is None else values[query.limit]
    own_first: int = 0 if query.offset is None else values[query.offset]
    if limit == 0:
        return parsed
    ends = [end for end in (rows.last, None if limit is None else own_first + limit - 1) if end is not None]
    first = max(own_first, rows.first)
    if ends and min(ends) < first:
        raise BackstayError("PGRST103", details=_REVERSED)
    offset_slot = _store(values, query.offset, first)
    limit_slot = _store(values, query.limit, min(min(ends) - first + 1, MAX_INTEGER)) if ends else None
    query = replace(query, offset=offset_slot, limit=limit_slot)
    shape_hash = hash((query, parsed.columns, parsed.on_conflict))
    return ParsedQuery(query, tuple(values), parsed.columns, parsed.on_conflict, shape_hash, parsed.after)


def content_range(offset: int, returned: int, total: int | None) -> str:
    """`0-9/100`, `0-9/*`, `*/100` or `*/*`: where the returned rows stand, and how many there are if it is known."""
    place = f"{offset}-{offset + returned - 1}" if returned else "*"
    return f"{place}/{'*' if total is None else total}"


def read_status(offset: int, returned: int, total: int | None) -> int:
    """200 for everything or when nobody counted, 206 for a part.

    Raises:
        BackstayError: PGRST103 when the offset lies beyond the last row.
    """
    if total is None:
        return 200
    if offset > total:
        details = f"An offset of {offset} was requested, but there are only {total} rows."
        raise BackstayError("PGRST103", details=details)
    return 206 if returned < total else 200


def _store(values: list[object], slot: int | None, value: int) -> int:
    if slot is None:
        values.append(value)
        return len(values) - 1
    values[slot] = value
    return slot
