"""`/rest/v1/{table}`: the REST dialect over a whole table.

In charge of translating: headers and query string into a `Request` or `Write`, what comes back into a response.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from backstay.controllers.http import Header, HttpRequest, respond
from backstay.controllers.resources.csv_lines import csv_of
from backstay.controllers.resources.json_body import decode_json, rows_of
from backstay.controllers.resources.media import AnswerMedia, negotiate, require_json
from backstay.controllers.resources.methods import allowed, require_method
from backstay.controllers.resources.prefer import NO_PREFERENCES, Preferences, PreferParser, applied_header
from backstay.controllers.resources.query_string import ParsedQuery, QueryStringParser
from backstay.controllers.resources.ranges import content_range, parse_range, read_status, with_range
from backstay.errors import BackstayError
from backstay.models.catalog import Resource
from backstay.models.resources.request import Conflict, Request, Rows, Shape, Write, WriteKind
from backstay.repositories.resources.write import Written
from backstay.services.resources.read import ResourceReader
from backstay.services.resources.write import ResourceWriter
from backstay.utils.stages import mark

ALLOWED = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")
VARY = (b"vary", b"Accept, Authorization, Prefer, Range")

_READ_PREFERENCES = ("count", "handling")
_WRITE_PREFERENCES = ("return", "count", "handling", "max-affected")
_INSERT_PREFERENCES = ("resolution", "missing", *_WRITE_PREFERENCES)


class RestController:
    """Answers for every table; the name of the table is the path after the prefix."""

    def __init__(self, prefix: str, reader: ResourceReader, writer: ResourceWriter) -> None:
        self._start = len(prefix)
        self._reader = reader
        self._writer = writer
        self._queries = QueryStringParser()
        self._preferences = PreferParser()
        self._methods: Mapping[str, Callable[[HttpRequest, str, Send], Awaitable[None]]] = {
            "GET": self._read,
            "HEAD": self._read,
            "POST": self._insert,
            "PATCH": self._update,
            "DELETE": self._delete,
            "OPTIONS": self._options,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = HttpRequest(scope, receive)
        handle = self._methods.get(request.method)
        if handle is None:
            raise BackstayError("PGRST117", f"Unsupported HTTP method: {request.method}", allow=ALLOWED)
        table = request.path[self._start :]
        if request.method not in ("GET", "HEAD"):
            resource = self._reader.resource(request.context, table)
            require_method(resource, request.method, ALLOWED, request.context.caller)
        await handle(request, table, send)

    async def _read(self, request: HttpRequest, table: str, send: Send) -> None:
        header = request.headers.get
        answer = negotiate(header(b"accept"))
        preferences = self._preferences.parse(request.values(b"prefer"))
        parsed = self._queries.parse(request.query)
        rows = header(b"range")
        if rows is not None and request.method == "GET":
            parsed = with_range(parsed, parse_range(rows, header(b"range-unit")))
        check_profile(header(b"accept-profile"))
        question = Request(table, parsed.query, preferences.count, answer.shape)
        mark(request.state, "parse")
        page = await self._reader.read(request.context, question, parsed.values)
        mark(request.state, "database")
        offset = 0 if parsed.query.offset is None else parsed.values[parsed.query.offset]
        status = read_status(offset, page.count, page.total)
        headers: list[Header] = [
            answer.header,
            (b"content-range", content_range(offset, page.count, page.total).encode()),
            VARY,
        ]
        if request.query:
            headers.append((b"content-location", _location(request)))
        if preferences is not NO_PREFERENCES:
            _echo(headers, preferences, _READ_PREFERENCES)
        await respond(send, status, headers, shaped(page.body, answer), head=request.method == "HEAD")

    async def _insert(self, request: HttpRequest, table: str, send: Send) -> None:
        answer, preferences, parsed = self._written(request)
        rows = await read_rows(request, parsed.columns, missing_default=preferences.missing == "default")
        conflict = preferences.resolution
        write = Write(
            table,
            WriteKind.INSERT,
            parsed.query,
            representation=preferences.return_ == "representation",
            conflict=conflict,
            on_conflict=parsed.on_conflict,
            shape=answer.shape,
        )
        written = await self._writer.insert(request.context, write, parsed.values, rows)
        merged_only = conflict is Conflict.MERGE and written.count and not written.inserted
        headers = _written_headers("*", written, preferences)
        if preferences.return_ == "headers-only" and written.count == 1:
            resource = self._reader.resource(request.context, table)
            headers.append((b"location", row_location(request.path, resource, written)))
        _echo(headers, preferences, _INSERT_PREFERENCES)
        await self._respond(send, 200 if merged_only else 201, headers, written, answer)

    async def _update(self, request: HttpRequest, table: str, send: Send) -> None:
        answer, preferences, parsed = self._written(request)
        rows = await read_rows(request, parsed.columns, missing_default=False)
        write = self._change(table, WriteKind.UPDATE, parsed, preferences, answer)
        written = await self._writer.update(request.context, write, parsed.values, rows)
        place = f"0-{written.count - 1}" if written.count else "*"
        headers = _written_headers(place, written, preferences)
        _echo(headers, preferences, _WRITE_PREFERENCES)
        await self._respond(send, 200 if write.representation else 204, headers, written, answer)

    async def _delete(self, request: HttpRequest, table: str, send: Send) -> None:
        answer, preferences, parsed = self._written(request)
        write = self._change(table, WriteKind.DELETE, parsed, preferences, answer)
        written = await self._writer.delete(request.context, write, parsed.values)
        headers = _written_headers("*", written, preferences)
        _echo(headers, preferences, _WRITE_PREFERENCES)
        await self._respond(send, 200 if write.representation else 204, headers, written, answer)

    async def _options(self, request: HttpRequest, table: str, send: Send) -> None:
        resource = self._reader.resource(request.context, table)
        methods = allowed(resource, ALLOWED, request.context.caller)
        await respond(send, 200, [(b"allow", ", ".join(methods).encode())])

    def _written(self, request: HttpRequest) -> tuple[AnswerMedia, Preferences, ParsedQuery]:
        """What the headers and the query string of a write say."""
        check_profile(request.headers.get(b"content-profile"))
        answer = negotiate(request.headers.get(b"accept"))
        preferences = self._preferences.parse(request.values(b"prefer"))
        return answer, preferences, self._queries.parse(request.query)

    def _change(
        self, table: str, kind: WriteKind, parsed: ParsedQuery, preferences: Preferences, answer: AnswerMedia
    ) -> Write:
        return Write(
            table,
            kind,
            parsed.query,
            representation=preferences.return_ == "representation",
            max_affected=preferences.max_affected,
            shape=answer.shape,
        )

    async def _respond(
        self, send: Send, status: int, headers: list[Header], written: Written, answer: AnswerMedia
    ) -> None:
        if written.body is None:
            if status != 204:
                headers.append((b"content-type", b"text/plain; charset=utf-8"))
            await respond(send, status, headers)
            return
        headers.append(answer.header)
        await respond(send, status, headers, shaped(written.body, answer))


async def read_rows(request: HttpRequest, columns: tuple[str, ...] | None, *, missing_default: bool) -> Rows:
    """The rows in the body of a write."""
    require_json(request.headers.get(b"content-type"))
    value = decode_json(await request.body())
    rows = tuple(rows_of(value, columns))
    return Rows(rows, columns, missing_default=missing_default, single=not isinstance(value, list))


def shaped(document: bytes, answer: AnswerMedia) -> bytes:
    """A JSON array in the form that was negotiated; an object is the only row of an array of one."""
    if answer.shape is Shape.ARRAY:
        return document
    return document[1:-1] if answer.shape is Shape.OBJECT else csv_of(document)


def row_location(path: str, resource: Resource, written: Written) -> bytes:
    """The address of the only written row, as a filter by its primary key."""
    filters = (
        f"{field.name}=eq.{quote(str(value), safe='')}"
        for field, value in zip(resource.primary_key, written.keys[0], strict=True)
    )
    return f"{path}?{'&'.join(filters)}".encode()


def _written_headers(place: str, written: Written, preferences: Preferences) -> list[Header]:
    total = "*" if preferences.count is None else str(written.count)
    return [(b"content-range", f"{place}/{total}".encode()), VARY]


def _echo(headers: list[Header], preferences: Preferences, honoured: tuple[str, ...]) -> None:
    applied = applied_header(preferences, honoured)
    if applied is not None:
        headers.append((b"preference-applied", applied.encode()))


def check_profile(profile: bytes | None) -> None:
    """Refuse any schema but the one there is."""
    if profile is not None and profile != b"public":
        name = profile.decode("latin-1")[:63]
        shown = "".join(c for c in name if c.isprintable())
        raise BackstayError(
            "PGRST106", f"Invalid schema: {shown}", hint="Only the following schemas are exposed: public"
        )


def _location(request: HttpRequest) -> bytes:
    return quote(request.path, safe="/").encode() + b"?" + request.query
