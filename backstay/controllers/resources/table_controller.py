"""Requests to tables and to their rows: headers, query string and body become a question or a write, what comes back an
answer.

The methods are written to be copied: `backstay eject` puts them into a user's file, under a class of one table. Rows
have the strong ETag of their content as their address and this caller show it; `If-Match` compares with that, in the
same transaction as the write.
"""

from __future__ import annotations

from collections.abc import Awaitable

from backstay.config.rest import RestSettings
from backstay.controllers.http import Header
from backstay.controllers.resources.answers import REVALIDATED, VARY, checked_profile, shaped
from backstay.controllers.resources.applied import (
    INSERT_PREFERENCES,
    READ_PREFERENCES,
    ROW_READ_PREFERENCES,
    ROW_WRITE_PREFERENCES,
    WRITE_PREFERENCES,
    applied,
)
from backstay.controllers.resources.bodies import read_rows
from backstay.controllers.resources.etags import etag_of, matches
from backstay.controllers.resources.listing import conditional, page_headers, place, place_of, ranged
from backstay.controllers.resources.media import AnswerMedia, negotiate
from backstay.controllers.resources.operation import Answer, Operation
from backstay.controllers.resources.prefer import Preferences, PreferParser
from backstay.controllers.resources.query_string import AFTER, ParsedQuery, QueryStringParser
from backstay.controllers.resources.row_address import RowAddress
from backstay.controllers.resources.written import (
    makes_only,
    precondition_of,
    row_answer,
    row_location,
    shown_row,
    written_answer,
    written_headers,
    written_place,
)
from backstay.errors import BackstayError
from backstay.models.resources.of_table import OfTable
from backstay.models.resources.request import Conflict, Request, Rows, Write, WriteKind
from backstay.repositories.resources.write import Precondition, Written
from backstay.services.resources.tables import Tables
from backstay.utils.stages import mark

_NO_SUCH_KEY = frozenset({"22P02", "22003", "22007", "22021"})


