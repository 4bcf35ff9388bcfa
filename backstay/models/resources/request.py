"""A question about resources, as every front door asks it: the common form of REST, GraphQL and jobs.

A `Request` holds names and structure and no literal value. Each literal stands in the tuple of values that travels
beside it, and the request holds its index (a *slot*). So equal questions with other values are equal requests, and
everything derived from a request (plan, SQL, prepared statement) is made once per shape.

All values here are frozen, hashable, and say nothing about whether what they name exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Operator(StrEnum):
    """Comparison of a column with a literal, spelled as in the protocol."""

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    LIKE = "like"
    ILIKE = "ilike"
    MATCH = "match"
    IMATCH = "imatch"
    IN = "in"
    IS = "is"
    ISDISTINCT = "isdistinct"
    CONTAINS = "cs"
    CONTAINED = "cd"
    OVERLAPS = "ov"
    STRICTLY_LEFT = "sl"
    STRICTLY_RIGHT = "sr"
    NOT_RIGHT = "nxr"
    NOT_LEFT = "nxl"
    ADJACENT = "adj"
    FTS = "fts"
    PLAIN_FTS = "plfts"
    PHRASE_FTS = "phfts"
    WEB_FTS = "wfts"


class IsValue(StrEnum):
    """What `is.` compares with. Part of the shape, not a literal."""

    NULL = "null"
    NOT_NULL = "not_null"
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class Quantifier(StrEnum):
    """`like(any).{a,b}` and its kind."""

    ANY = "any"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class JsonStep:
    """`->key`, `->>key`, `->0`: one step into a JSON column; `as_text` for the second arrow form."""

    key: str | int
    as_text: bool


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """A column, or a place inside a JSON column."""

    name: str
    steps: tuple[JsonStep, ...] = ()


# Under which a row has its place, as the text of a JSON array. The other labels of its query must leave it free.
PLACE_LABEL = "k"


class SqlPattern(str):
    """The literal of `like` and `ilike` in SQL's own spelling, where `*` stands for itself."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """`column=not.op(any).value`.

    Attributes:
        slot: index of the literal: text; a tuple of texts for `in` and for a quantified operator; None for `is`.
        is_value: the right side of `is`.
        config: text search configuration of the `fts` operators.
    """

    column: ColumnPath
    operator: Operator
    slot: int | None = None
    negated: bool = False
    quantifier: Quantifier | None = None
    is_value: IsValue | None = None
    config: str | None = None


@dataclass(frozen=True, slots=True)
class EmbedFilter:
    """`rel=is.null` and `rel=not.is.null`: whether the embed called `name` is empty."""

    name: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Logic:
    """`and(...)` and `or(...)`, possibly negated."""

    conjunction: bool
    items: tuple[Condition, ...]
    negated: bool = False


Condition = Filter | EmbedFilter | Logic


@dataclass(frozen=True, slots=True)
class Order:
    """One term of `order`. `relation` for `order=rel(column)`: the label of an embed of the same query.

    `nulls_first` None is the database default: nulls are largest (last ascending, first descending).
    """

    column: ColumnPath
    descending: bool = False
    nulls_first: bool | None = None
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class AllColumns:
    """`*`: every column that the caller may see."""


@dataclass(frozen=True, slots=True)
class SelectColumn:
    """`alias:column->path::cast`."""

    column: ColumnPath
    alias: str | None = None
    cast: str | None = None


class Aggregate(StrEnum):
    """One value out of many rows."""

    SUM = "sum"
    AVG = "avg"
    COUNT = "count"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class SelectAggregate:
    """`alias:column->path::cast.sum()::outcome_cast`; `count()` alone has no column and counts rows.

    One of them makes every other selected column of its query a column to group by.
    """

    function: Aggregate
    column: ColumnPath | None = None
    alias: str | None = None
    cast: str | None = None
    outcome_cast: str | None = None


@dataclass(frozen=True, slots=True)
class Embed:
    """`alias:relation!hint!inner(...)`, or `...relation!hint!inner(...)`.

    Attributes:
        inner: parents without a row in this embed are left out.
        spread: what it selects stands in the parent itself; as an array each, where there may be many rows.
    """

    relation: str
    query: Query
    alias: str | None = None
    hint: str | None = None
    inner: bool = False
    spread: bool = False

    @property
    def label(self) -> str:
        """The name it has in the answer, and by which filters address it."""
        return self.alias or self.relation


SelectItem = AllColumns | SelectColumn | SelectAggregate | Embed


@dataclass(frozen=True, slots=True)
class Query:
    """What is wanted of one table: of the resource, or of one embed.

    Attributes:
        limit, offset: slots whose literal is a non-negative int; None when not asked for.
        after: the place of a row in the complete order, that of the plan: for each term the slot of its literal, or
            None where that row has null. Rows up to that one are left out; the row itself need not exist any more.
        backward: the page is cut from the other end of the order, and `after` leaves out what follows its row.
        keyed: each row has its place in the order as `PLACE_LABEL`.
    """

    select: tuple[SelectItem, ...] = (AllColumns(),)
    where: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
    after: tuple[int | None, ...] | None = None
    backward: bool = False
    keyed: bool = False
    # Every look-up of a plan hashes the query; a nested one costs 5 µs to hash, so that is done once.
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        if not self._hash:
            value = hash(
                (
                    self.select,
                    self.where,
                    self.order,
                    self.limit,
                    self.offset,
                    self.after,
                    self.backward,
                    self.keyed,
                )
            )
            object.__setattr__(self, "_hash", value or 1)
        return self._hash


class Count(StrEnum):
    """`Prefer: count=`"""

    EXACT = "exact"
    PLANNED = "planned"
    ESTIMATED = "estimated"


class Shape(StrEnum):
    """The form of the answer: an array, one object, CSV lines, or no body at all."""

    ARRAY = "array"
    OBJECT = "object"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Request:
    """A read of one resource.

    Attributes:
        zone: IANA name of the time zone in which points in time are shown; UTC when not given.
        keyed: the place of the last row is wanted too, to go on after it.
    """

    resource: str
    query: Query = Query()
    count: Count | None = None
    shape: Shape = Shape.ARRAY
    zone: str | None = None
    keyed: bool = False


class WriteKind(StrEnum):
    """What a write does."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class Conflict(StrEnum):
    """`Prefer: resolution=`"""

    MERGE = "merge-duplicates"
    IGNORE = "ignore-duplicates"


@dataclass(frozen=True, slots=True)
class Write:
    """A write to one resource. The rows travel beside it, as the values do.

    Attributes:
        query: which rows (update and delete), and what of them the answer shows.
        representation: the answer shows the written rows.
        conflict, on_conflict: what a duplicate leads to, and the columns whose uniqueness decides what one is; none
            for the primary key.
        max_affected: refuse, undone, when more rows than this would be touched.
        undone: do it, answer as if it were done, and keep nothing of it.
        zone: as in a `Request`.
    """

    resource: str
    kind: WriteKind
    query: Query = Query()
    representation: bool = False
    conflict: Conflict | None = None
    on_conflict: tuple[str, ...] = ()
    max_affected: int | None = None
    shape: Shape = Shape.ARRAY
    undone: bool = False
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a write as they came: unread JSON values by key.

    Attributes:
        columns: the keys that count; None for those of the rows themselves.
        missing_default: a key that a row lacks takes its default rather than null.
        single: they came as one object, not as an array.
        textual: every value is the text of one, as in a filter, or None: they came as CSV or from a form.
    """

    items: tuple[Mapping[str, Any], ...]
    columns: tuple[str, ...] | None = None
    missing_default: bool = False
    single: bool = True
    textual: bool = False
