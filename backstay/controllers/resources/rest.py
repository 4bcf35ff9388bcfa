"""`/rest/v1/{table}`: the REST dialect over a whole table.

In charge of translating: headers and query string into a `Request` or `Write`, what comes back into a response.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from backstay.config.rest import RestSettings
from backstay.controllers.http import Header, respond
from backstay.controllers.resources.answers import VARY, checked_profile, shaped
from backstay.controllers.resources.bodies import read_rows
from backstay.controllers.resources.listing import ACCEPT_QUERY, Listing
from backstay.controllers.resources.media import AnswerMedia, negotiate
from backstay.controllers.resources.methods import allowed, require_method
from backstay.controllers.resources.operation import Answer, HttpOperation, Operation
from backstay.controllers.resources.prefer import Preferences, PreferParser, applied_header
from backstay.controllers.resources.query_string import AFTER, ParsedQuery, QueryStringParser
from backstay.errors import BackstayError
from backstay.models.catalog import Resource
from backstay.models.resources.request import Conflict, Write, WriteKind
from backstay.repositories.resources.write import Written
from backstay.services.resources.read import ResourceReader
from backstay.services.resources.write import ResourceWriter

ALLOWED = ("GET", "HEAD", "QUERY", "POST", "PATCH", "DELETE", "OPTIONS")

_READS = frozenset({"GET", "HEAD", "QUERY"})
_READ_PREFERENCES = ("count", "handling", "timezone", "cursor")
_WRITE_PREFERENCES = ("return", "count", "handling", "timezone", "max-affected")
_INSERT_PREFERENCES = ("resolution", "missing", *_WRITE_PREFERENCES)


class RestController:
    """Answers for every table; the name of the table is the path after the prefix."""

    def __init__(
        self, prefix: str, reader: ResourceReader, writer: ResourceWriter, settings: RestSettings
    ) -> None:
        self._start = len(prefix)
        self._reader = reader
        self._writer = writer
        self._may_undo = settings.tx_override
        self._queries = QueryStringParser()
        self._preferences = PreferParser()
        honoured = (*_READ_PREFERENCES, "tx") if self._may_undo else _READ_PREFERENCES
        self.listing = Listing(reader, self._queries, self._preferences, honoured)
        self._methods: Mapping[str, Callable[[Operation, str], Awaitable[Answer]]] = {
            "GET": self.listing.read,
            "HEAD": self.listing.read,
            "QUERY": self.listing.query,
            "POST": self._insert,
            "PATCH": self._update,
            "DELETE": self._delete,
            "OPTIONS": self._options,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One operation."""
        operation = HttpOperation(scope, receive)
        answer = await self.answer(operation)
        await respond(send, answer.status, answer.headers, answer.body, head=operation.method == "HEAD")

    async def answer(self, operation: Operation) -> Answer:
        """One operation."""
        handle = self._methods.get(operation.method)
        if handle is None:
            raise BackstayError("PGRST117", f"Unsupported HTTP method: {operation.method}", allow=ALLOWED)
        table = operation.path[self._start :]
        if operation.method not in _READS:
            resource = self._reader.resource(operation.context, table)
            require_method(resource, operation.method, ALLOWED, operation.context.caller)
        return await handle(operation, table)

    async def _insert(self, operation: Operation, table: str) -> Answer:
        media, preferences, parsed = self._written(operation)
        rows = await read_rows(operation, parsed.columns, missing_default=preferences.missing == "default")
        conflict = preferences.resolution
        write = Write(
            table,
            WriteKind.INSERT,
            parsed.query,
            representation=preferences.return_ == "representation",
            conflict=conflict,
            on_conflict=parsed.on_conflict,
            shape=media.shape,
            undone=self._is_undone(preferences),
            zone=preferences.timezone,
        )
        written = await self._writer.insert(
            operation.context, write, parsed.values, rows, session=operation.session
        )
        merged_only = conflict is Conflict.MERGE and written.count and not written.inserted
        headers = _written_headers(operation, "*", written, preferences)
        if preferences.return_ == "headers-only" and written.count == 1:
            resource = self._reader.resource(operation.context, table)
            headers.append((b"location", row_location(operation.path, resource, written)))
        self._echo(headers, preferences, _INSERT_PREFERENCES)
        return self._rendered(200 if merged_only else 201, headers, written, media)

    async def _update(self, operation: Operation, table: str) -> Answer:
        media, preferences, parsed = self._written(operation)
        rows = await read_rows(operation, parsed.columns, missing_default=False)
        write = self._change(table, WriteKind.UPDATE, parsed, preferences, media)
        written = await self._writer.update(
            operation.context, write, parsed.values, rows, session=operation.session
        )
        place = f"0-{written.count - 1}" if written.count else "*"
        headers = _written_headers(operation, place, written, preferences)
        self._echo(headers, preferences, _WRITE_PREFERENCES)
        return self._rendered(200 if write.representation else 204, headers, written, media)

    async def _delete(self, operation: Operation, table: str) -> Answer:
        media, preferences, parsed = self._written(operation)
        write = self._change(table, WriteKind.DELETE, parsed, preferences, media)
        written = await self._writer.delete(
            operation.context, write, parsed.values, session=operation.session
        )
        headers = _written_headers(operation, "*", written, preferences)
        self._echo(headers, preferences, _WRITE_PREFERENCES)
        return self._rendered(200 if write.representation else 204, headers, written, media)

    async def _options(self, operation: Operation, table: str) -> Answer:
        resource = self._reader.resource(operation.context, table)
        methods = allowed(resource, ALLOWED, operation.context.caller)
        headers: list[Header] = [(b"allow", ", ".join(methods).encode())]
        return Answer(200, [*headers, ACCEPT_QUERY] if "QUERY" in methods else headers)

    def _written(self, operation: Operation) -> tuple[AnswerMedia, Preferences, ParsedQuery]:
        """What the headers and the query string of a write say."""
        checked_profile(operation.headers.get(b"content-profile"))
        media = negotiate(operation.headers.get(b"accept"))
        preferences = self._preferences.parse(operation.values(b"prefer"))
        parsed = self._queries.parse(operation.query)
        if parsed.after is not None:
            raise BackstayError("PGRST100", f"{AFTER} is for reading")
        if operation.session is not None and self._is_undone(preferences):
            raise BackstayError("PGRST127", details="Within a batch, tx=rollback is said of the batch.")
        return media, preferences, parsed

    def _change(
        self, table: str, kind: WriteKind, parsed: ParsedQuery, preferences: Preferences, media: AnswerMedia
    ) -> Write:
        return Write(
            table,
            kind,
            parsed.query,
            representation=preferences.return_ == "representation",
            max_affected=preferences.max_affected,
            shape=media.shape,
            undone=self._is_undone(preferences),
            zone=preferences.timezone,
        )

    def _is_undone(self, preferences: Preferences) -> bool:
        return self._may_undo and preferences.tx == "rollback"

    def _echo(self, headers: list[Header], preferences: Preferences, honoured: tuple[str, ...]) -> None:
        if self._may_undo:
            honoured = (*honoured, "tx")
        applied = applied_header(preferences, honoured)
        if applied is not None:
            headers.append((b"preference-applied", applied.encode()))

    def _rendered(self, status: int, headers: list[Header], written: Written, media: AnswerMedia) -> Answer:
        if written.body is None:
            if status != 204:
                headers.append((b"content-type", b"text/plain; charset=utf-8"))
            return Answer(status, headers, rows=written.count)
        headers.append(media.header)
        return Answer(status, headers, shaped(written.body, media), written.count)


def row_location(path: str, resource: Resource, written: Written) -> bytes:
    """The address of the only written row, as a filter by its primary key."""
    filters = (
        f"{field.name}=eq.{quote(str(value), safe='')}"
        for field, value in zip(resource.primary_key, written.keys[0], strict=True)
    )
    return f"{path}?{'&'.join(filters)}".encode()


def _written_headers(
    operation: Operation, place: str, written: Written, preferences: Preferences
) -> list[Header]:
    total = "*" if preferences.count is None else str(written.count)
    profile = checked_profile(operation.headers.get(b"content-profile"))
    return [(b"content-range", f"{place}/{total}".encode()), VARY, *profile]
