"""The address of one row, `{table}/{key}`: what it says of the row, and of the answer that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backstay.config.rest import RestSettings
from backstay.controllers.resources.json_body import decode_json
from backstay.controllers.resources.operation import Operation
from backstay.controllers.resources.prefer import PreferParser
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
from backstay.utils.bounded import BoundedDict

KEPT_QUESTIONS = 2000


class RowAddresses:
    """Reads addresses. Equal shapes have the identical question."""

    def __init__(self, queries: QueryStringParser, preferences: PreferParser, settings: RestSettings) -> None:
        self._queries = queries
        self._preferences = preferences
        self._may_undo = settings.tx_override
        self._questions: BoundedDict[tuple[str, Query, int], Request] = BoundedDict(KEPT_QUESTIONS)

    def read(self, operation: Operation, resource: Resource, key: str) -> RowAddress:
        """The address of an operation.

        Raises:
            BackstayError: `PGRST100` for what the address of one row does not take; `row_not_found` for what is no key.
        """
        parsed = self._queries.parse(operation.query)
        preferences = self._preferences.parse(operation.values(b"prefer"))
        if parsed.after is not None:
            raise BackstayError("PGRST100", "the address of one row takes no cursor")
        place = (resource.name, parsed.query, len(parsed.values))
        question = self._questions.get(place)
        if question is None:
            question = self._questions[place] = _question(resource, parsed)
        undone = self._may_undo and preferences.tx == "rollback"
        if undone and operation.session is not None:
            raise BackstayError("PGRST127", details="Within a batch, tx=rollback is said of the batch.")
        return RowAddress(resource, key, parsed, question, preferences.timezone, undone=undone)


class RowAddress:
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


def _question(resource: Resource, parsed: ParsedQuery) -> Request:
    query = parsed.query
    if query.where or query.order or query.limit is not None or query.offset is not None:
        raise BackstayError("PGRST100", "the address of one row takes no filter, order, limit or offset")
    return Request(resource.name, Query(query.select, _key_filters(resource, len(parsed.values))))
