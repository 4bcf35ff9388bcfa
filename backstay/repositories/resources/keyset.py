"""Keysets: pages that begin after a row rather than after a number of rows.

In charge of the order's terms, of the place of a row among them as an expression, and of the condition that a row comes after a place.
The conditions are written so that an index that begins with the order's columns finds the page: whether a value of the
place is null belongs to the plan, so no condition asks it of a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import Text, and_, false, or_, tuple_
from sqlalchemy import cast as sql_cast

from backstay.models.catalog import ValueKind
from backstay.models.resources.plan import Comparison, Ordering, Parameter, PlannedQuery
from backstay.models.resources.request import Operator
from backstay.repositories.resources.dialects import Dialect, Encoder, Expression, Source

Placed = tuple[Ordering, Parameter | None]


class Terms(Protocol):
    """What a keyset asks of the statement in the making."""

    dialect: Dialect

    def order_value(self, term: Ordering, table: Source) -> Expression:
        """What a term orders by, as this caller sees it."""

    def parameter(self, parameter: Parameter, encode: Encoder | None = None) -> Expression:
        """The bind parameter of a literal."""


def ordering(build: Terms, term: Ordering, table: Source) -> Any:
    """The term of an ORDER BY."""
    # Outside: on SQLite a subquery's result has lost the collation of its column.
    value = build.dialect.sort_key(build.order_value(term, table), term.reference)
    value = value.desc() if term.descending else value.asc()
    if is_never_null(term) or (build.dialect.engine == "postgresql" and term.nulls_first == term.descending):
        return value
    return value.nulls_first() if term.nulls_first else value.nulls_last()


def place(build: Terms, query: PlannedQuery, table: Source) -> Expression:
    """The place of a row: a JSON array with the value of each term of the order, or null.

    JSON values stand in it as text, so that JSON's null differs from no value.
    """
    values: list[Expression] = []
    for term in query.order:
        value, kind = build.order_value(term, table), term.reference.kind
        if kind is ValueKind.JSON:
            values.append(sql_cast(value, Text()))
        else:
            values.append(build.dialect.shown(value, kind, term.reference.field))
    return build.dialect.json_list(values)


def beyond(build: Terms, query: PlannedQuery, table: Source) -> Expression:
    """Whether a row comes after the place that the query begins after; before it, when it goes backward."""
    assert query.after is not None
    placed = list(zip(searched(query), query.after, strict=True))
    if _is_uniform(build.dialect, placed):
        return _row_beyond(build, placed, table)
    return _beyond(build, placed, table)


def searched(query: PlannedQuery) -> tuple[Ordering, ...]:
    """The order in which rows are looked for: that of the answer, or its reverse."""
    return tuple(map(flipped, query.order)) if query.backward else query.order


def flipped(term: Ordering) -> Ordering:
    """The term that orders the other way round."""
    return replace(term, descending=not term.descending, nulls_first=not term.nulls_first)


def is_never_null(term: Ordering) -> bool:
    """True when no row has null there, for this caller."""
    reference = term.reference
    return (
        not reference.field.nullable and reference.mask is None and not reference.steps and term.embed is None
    )


def _is_uniform(dialect: Dialect, placed: Sequence[Placed]) -> bool:
    """Whether the comparison of rows, which both databases look up in an index, means the order."""
    return len({term.descending for term, _ in placed}) == 1 and all(
        is_never_null(term)
        and parameter is not None
        # An enum is compared by its position on SQLite.
        and not (dialect.engine == "sqlite" and term.reference.kind is ValueKind.ENUM)
        for term, parameter in placed
    )


def _row_beyond(build: Terms, placed: Sequence[Placed], table: Source) -> Expression:
    row = tuple_(
        *(build.dialect.sort_key(build.order_value(term, table), term.reference) for term, _ in placed)
    )
    there = tuple_(*(build.parameter(parameter) for _, parameter in placed if parameter is not None))
    outcome: Expression = row < there if placed[0][0].descending else row > there
    return outcome


def _beyond(build: Terms, placed: Sequence[Placed], table: Source) -> Expression:
    """Beyond by the first term, or level by it and beyond by the rest."""
    (term, parameter), *rest = placed
    first = _beyond_by(build, term, parameter, table)
    if not rest:
        return first
    level = _compared(build, term, parameter, Operator.EQ, table)
    outcome = or_(first, and_(level, _beyond(build, rest, table)))
    if parameter is None or (not is_never_null(term) and not term.nulls_first):
        return outcome
    # It says nothing new, but is one range of an index.
    operator = Operator.LTE if term.descending else Operator.GTE
    return and_(_compared(build, term, parameter, operator, table), outcome)


def _beyond_by(build: Terms, term: Ordering, parameter: Parameter | None, table: Source) -> Expression:
    if parameter is None:
        return build.order_value(term, table).is_not(None) if term.nulls_first else false()
    operator = Operator.LT if term.descending else Operator.GT
    outcome = _compared(build, term, parameter, operator, table)
    if is_never_null(term) or term.nulls_first:
        return outcome
    return or_(outcome, build.order_value(term, table).is_(None))


def _compared(
    build: Terms, term: Ordering, parameter: Parameter | None, operator: Operator, table: Source
) -> Expression:
    value = build.order_value(term, table)
    if parameter is None:
        return value.is_(None)
    comparison = Comparison(term.reference, operator, parameter)
    return build.dialect.comparison(value, comparison, build.parameter(parameter))
