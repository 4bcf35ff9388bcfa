"""What only reads of a table have: long questions, ranges, places in a whole, pages, and tags of lists.

A question in a body is a query string in the grammar of an address; one in the address beside it is part of the same
question.
"""

from __future__ import annotations

from backstay.controllers.http import Header
from backstay.controllers.resources.answers import REVALIDATED, location, next_link
from backstay.controllers.resources.etags import matches, weak_etag_of
from backstay.controllers.resources.media import QUESTION_TYPE, require_question
from backstay.controllers.resources.operation import Answer, Operation
from backstay.controllers.resources.query_string import ParsedQuery
from backstay.controllers.resources.ranges import content_range, parse_range, read_status, with_range
from backstay.repositories.resources.fetch import Page

ACCEPT_QUERY: Header = (b"accept-query", f'"{QUESTION_TYPE}"'.encode())
QUERY_SUFFIX = "/query"

# An address that is longer is none that this server would take.
_MAX_LOCATION_BYTES = 8000
_FIRST = ("", "first")
# RFC 9110 section 15.4.5, and the way to the next page, which is as it was.
_NOT_MODIFIED = frozenset({b"etag", b"cache-control", b"content-location", b"vary", b"link"})


async def long_question(operation: Operation) -> bytes:
    """The query string of a question in a body, whatever the method.

    Raises:
        BackstayError: unsupported_media_type for a body that is no query string.
    """
    require_question(operation.headers.get(b"content-type"))
    body = await operation.body()
    address = operation.query
    return address + b"&" + body if address else body


def ranged(operation: Operation, parsed: ParsedQuery) -> ParsedQuery:
    """The query with the limit and offset of a `Range` header, where there is one."""
    rows = operation.headers.get(b"range")
    if rows is None or operation.method != "GET":
        return parsed
    return with_range(parsed, parse_range(rows, operation.headers.get(b"range-unit")))


def place_of(cursor: str) -> str:
    """What a cursor says, empty for that of the first page."""
    return "" if cursor in _FIRST else cursor


def page_headers(operation: Operation, query: bytes, page: Page) -> list[Header]:
    """The address of what is shown, where one could be that long, and of the page after it."""
    headers: list[Header] = []
    if len(query) < _MAX_LOCATION_BYTES:
        headers.append((b"content-location", location(_table_path(operation), query)))
    if page.next is not None:
        headers.append(next_link(operation.path, operation.query, page.next))
    return headers


def place(parsed: ParsedQuery, page: Page, cursor: str | None) -> tuple[int, bytes]:
    """The status, and which of how many rows these are; after a cursor nobody has counted those before."""
    offset = 0 if parsed.query.offset is None else parsed.values[parsed.query.offset]
    status = read_status(offset, page.count, page.total)
    is_first = not cursor or cursor in _FIRST
    return status, content_range(offset, page.count if is_first else 0, page.total).encode()


def conditional(operation: Operation, answer: Answer, shown: bytes) -> Answer:
    """The answer with its tag, or 304 when that is one which the client has (RFC 9110 section 13.1.2).

    Args:
        shown: which rows these are, as `place` says it.
    """
    if operation.method == "POST":
        return answer
    tag = weak_etag_of(answer.body, shown, answer.headers[0][1])
    condition = operation.headers.get(b"if-none-match")
    answer.headers += [(b"etag", tag), REVALIDATED]
    if condition is not None and matches(condition, tag, weakly=True):
        kept = [(name, value) for name, value in answer.headers if name in _NOT_MODIFIED]
        return Answer(304, kept, rows=answer.rows)
    return answer


def _table_path(operation: Operation) -> str:
    return operation.path.removesuffix(QUERY_SUFFIX) if operation.method == "POST" else operation.path
