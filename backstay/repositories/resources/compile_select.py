"""Compiling a select: what the answer shows of a row or of a group of rows, as the columns of a subquery.

In charge of spreads, of grouping, and of when a value is brought into the form that it has in JSON: at the end, so
that everything before works with values. Which rows there are is `compile.py`'s.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Select, and_, case, func, literal_column, null, select, true

from backstay.models.catalog import BIGINT, JSON_VALUE, Field, ValueKind, value_field
from backstay.models.resources.plan import (
    Aggregation,
    Column,
    Ordering,
    Parameter,
    PlannedEmbed,
    PlannedQuery,
    Reference,
)
from backstay.models.resources.request import PLACE_LABEL
from backstay.repositories.resources.dialects import Dialect, Encoder, Expression, Source
from backstay.repositories.resources.keyset import place


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A value of a row of the answer, not yet brought into the form of JSON.

    Attributes:
        value: makes it. Only what is shown is made: spreads of many rows ask for one leaf at a time.
        kind: None for what is JSON already.
        reference: the column, when it is one.
        aggregation: what is to be made of the values of a group.
    """

    label: str
    value: Callable[[], Expression]
    kind: ValueKind | None
    field: Field
    reference: Reference | None = None
    aggregation: Aggregation | None = None


class Selecting(ABC):
    """One statement in the making, as far as its selects go."""

    dialect: Dialect
    zone: str | None

    @abstractmethod
    def number(self) -> int: ...

    @abstractmethod
    def alias(self, query: PlannedQuery) -> Source: ...

    @abstractmethod
    def value(self, reference: Reference, table: Source) -> Expression: ...

    @abstractmethod
    def embedded(self, embed: PlannedEmbed, parent: Source) -> Expression: ...

    @abstractmethod
    def joined(
        self, statement: Select[Any], embed: PlannedEmbed, parent: Source, table: Source
    ) -> Select[Any]: ...

    @abstractmethod
    def related(self, embed: PlannedEmbed, parent: Source, table: Source) -> Iterator[Expression]: ...

    @abstractmethod
    def page(self, statement: Select[Any], query: PlannedQuery, table: Source) -> Select[Any]: ...

    @abstractmethod
    def order_value(self, term: Ordering, table: Source) -> Expression: ...

    @abstractmethod
    def parameter(self, parameter: Parameter, encode: Encoder | None = None) -> Expression: ...

    @abstractmethod
    def within(self, statement: Select[Any], query: PlannedQuery) -> Select[Any]: ...

    def shown(self, query: PlannedQuery, table: Source) -> Select[Any]:
        """What the answer shows of a row, as the columns of a subquery."""
        source, leaves = self._leaves(query, table, table)
        pairs = [(leaf.label, self._finished(leaf)) for leaf in leaves]
        if query.keyed:
            pairs.append((PLACE_LABEL, self.dialect.json_text(place(self, query, table))))
        row = select(*self.dialect.json_row(pairs))
        return row if source is table else row.select_from(source)

    def groups(
        self, found: Callable[[Select[Any]], Select[Any]], query: PlannedQuery, table: Source
    ) -> Select[Any]:
        """One row of the subquery for each group, in order, within the limits.

        The rows that `found` finds give what is grouped and aggregated, by number, before anything is shown.
        """
        source, leaves = self._leaves(query, table, table)
        raw = [leaf.value().label(f"v{number}") for number, leaf in enumerate(leaves)]
        each = found(select(*raw).select_from(source)).subquery(f"g{self.number()}")
        keys = [
            (leaf, each.c[f"v{number}"]) for number, leaf in enumerate(leaves) if leaf.aggregation is None
        ]
        pairs = [
            (leaf.label, self._group_value(leaf, each.c[f"v{number}"])) for number, leaf in enumerate(leaves)
        ]
        statement = select(*self.dialect.json_row(pairs)).select_from(each)
        statement = statement.group_by(*(self.dialect.group_key(value, leaf.kind) for leaf, value in keys))
        return self.within(statement.order_by(*self._group_order(query, keys)), query)

    def _group_value(self, leaf: Leaf, value: Expression) -> Expression:
        if leaf.aggregation is None:
            return self._finished(leaf, self.dialect.of_group(value, leaf.kind, leaf.field))
        item, kind = leaf.aggregation, leaf.aggregation.outcome.kind
        if leaf.kind is None:
            outcome: Expression = func.count()
        else:
            outcome = self.dialect.aggregate(item.function, value, leaf.kind, item.outcome)
        if item.outcome_cast is not None and item.outcome_cast is not kind:
            outcome = self.dialect.cast(outcome, kind, item.outcome_cast)
            kind = item.outcome_cast
        return self._finished(Leaf(leaf.label, lambda: outcome, kind, item.outcome))

    def _group_order(
        self, query: PlannedQuery, keys: Sequence[tuple[Leaf, Expression]]
    ) -> Iterator[Expression]:
        for term in query.order:
            leaf, value = next(key for key in keys if key[0].reference is term.reference)
            value = self.dialect.group_order(value, leaf.kind, leaf.field)
            value = value.desc() if term.descending else value.asc()
            yield value.nulls_first() if term.nulls_first else value.nulls_last()
        for leaf, value in keys:
            yield self.dialect.group_order(value, leaf.kind, leaf.field).asc().nulls_last()

    def _leaves(
        self, query: PlannedQuery, table: Source, source: Source, there: Expression | None = None
    ) -> tuple[Source, list[Leaf]]:
        """What stands in a row of the answer, and `source` with the rows joined to it that are spread into it.

        Args:
            there: for a row that is spread, whether it exists.
        """
        leaves: list[Leaf] = []
        for item in query.items:
            if isinstance(item, Column):
                leaves.append(self._column(item, table, there))
            elif isinstance(item, Aggregation):
                leaves.append(self._aggregated(item, table, there))
            elif not item.spread:
                leaves.append(self._whole(item, table))
            elif item.relation.cardinality.is_one:
                target = self.alias(item.query)
                source = source.outerjoin(target, and_(true(), *self.related(item, table, target)))
                key = target.c[item.query.resource.primary_key[0].column.key]
                source, inner = self._leaves(item.query, target, source, key.is_not(None))
                leaves += inner
            else:
                leaves += self._arrays(item, table)
        return source, leaves

    def _column(self, column: Column, table: Source, there: Expression | None) -> Leaf:
        reference = column.reference
        kind = column.cast or reference.kind
        return Leaf(
            column.label,
            lambda: self._cast(self._spread(reference, table, there), reference.kind, column.cast),
            kind,
            reference.field if kind is reference.field.kind else value_field(kind),
            reference=reference,
        )

    def _aggregated(self, item: Aggregation, table: Source, there: Expression | None) -> Leaf:
        reference = item.reference
        if reference is None:
            one: Expression = literal_column("1")
            if there is None:
                return Leaf(item.label, lambda: one, None, BIGINT, aggregation=item)
            # Rows that are not there do not count.
            return Leaf(
                item.label,
                lambda: case((there, one), else_=null()),
                BIGINT.kind,
                BIGINT,
                aggregation=item,
            )
        return Leaf(
            item.label,
            lambda: self._cast(self._spread(reference, table, there), reference.kind, item.cast),
            item.cast or reference.kind,
            reference.field,
            aggregation=item,
        )

    def _spread(self, reference: Reference, table: Source, there: Expression | None) -> Expression:
        """The value of a row that may be missing: what is worked out from nothing may be something."""
        value = self.value(reference, table)
        if there is None or reference.field.expression is None:
            return value
        return case((there, value), else_=null())

    def _whole(self, embed: PlannedEmbed, table: Source) -> Leaf:
        return Leaf(embed.label, lambda: self.embedded(embed, table), None, JSON_VALUE)

    def _arrays(self, embed: PlannedEmbed, parent: Source) -> Iterator[Leaf]:
        """Each item of an embed of many rows as an array, all in the order of the rows."""
        for number, label in enumerate(_labels(embed.query)):
            yield Leaf(label, partial(self._array, embed, parent, number), None, JSON_VALUE)

    def _array(self, embed: PlannedEmbed, parent: Source, number: int) -> Expression:
        table = self.alias(embed.query)
        source, leaves = self._leaves(embed.query, table, table)
        leaf = leaves[number]
        found = self.joined(select(leaf.value().label("v")).select_from(source), embed, parent, table)
        page = self.page(found, embed.query, table).subquery(f"a{self.number()}")
        items = self.dialect.array_json(self._finished(leaf, page.c.v))
        return select(items).select_from(page).scalar_subquery()

    def _cast(self, value: Expression, kind: ValueKind, target: ValueKind | None) -> Expression:
        return value if target is None or target is kind else self.dialect.cast(value, kind, target)

    def _finished(self, leaf: Leaf, value: Expression | None = None) -> Expression:
        """A leaf, or a column of a subquery that holds its value, as it stands in the JSON of the answer."""
        value = leaf.value() if value is None else value
        if leaf.kind is None:
            return self.dialect.json_value(value)
        if leaf.kind is ValueKind.TIMESTAMP and self.zone is not None:
            return self.dialect.in_zone(value, self.zone)
        return self.dialect.shown(value, leaf.kind, leaf.field)


def _labels(query: PlannedQuery) -> Iterator[str]:
    """The names of a query's leaves, in their order."""
    for item in query.items:
        if isinstance(item, PlannedEmbed) and item.spread:
            yield from _labels(item.query)
        else:
            yield item.label