class TableController(OfTable):
    """Requests to `/rest/v1/{table}` and `/rest/v1/{table}/{id}`, alone or in a batch.

    `class TripsController(TableController, table="trips")` is that of one table; the others share the generic one. It
    is asked after the table's methods were found to be possible by its rules at all. GraphQL, actions and `Records` do
    not come through here, but through the service.

    Attributes:
        tables: the services of tables.
        queries, preferences: read query strings and `Prefer`.
        settings: what the REST dialect allows.
    """

    def __init__(
        self, tables: Tables, queries: QueryStringParser, preferences: PreferParser, settings: RestSettings
    ) -> None:
        self.tables = tables
        self.queries = queries
        self.preferences = preferences
        self.settings = settings

    async def find(self, operation: Operation, table: str, query: bytes) -> Answer:
        """GET, HEAD and QUERY of the table: the rows that a query string asks for."""
        media = negotiate(operation.headers.get(b"accept"))
        preferences = self.preferences.parse(operation.values(b"prefer"))
        parsed = ranged(operation, self.queries.parse(query))
        profile = checked_profile(operation.headers.get(b"accept-profile"))
        question = Request(table, parsed.query, preferences.count, media.shape, preferences.timezone)
        cursor = preferences.cursor if parsed.after is None else parsed.after
        mark(operation.state, "parse")
        context, service, session = operation.context, self.tables.of(table), operation.session
        if cursor is None:
            page = await service.read(context, question, parsed.values, session)
        else:
            page = await service.read_after(context, question, parsed.values, place_of(cursor), session)
        mark(operation.state, "database")
        headers: list[Header] = [media.header, VARY, *profile, *page_headers(operation, query, page)]
        headers += applied(preferences, READ_PREFERENCES, self.settings)
        status, shown = place(parsed, page, cursor)
        headers.append((b"content-range", shown))
        return conditional(operation, Answer(status, headers, shaped(page.body, media), page.count), shown)

    async def insert(self, operation: Operation, table: str) -> Answer:
        """POST to the table: new rows, or with `Prefer: resolution` those that exist as well."""
        media, preferences, parsed = self.asked_of_write(operation)
        rows = await read_rows(operation, parsed.columns, missing_default=preferences.missing == "default")
        write = Write(
            table,
            WriteKind.INSERT,
            parsed.query,
            representation=preferences.return_ == "representation",
            conflict=preferences.resolution,
            on_conflict=parsed.on_conflict,
            shape=media.shape,
            undone=self.is_undone(preferences),
            zone=preferences.timezone,
        )
        written = await self.tables.of(table).insert(
            operation.context, write, parsed.values, rows, operation.session
        )
        headers = written_headers(operation, "*", written, preferences)
        if preferences.return_ == "headers-only" and written.count == 1:
            resource = self.tables.plans.resource(operation.context, table)
            headers.append(row_location(operation.path, resource, written))
        headers += applied(preferences, INSERT_PREFERENCES, self.settings)
        has_met_all = write.conflict is Conflict.MERGE and written.count and not written.inserted
        return written_answer(200 if has_met_all else 201, headers, written, media)

    async def update(self, operation: Operation, table: str) -> Answer:
        """PATCH of the table: what the body says is set in every row that the filters find."""
        media, preferences, parsed = self.asked_of_write(operation)
        rows = await read_rows(operation, parsed.columns, missing_default=False)
        write = self.filtered_write(table, WriteKind.UPDATE, parsed, preferences, media)
        written = await self.tables.of(table).update(
            operation.context, write, parsed.values, rows, session=operation.session
        )
        headers = written_headers(operation, written_place(written), written, preferences)
        headers += applied(preferences, WRITE_PREFERENCES, self.settings)
        return written_answer(200 if write.representation else 204, headers, written, media)

    async def delete(self, operation: Operation, table: str) -> Answer:
        """DELETE of the table: every row that the filters find."""
        media, preferences, parsed = self.asked_of_write(operation)
        write = self.filtered_write(table, WriteKind.DELETE, parsed, preferences, media)
        written = await self.tables.of(table).delete(
            operation.context, write, parsed.values, session=operation.session
        )
        headers = written_headers(operation, "*", written, preferences)
        headers += applied(preferences, WRITE_PREFERENCES, self.settings)
        return written_answer(200 if write.representation else 204, headers, written, media)

    async def show(self, operation: Operation, row: RowAddress) -> Answer:
        """GET and HEAD of a row: the row and its tag, or 304."""
        media = negotiate(operation.headers.get(b"accept"))
        profile = checked_profile(operation.headers.get(b"accept-profile"))
        document = await self.document(operation, row)
        if document is None:
            raise BackstayError("row_not_found")
        body = shown_row(document, media)
        tag = etag_of(body)
        condition = operation.headers.get(b"if-none-match")
        preferences = self.preferences.parse(operation.values(b"prefer"))
        headers: list[Header] = [(b"etag", tag), REVALIDATED, *profile, VARY]
        headers += applied(preferences, ROW_READ_PREFERENCES, self.settings)
        if condition is not None and matches(condition, tag, weakly=True):
            return Answer(304, headers)
        headers.append(media.header)
        return Answer(200, headers, body, rows=1)

    async def change(self, operation: Operation, row: RowAddress) -> Answer:
        """PATCH of a row: what the body says is set."""
        precondition = precondition_of(operation, self.settings)
        rows = await read_rows(operation, None, missing_default=False)
        return await self.set_columns(operation, row, rows, precondition)

    async def replace(self, operation: Operation, row: RowAddress) -> Answer:
        """PUT of a row: the whole row, made when there is none."""
        rows = await read_rows(operation, None, missing_default=False)
        rows = row.whole(rows, self.tables.plans.settable(operation.context, row.resource))
        if operation.headers.get(b"if-match") is not None:
            return await self.set_columns(operation, row, rows, precondition_of(operation, self.settings))
        is_new = makes_only(operation, self.settings)
        # A batch's transaction is of no use after a failure, so there the row is looked for before.
        if is_new and operation.session and await self.document(operation, row):
            raise BackstayError("precondition_failed")
        write = row.write(WriteKind.INSERT, None if is_new else Conflict.MERGE)
        service = self.tables.of(row.resource.name)
        try:
            written = await service.insert(operation.context, write, row.values, rows, operation.session)
        except BackstayError as error:
            if is_new and error.code == "23505" and await self.document(operation, row):
                raise BackstayError("precondition_failed") from error
            raise
        preferences = self.preferences.parse(operation.values(b"prefer"))
        return row_answer(201 if written.inserted else 200, written, preferences, self.settings)

    async def remove(self, operation: Operation, row: RowAddress) -> Answer:
        """DELETE of a row."""
        preferences = self.preferences.parse(operation.values(b"prefer"))
        precondition = precondition_of(operation, self.settings)
        write = row.write(WriteKind.DELETE, None)
        service = self.tables.of(row.resource.name)
        deleting = service.delete(operation.context, write, row.values, precondition, operation.session)
        written = await self.met(operation, row, deleting)
        if preferences.return_ != "representation":
            return Answer(204, [VARY, *applied(preferences, ROW_WRITE_PREFERENCES, self.settings)], rows=1)
        return row_answer(200, written, preferences, self.settings, tagged=False)

    async def set_columns(
        self, operation: Operation, row: RowAddress, rows: Rows, precondition: Precondition | None
    ) -> Answer:
        """Set columns of a row."""
        write = row.write(WriteKind.UPDATE, None)
        service = self.tables.of(row.resource.name)
        context, session = operation.context, operation.session
        updating = service.update(context, write, row.values, rows, precondition, session)
        written = await self.met(operation, row, updating)
        preferences = self.preferences.parse(operation.values(b"prefer"))
        return row_answer(200, written, preferences, self.settings)

    async def met(self, operation: Operation, row: RowAddress, writing: Awaitable[Written]) -> Written:
        """The result of a write that met its row.

        Raises:
            BackstayError: `row_not_found` when there is none for this caller; `42501` when there is one that they
                may see and not change.
        """
        try:
            written = await writing
        except BackstayError as error:
            if error.code in _NO_SUCH_KEY and not await self.document(operation, row):
                raise BackstayError("row_not_found") from error
            raise
        if written.count:
            return written
        if await self.document(operation, row) is None:
            raise BackstayError("row_not_found")
        raise BackstayError("42501", f"permission denied for table {row.resource.name}")

    async def document(self, operation: Operation, row: RowAddress) -> bytes | None:
        """The JSON array of the row as this caller sees it; None when there is none."""
        service = self.tables.of(row.resource.name)
        try:
            page = await service.read(operation.context, row.question, row.values, operation.session)
        except BackstayError as error:
            if error.code in _NO_SUCH_KEY and not row.has_other_literals:
                return None
            raise
        return page.body if page.count else None

    def asked_of_write(self, operation: Operation) -> tuple[AnswerMedia, Preferences, ParsedQuery]:
        """What the headers and the query string of a write say."""
        checked_profile(operation.headers.get(b"content-profile"))
        media = negotiate(operation.headers.get(b"accept"))
        preferences = self.preferences.parse(operation.values(b"prefer"))
        parsed = self.queries.parse(operation.query)
        if parsed.after is not None:
            raise BackstayError("PGRST100", f"{AFTER} is for reading")
        if operation.session is not None and self.is_undone(preferences):
            raise BackstayError("PGRST127", details="Within a batch, tx=rollback is said of the batch.")
        return media, preferences, parsed

    def filtered_write(
        self, table: str, kind: WriteKind, parsed: ParsedQuery, preferences: Preferences, media: AnswerMedia
    ) -> Write:
        """A write of the rows that filters find."""
        return Write(
            table,
            kind,
            parsed.query,
            representation=preferences.return_ == "representation",
            max_affected=preferences.max_affected,
            shape=media.shape,
            undone=self.is_undone(preferences),
            zone=preferences.timezone,
        )

    def is_undone(self, preferences: Preferences) -> bool:
        """Whether a write is only tried."""
        return self.settings.tx_override and preferences.tx == "rollback"
