"""A plan: a request after names were looked up and access rules folded in. The compiler turns it into one statement.

Everything a caller may not see is already gone from it: hidden columns do not occur, masked columns carry the
predicate under which they show, and every table carries the predicates its rows must satisfy. Plans are made once
per request shape and kind of caller, and compared by identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backstay.models.access.rules import Predicate
from backstay.models.catalog import Field, Relation, Resource, ValueKind
from backstay.models.resources.request import (
    Aggregate,
    Conflict,
    Count,
    IsValue,
    JsonStep,
    Operator,
    Quantifier,
    Shape,
    WriteKind,
)


class Form(StrEnum):
    """How the literal of a parameter is read."""

    SCALAR = "scalar"
    LIST = "list"
    PATTERN = "pattern"
    REGEX = "regex"
    TEXT = "text"
    TEXT_LIST = "text_list"
    PATTERN_LIST = "pattern_list"
    REGEX_LIST = "regex_list"
    CONTAINER = "container"
    KEY = "key"
    COUNT = "count"


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A literal of the request and what it must be: a value of `field`'s type, or of `form` where that says more."""

    slot: int
    form: Form
    field: Field | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A column, or a place inside a JSON column, as this caller sees it.

    Attributes:
        mask: where it does not hold the value is null; None for no mask.
    """

    field: Field
    steps: tuple[JsonStep, ...] = ()
    mask: Predicate | None = None

    @property
    def kind(self) -> ValueKind:
        """The kind of the value at the end of the steps."""
        if not self.steps:
            return self.field.kind
        return ValueKind.TEXT if self.steps[-1].as_text else ValueKind.JSON


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A reference compared with a parameter (None for `is`)."""

    reference: Reference
    operator: Operator
    parameter: Parameter | None = None
    negated: bool = False
    quantifier: Quantifier | None = None
    is_value: IsValue | None = None
    config: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Emptiness:
    """Whether an embed of the same query has no row."""

    embed: PlannedEmbed
    empty: bool


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """A conjunction or disjunction of conditions."""

    conjunction: bool
    items: tuple[PlannedCondition, ...]
    negated: bool = False


PlannedCondition = Comparison | Emptiness | Combination


@dataclass(frozen=True, slots=True, eq=False)
class Ordering:
    """One term of the order; `embed` when it orders by a column of an embedded row."""

    reference: Reference
    descending: bool
    nulls_first: bool
    embed: PlannedEmbed | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of the answer: what it shows under which name, cast to `cast` if that is given."""

    reference: Reference
    label: str
    cast: ValueKind | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Aggregation:
    """One value out of the rows of a group.

    Attributes:
        reference: what is aggregated, cast to `cast` first; None to count rows.
        outcome: the type of the result, as PostgreSQL has it, before it is cast to `outcome_cast`.
    """

    function: Aggregate
    reference: Reference | None
    label: str
    outcome: Field
    cast: ValueKind | None = None
    outcome_cast: ValueKind | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PlannedQuery:
    """What is read of one table.

    Attributes:
        grouped: some item, here or in what is spread into it from one row, is an aggregation: every other one is
            what it is grouped by.
        predicates: what the access rules ask of its rows; all must hold.
        visible: False when this caller may see no row at all.
        max_rows: no more rows than this are answered, whatever the request's limit says.
        order: complete: it ends with the primary key, so that it is total. When it is grouped: what the request
            says, and groups alike in that come by their columns.
        after: for each term of the order its value in the row after which the page begins, or None for null; None
            for a page that begins at the start.
        backward: the page is cut from the end of the order; `after` is then where it ends.
        keyed: each row shows its place in the order.
    """

    resource: Resource
    items: tuple[Item, ...]
    where: tuple[PlannedCondition, ...]
    predicates: tuple[Predicate, ...]
    visible: bool
    order: tuple[Ordering, ...]
    limit: Parameter | None
    offset: Parameter | None
    max_rows: int | None
    # Embeds that only filters need: named in the select with empty brackets, or by `!inner`.
    embeds: tuple[PlannedEmbed, ...] = ()
    grouped: bool = False
    after: tuple[Parameter | None, ...] | None = None
    backward: bool = False
    keyed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PlannedEmbed:
    """Rows of a related table inside a row.

    Attributes:
        label: the key in the answer.
        pairs: column of the parent with the column that equals it, of the target or else of the junction. As the
            caller sees them: a masked key belongs to nobody.
        far_pairs: column of the junction with the column of the target.
        shown: False when nothing of it is selected, so it only filters.
        spread: its items are items of the parent.
        inner: rows of the parent without a row here are left out.
        junction_predicates: what the rules ask of the table between, for a many-to-many relation.
    """

    label: str
    relation: Relation
    query: PlannedQuery
    inner: bool
    pairs: tuple[tuple[Reference, Reference], ...]
    far_pairs: tuple[tuple[Reference, Reference], ...] = ()
    shown: bool = True
    junction_predicates: tuple[Predicate, ...] = ()
    junction_visible: bool = True
    spread: bool = False


Item = Column | Aggregation | PlannedEmbed


@dataclass(frozen=True, slots=True, eq=False)
class ReadPlan:
    """One read, to become one statement."""

    query: PlannedQuery
    parameters: tuple[Parameter, ...]
    predicates: tuple[Predicate, ...]
    count: Count | None
    shape: Shape
    zone: str | None = None
    keyed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class JointPlan:
    """Several reads, to become one statement. They share parameters and predicates."""

    queries: tuple[PlannedQuery, ...]
    parameters: tuple[Parameter, ...]
    predicates: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class WritePlan:
    """One write.

    Attributes:
        target: for update and delete, which rows: those that may be read and written, and match the filters.
        fields: what is set, by a value of each row.
        checks: what the rules ask of a row as it will be; for an upsert, of a row that is new.
        conflict: what a row that exists already leads to; None for an error.
        on_conflict: the columns that say which row that is.
        conflict_target: what an existing row must satisfy before an upsert may change it.
        conflict_checks: what it must satisfy afterwards.
        answer: what the answer shows of the written rows; None when it shows nothing.
        readable: what the rules ask of a row that is shown.
    """

    resource: Resource
    kind: WriteKind
    target: PlannedQuery | None
    fields: tuple[Field, ...]
    checks: tuple[Predicate, ...]
    conflict: Conflict | None
    on_conflict: tuple[Field, ...]
    conflict_target: tuple[Predicate, ...]
    conflict_checks: tuple[Predicate, ...]
    answer: PlannedQuery | None
    readable: tuple[Predicate, ...]
    parameters: tuple[Parameter, ...]
    predicates: tuple[Predicate, ...]
    shape: Shape
    max_affected: int | None
    undone: bool = False
    zone: str | None = None
