"""`/rest/v1/{table}/{id}`: the plain face, one row by its primary key.

A row has the strong ETag of its content as this address and this caller show it; `If-Match` compares with that, in
the same transaction as the write. Statuses are the plain ones: 404, 409, 412, 422, 428.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from backstay.config.rest import RestSettings
from backstay.controllers.http import Header, respond
from backstay.controllers.resources.answers import REVALIDATED, VARY, checked_profile, shaped
from backstay.controllers.resources.bodies import read_rows
from backstay.controllers.resources.etags import etag_of, matches
from backstay.controllers.resources.exact_json import without_nulls
from backstay.controllers.resources.json_body import decode_json
from backstay.controllers.resources.listing import QUERY_SUFFIX, Listing
from backstay.controllers.resources.media import CSV_LINES, AnswerMedia, negotiate
from backstay.controllers.resources.methods import allowed, require_method
from backstay.controllers.resources.operation import Answer, HttpOperation, Operation
from backstay.controllers.resources.prefer import Preferences, PreferParser, applied_header
from backstay.controllers.resources.query_string import ParsedQuery, QueryStringParser
from backstay.errors import BackstayError
from backstay.models.catalog import Field, Resource, ValueKind
from backstay.models.resources.request import (
    ColumnPath,
    Conflict,
    Filter,
    Operator,
    Query,
    Request,
    Rows,
    Shape,
    Write,
    WriteKind,
)
from backstay.repositories.resources.write import Precondition, Written
from backstay.services.resources.read import KEPT_PLANS, ResourceReader
from backstay.services.resources.write import ResourceWriter
from backstay.utils.bounded import BoundedDict

ALLOWED = ("GET", "HEAD", "PATCH", "PUT", "DELETE", "OPTIONS")
_READ_PREFERENCES = ("handling", "timezone")
_PREFERENCES = ("return", *_READ_PREFERENCES)

# What a whole-table route answers with 400 is said with 422 here: the address is right, the values are not.
_UNPROCESSABLE = frozenset({"validation_failed", "PGRST204", "23502", "23514", "428C9", "22001", "22003"})
_NO_SUCH_KEY = frozenset({"22P02", "22003", "22007", "22021"})


class ItemController:
    """Answers for every table's rows; table and key are the two segments after the prefix."""

    def __init__(
        self,
        prefix: str,
        reader: ResourceReader,
        writer: ResourceWriter,
        settings: RestSettings,
        listing: Listing,
    ) -> None:
        self._start = len(prefix)
        self._reader = reader
        self._writer = writer
        self._settings = settings
        self._listing = listing
        self._queries = QueryStringParser()
        self._preferences = PreferParser()
        self._questions: BoundedDict[tuple[str, Query, int], Request] = BoundedDict(KEPT_PLANS)
        self._methods: Mapping[str, Callable[[Operation, _Item], Awaitable[Answer]]] = {
            "GET": self._read,
            "HEAD": self._read,
            "PATCH": self._update,
            "PUT": self._replace,
            "DELETE": self._delete,
            "OPTIONS": self._options,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One operation."""
        operation = HttpOperation(scope, receive)
        answer = await self.answer(operation)
        await respond(send, answer.status, answer.headers, answer.body, head=operation.method == "HEAD")

    async def answer(self, operation: Operation) -> Answer:
        """One operation on a row; or a long question about the table, for which no row's address takes a POST."""
        table, _, key = operation.path[self._start :].partition("/")
        if operation.method == "POST" and f"/{key}" == QUERY_SUFFIX:
            return await self._listing.query(operation, table)
        handle = self._methods.get(operation.method)
        if handle is None:
            message = f"Unsupported HTTP method: {operation.method}"
            raise BackstayError("PGRST117", message, allow=ALLOWED)
        resource = self._reader.resource(operation.context, table)
        if operation.method not in ("GET", "HEAD"):
            require_method(resource, operation.method, ALLOWED, operation.context.caller)
        item = self._item(
            resource,
            key,
            self._queries.parse(operation.query),
            self._preferences_of(operation),
            is_batched=operation.session is not None,
        )
        try:
            return await handle(operation, item)
        except BackstayError as error:
            if error.code in _UNPROCESSABLE and operation.method in ("PATCH", "PUT"):
                raise BackstayError(
                    "unprocessable", error.message, details=error.details, hint=error.hint
                ) from error
            raise

    def _item(
        self,
        resource: Resource,
        key: str,
        parsed: ParsedQuery,
        preferences: Preferences,
        *,
        is_batched: bool,
    ) -> _Item:
        """The row's address, with the question for it, which is the same object for equal shapes."""
        if parsed.after is not None:
            raise BackstayError("PGRST100", "the address of one row takes no cursor")
        place = (resource.name, parsed.query, len(parsed.values))
        question = self._questions.get(place)
        if question is None:
            question = self._questions[place] = _question(resource, parsed)
        undone = self._settings.tx_override and preferences.tx == "rollback"
        if undone and is_batched:
            raise BackstayError("PGRST127", details="Within a batch, tx=rollback is said of the batch.")
        return _Item(resource, key, parsed, question, preferences.timezone, undone=undone)

    async def _read(self, operation: Operation, item: _Item) -> Answer:
        answer = negotiate(operation.headers.get(b"accept"))
        profile = checked_profile(operation.headers.get(b"accept-profile"))
        document = await self._document(operation, item)
        if document is None:
            raise BackstayError("row_not_found")
        body = shaped(document, answer) if answer is CSV_LINES else _one(document, answer)
        tag = etag_of(body)
        condition = operation.headers.get(b"if-none-match")
        headers: list[Header] = [(b"etag", tag), REVALIDATED, *profile]
        headers += self._applied(self._preferences_of(operation), _READ_PREFERENCES)
        if condition is not None and matches(condition, tag, weakly=True):
            return Answer(304, headers)
        headers.append(answer.header)
        return Answer(200, headers, body, rows=1)

    async def _update(self, operation: Operation, item: _Item) -> Answer:
        preferences = self._preferences_of(operation)
        precondition = self._precondition(operation)
        rows = await read_rows(operation, None, missing_default=False)
        return await self._change(operation, item, rows, precondition, preferences)

    async def _replace(self, operation: Operation, item: _Item) -> Answer:
        preferences = self._preferences_of(operation)
        none_match = operation.headers.get(b"if-none-match")
        rows = await read_rows(operation, None, missing_default=False)
        rows = item.whole(rows, self._reader.settable(operation.context, item.resource))
        if operation.headers.get(b"if-match") is not None:
            return await self._change(operation, item, rows, self._precondition(operation), preferences)
        if none_match is None:
            self._require_precondition()
        elif none_match.strip() != b"*":
            raise BackstayError("bad_request", "If-None-Match on a write is *.")
        write = item.write(WriteKind.INSERT, None if none_match is not None else Conflict.MERGE)
        # A batch's transaction is of no use after a failure, so there the row is looked for before.
        if none_match is not None and operation.session and await self._document(operation, item):
            raise BackstayError("precondition_failed")
        try:
            written = await self._writer.insert(
                operation.context, write, item.values, rows, operation.session
            )
        except BackstayError as error:
            if none_match is not None and error.code == "23505" and await self._document(operation, item):
                raise BackstayError("precondition_failed") from error
            raise
        return self._rendered(201 if written.inserted else 200, written, preferences)

    async def _delete(self, operation: Operation, item: _Item) -> Answer:
        preferences = self._preferences_of(operation)
        write = item.write(WriteKind.DELETE, None)
        written = await self._found(
            operation,
            item,
            self._writer.delete(
                operation.context, write, item.values, self._precondition(operation), operation.session
            ),
        )
        if preferences.return_ != "representation":
            return Answer(204, self._applied(preferences, _PREFERENCES), rows=1)
        return self._rendered(200, written, preferences, tagged=False)

    async def _options(self, operation: Operation, item: _Item) -> Answer:
        methods = allowed(item.resource, ALLOWED, operation.context.caller)
        if operation.path.endswith(QUERY_SUFFIX) and "GET" in methods:
            methods.append("POST")
        return Answer(200, [(b"allow", ", ".join(methods).encode())])

    async def _change(
        self,
        operation: Operation,
        item: _Item,
        rows: Rows,
        precondition: Precondition | None,
        preferences: Preferences,
    ) -> Answer:
        write = item.write(WriteKind.UPDATE, None)
        written = await self._found(
            operation,
            item,
            self._writer.update(operation.context, write, item.values, rows, precondition, operation.session),
        )
        return self._rendered(200, written, preferences)

    async def _found(self, operation: Operation, item: _Item, writing: Awaitable[Written]) -> Written:
        """The result of a write that met its row.

        Raises:
            BackstayError: `row_not_found` when there is none for this caller; `42501` when there is one that they
                may see and not change.
        """
        try:
            written = await writing
        except BackstayError as error:
            if error.code in _NO_SUCH_KEY and not await self._document(operation, item):
                raise BackstayError("row_not_found") from error
            raise
        if written.count:
            return written
        if await self._document(operation, item) is None:
            raise BackstayError("row_not_found")
        raise BackstayError("42501", f"permission denied for table {item.resource.name}")

    async def _document(self, operation: Operation, item: _Item) -> bytes | None:
        try:
            page = await self._reader.read(operation.context, item.question, item.values, operation.session)
        except BackstayError as error:
            if error.code in _NO_SUCH_KEY and not item.has_other_literals:
                return None
            raise
        return page.body if page.count else None

    def _rendered(
        self, status: int, written: Written, preferences: Preferences, *, tagged: bool = True
    ) -> Answer:
        assert written.body is not None
        headers = self._applied(preferences, _PREFERENCES)
        body = written.body[1:-1]
        if tagged:
            headers.append((b"etag", etag_of(body)))
        if preferences.return_ in ("minimal", "headers-only"):
            return Answer(204 if status == 200 else status, headers, rows=1)
        headers.append((b"content-type", b"application/json; charset=utf-8"))
        return Answer(status, headers, body, rows=1)

    def _applied(self, preferences: Preferences, honoured: tuple[str, ...]) -> list[Header]:
        applied = applied_header(preferences, (*honoured, "tx") if self._settings.tx_override else honoured)
        return [VARY] if applied is None else [VARY, (b"preference-applied", applied.encode())]

    def _preferences_of(self, operation: Operation) -> Preferences:
        return self._preferences.parse(operation.values(b"prefer"))

    def _precondition(self, operation: Operation) -> Precondition | None:
        """What `If-Match` asks of the row as it is, read in the transaction that writes it."""
        condition = operation.headers.get(b"if-match")
        if condition is None:
            self._require_precondition()
            return None
        matches(condition, b"", weakly=False)

        def check(document: bytes | None) -> None:
            if document is not None and not matches(condition, etag_of(document[1:-1]), weakly=False):
                raise BackstayError("precondition_failed")

        return check

    def _require_precondition(self) -> None:
        if self._settings.require_preconditions:
            raise BackstayError("precondition_required")


class _Item:
    """One row's address: its table, its key, and what the query string says of the answer."""

    __slots__ = ("has_other_literals", "key", "query", "question", "resource", "undone", "values", "zone")

    def __init__(
        self,
        resource: Resource,
        key: str,
        parsed: ParsedQuery,
        question: Request,
        zone: str | None,
        *,
        undone: bool,
    ) -> None:
        self.resource = resource
        self.zone = zone
        self.undone = undone
        self.has_other_literals = bool(parsed.values)
        self.key = _key_values(resource, key)
        self.values = (*parsed.values, *self.key)
        self.query = question.query
        self.question = question if zone is None else replace(question, zone=zone)

    def write(self, kind: WriteKind, conflict: Conflict | None) -> Write:
        """A write of this row whose answer shows it as this address does."""
        query = Query(self.query.select) if kind is WriteKind.INSERT else self.query
        return Write(
            self.resource.name,
            kind,
            query,
            representation=True,
            conflict=conflict,
            shape=Shape.ARRAY,
            undone=self.undone,
            zone=self.zone,
        )

    def whole(self, rows: Rows, fields: Sequence[Field]) -> Rows:
        """The one row of a PUT: its key from the address; null, or the default, for each of `fields` that it lacks.

        Raises:
            BackstayError: `PGRST115` when the body names another row.
        """
        if len(rows.items) != 1 or not rows.single:
            raise BackstayError("PGRST102", "the body of a PUT is one object")
        row = dict(rows.items[0])
        for field, value in zip(self.resource.primary_key, self.key, strict=True):
            given = row.setdefault(field.name, value if rows.textual else _key_json(value, field.kind))
            if str(given).lower() != value.lower():
                raise BackstayError("PGRST115")
        for field in fields:
            if field.nullable and not field.has_default:
                row.setdefault(field.name, None)
        columns = dict.fromkeys([*row, *(field.name for field in fields)])
        return replace(rows, items=(row,), columns=tuple(columns), missing_default=True)


def _question(resource: Resource, parsed: ParsedQuery) -> Request:
    query = parsed.query
    if query.where or query.order or query.limit is not None or query.offset is not None:
        raise BackstayError("PGRST100", "the address of one row takes no filter, order, limit or offset")
    return Request(resource.name, Query(query.select, _key_filters(resource, len(parsed.values))))


def _key_values(resource: Resource, key: str) -> tuple[str, ...]:
    """`value`, `value,value` for a composite key, or `column=value`."""
    width = len(resource.primary_key)
    name, equals, value = key.partition("=")
    if width == 1 and equals and name == resource.primary_key[0].name:
        return (value,)
    parts = (key,) if width == 1 else tuple(key.split(","))
    if len(parts) != width or not key:
        raise BackstayError("row_not_found")
    return parts


def _key_filters(resource: Resource, first_slot: int) -> tuple[Filter, ...]:
    return tuple(
        Filter(ColumnPath(field.name), Operator.EQ, first_slot + number)
        for number, field in enumerate(resource.primary_key)
    )


def _key_json(value: str, kind: ValueKind) -> object:
    """The key of the address as the body would say it."""
    if kind in (ValueKind.INTEGER, ValueKind.FLOAT, ValueKind.DECIMAL, ValueKind.BOOLEAN):
        try:
            return decode_json(value.encode())
        except BackstayError:
            return value
    return value


def _one(document: bytes, answer: AnswerMedia) -> bytes:
    return (without_nulls(document) if answer.strips_nulls else document)[1:-1]
