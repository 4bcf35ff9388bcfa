"""Filters: the conditions that a request puts on rows, as SQL.

In charge of comparisons, trees of them, embeds that are there or not, and text searches, each in SQL's three values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from sqlalchemy import and_, case, not_, null, or_

from backstay.models.access.rules import Predicate
from backstay.models.resources.plan import (
    Combination,
    Comparison,
    Emptiness,
    Match,
    Parameter,
    PlannedCondition,
    PlannedEmbed,
    PlannedQuery,
    Reference,
)
from backstay.models.resources.request import IsValue
from backstay.repositories.resources.dialects import Dialect, Encoder, Expression, Source
from backstay.repositories.resources.searches import search_encoder


class Parts(Protocol):
    """What a filter asks of the statement in the making."""

    dialect: Dialect

    def value(self, reference: Reference, table: Source) -> Expression:
        """A column as this caller sees it."""

    def predicate(self, predicate: Predicate, table: Source) -> Expression:
        """What is left of a rule, about this occurrence of its table."""

    def parameter(self, parameter: Parameter, encode: Encoder | None = None) -> Expression:
        """The bind parameter of a literal."""

    def exists(self, embed: PlannedEmbed, parent: Source) -> Expression:
        """Whether the parent's row has a row of the embed."""


def filtered(
    build: Parts, condition: PlannedCondition, query: PlannedQuery, table: Source
) -> Iterator[Expression]:
    """The conditions that hold together where one filter does."""
    if isinstance(condition, Match) and not condition.negated:
        # One by one, so that the index can be used.
        yield from _found(build, condition, table)
    else:
        yield _condition(build, condition, query, table)


def _condition(build: Parts, condition: PlannedCondition, query: PlannedQuery, table: Source) -> Expression:
    if isinstance(condition, Combination):
        items = [_condition(build, item, query, table) for item in condition.items]
        joined = and_(*items) if condition.conjunction else or_(*items)
        return not_(joined) if condition.negated else joined
    if isinstance(condition, Emptiness):
        found = build.exists(condition.embed, table)
        return not_(found) if condition.empty else found
    if isinstance(condition, Match):
        return _match(build, condition, table)
    return _comparison(build, condition, query, table)


def _match(build: Parts, match: Match, table: Source) -> Expression:
    """A text search in SQL's three values."""
    outcome: Expression = and_(*_found(build, match, table))
    if match.may_be_null:
        outcome = case((build.value(match.columns[0], table).is_not(None), outcome), else_=null())
    return not_(outcome) if match.negated else outcome


def _found(build: Parts, match: Match, table: Source) -> Iterator[Expression]:
    """Conditions that hold together where a text has what is asked for; false does for null."""
    bind = build.parameter(match.parameter, search_encoder(match, build.dialect.engine))
    if not match.has_index:
        texts = [build.value(column, table) for column in match.columns]
        yield build.dialect.found_in_text(match.search, texts, bind)
        return
    for column in match.columns:
        if column.mask is not None:
            yield build.predicate(column.mask, table)
    yield build.dialect.found(match.search, table, bind)


def _comparison(build: Parts, comparison: Comparison, query: PlannedQuery, table: Source) -> Expression:
    value = build.value(comparison.reference, table)
    if comparison.reference.field.expression is not None and query.predicates:
        # What it is worked out from may make it fail, and that must not tell of rows that the rules hide.
        seen = and_(*(build.predicate(predicate, table) for predicate in query.predicates))
        value = case((seen, value), else_=null())
    if comparison.is_value is not None:
        outcome = _IS[comparison.is_value](value)
    else:
        assert comparison.parameter is not None
        outcome = build.dialect.comparison(value, comparison, build.parameter(comparison.parameter))
    return not_(outcome) if comparison.negated else outcome


_IS: dict[IsValue, Callable[[Expression], Expression]] = {
    IsValue.NULL: lambda value: value.is_(None),
    IsValue.NOT_NULL: lambda value: value.is_not(None),
    IsValue.TRUE: lambda value: and_(value.is_not(None), value),
    IsValue.FALSE: lambda value: and_(value.is_not(None), not_(value)),
    IsValue.UNKNOWN: lambda value: value.is_(None),
}
