"""Reading a table: a question by its address, or in a body when it is too long for one, becomes a page of rows.

In charge of what only reads have: ranges, cursors, and tags of lists. A question in a body is a query string in the
grammar of an address; one in the address beside it is part of the same question.
"""

from __future__ import annotations

from backstay.controllers.http import Header
from backstay.controllers.resources.answers import (
    REVALIDATED,
    VARY,
    checked_profile,
    location,
    next_link,
    shaped,
)
from backstay.controllers.resources.etags import matches, weak_etag_of
from backstay.controllers.resources.media import QUESTION_TYPE, negotiate, require_question
from backstay.controllers.resources.operation import Answer, Operation
from backstay.controllers.resources.prefer import NO_PREFERENCES, PreferParser, applied_header
from backstay.controllers.resources.query_string import ParsedQuery, QueryStringParser
from backstay.controllers.resources.ranges import content_range, parse_range, read_status, with_range
from backstay.models.resources.request import Request
from backstay.repositories.resources.fetch import Page
from backstay.services.resources.read import ResourceReader
from backstay.utils.stages import mark

ACCEPT_QUERY: Header = (b"accept-query", f'"{QUESTION_TYPE}"'.encode())

# An address that is longer is none that this server would take.
_MAX_LOCATION_BYTES = 8000
_FIRST = ("", "first")
# RFC 9110 section 15.4.5, and the way to the next page, which is as it was.
_NOT_MODIFIED = frozenset({b"etag", b"cache-control", b"content-location", b"vary", b"link"})

QUERY_SUFFIX = "/query"


class Listing:
    """Reads of every table."""

    def __init__(
        self,
        reader: ResourceReader,
        queries: QueryStringParser,
        preferences: PreferParser,
        honoured: tuple[str, ...],
    ) -> None:
        self._reader = reader
        self._queries = queries
        self._preferences = preferences
        self._honoured = honoured

    async def read(self, operation: Operation, table: str) -> Answer:
        """The rows that an address asks for."""
        return await self._answer(operation, table, operation.query)

    async def query(self, operation: Operation, table: str) -> Answer:
        """The rows that a body asks for, whatever the method.

        Raises:
            BackstayError: unsupported_media_type for a body that is no query string.
        """
        require_question(operation.headers.get(b"content-type"))
        body = await operation.body()
        address = operation.query
        return await self._answer(operation, table, address + b"&" + body if address else body)

    async def _answer(self, operation: Operation, table: str, query: bytes) -> Answer:
        header = operation.headers.get
        answer = negotiate(header(b"accept"))
        preferences = self._preferences.parse(operation.values(b"prefer"))
        parsed = self._queries.parse(query)
        rows = header(b"range")
        if rows is not None and operation.method == "GET":
            parsed = with_range(parsed, parse_range(rows, header(b"range-unit")))
        profile = checked_profile(header(b"accept-profile"))
        question = Request(table, parsed.query, preferences.count, answer.shape, preferences.timezone)
        cursor = preferences.cursor if parsed.after is None else parsed.after
        mark(operation.state, "parse")
        page = await self._page(operation, question, parsed, cursor)
        mark(operation.state, "database")
        headers: list[Header] = [answer.header, VARY, *profile]
        if len(query) < _MAX_LOCATION_BYTES:
            headers.append((b"content-location", location(_table_path(operation), query)))
        if page.next is not None:
            headers.append(next_link(operation.path, operation.query, page.next))
        if preferences is not NO_PREFERENCES:
            applied = applied_header(preferences, self._honoured)
            if applied is not None:
                headers.append((b"preference-applied", applied.encode()))
        status, place = _place(parsed, page, is_first=not cursor or cursor in _FIRST)
        headers.append((b"content-range", place))
        return _conditional(operation, Answer(status, headers, shaped(page.body, answer), page.count), place)

    async def _page(
        self, operation: Operation, question: Request, parsed: ParsedQuery, cursor: str | None
    ) -> Page:
        context, session = operation.context, operation.session
        if cursor is None:
            return await self._reader.read(context, question, parsed.values, session)
        place = "" if cursor in _FIRST else cursor
        return await self._reader.read_after(context, question, parsed.values, place, session)


def _table_path(operation: Operation) -> str:
    return operation.path.removesuffix(QUERY_SUFFIX) if operation.method == "POST" else operation.path


def _place(parsed: ParsedQuery, page: Page, *, is_first: bool) -> tuple[int, bytes]:
    """The status, and which of how many rows these are; after a cursor nobody has counted those before."""
    offset = 0 if parsed.query.offset is None else parsed.values[parsed.query.offset]
    status = read_status(offset, page.count, page.total)
    return status, content_range(offset, page.count if is_first else 0, page.total).encode()


def _conditional(operation: Operation, answer: Answer, place: bytes) -> Answer:
    """The answer with its tag, or 304 when that is one which the client has (RFC 9110 section 13.1.2)."""
    if operation.method == "POST":
        return answer
    tag = weak_etag_of(answer.body, place, answer.headers[0][1])
    condition = operation.headers.get(b"if-none-match")
    answer.headers += [(b"etag", tag), REVALIDATED]
    if condition is not None and matches(condition, tag, weakly=True):
        kept = [(name, value) for name, value in answer.headers if name in _NOT_MODIFIED]
        return Answer(304, kept, rows=answer.rows)
    return answer
