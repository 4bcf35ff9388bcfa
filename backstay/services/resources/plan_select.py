"""Planning a select: its items become columns, aggregations and embeds, each under a name of its own.

In charge of names in the answer, casts, and of what grouping asks of the items and of the order. Looking columns up is
`plan.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from backstay.config.rest import RestSettings
from backstay.errors import BackstayError
from backstay.models.access.rules import Predicate
from backstay.models.catalog import Resource, ValueKind
from backstay.models.resources.plan import (
    Aggregation,
    Column,
    Item,
    Ordering,
    PlannedEmbed,
    Reference,
)
from backstay.models.resources.request import (
    AllColumns,
    ColumnPath,
    Embed,
    Query,
    SelectAggregate,
    SelectColumn,
    SelectItem,
)
from backstay.services.resources.aggregates import outcome_of
from backstay.services.resources.operators import ALLOWED_CASTS, CASTS
from backstay.services.resources.sight import Sight

# PostgreSQL cuts longer identifiers off without a word.
MAX_LABEL_BYTES = 63

Embeds = Mapping[str, PlannedEmbed]


class LookUp(Protocol):
    """What planning a select asks of the plan in the making."""

    sight: Sight
    settings: RestSettings

    def reference(self, resource: Resource, path: ColumnPath) -> Reference:
        """Look a column up."""

    def remember(self, predicate: Predicate) -> Predicate:
        """Note a predicate of the plan."""


def plan_items(look_up: LookUp, resource: Resource, query: Query, embeds: Embeds) -> Iterator[Item]:
    """The items of a select, each once.

    Raises:
        BackstayError: `42703` for a column that does not exist for this caller, `PGRST100` for a name that two
            different items would have, `PGRST123` and `42883` for aggregates.
    """
    labels: dict[str, object] = {}
    for item in query.select:
        for planned, identity in _item(look_up, resource, item, embeds):
            known: object = identity
            for name in labels_of(planned):
                known = labels.setdefault(name, identity)
                if known is not identity and known != identity:
                    raise BackstayError("PGRST100", f"the name '{name}' occurs twice in the select")
            if known is identity:
                yield planned


def labels_of(item: Item) -> Iterator[str]:
    """The names that an item has in the answer: one, or those of everything that it spreads."""
    if isinstance(item, PlannedEmbed) and item.spread:
        for inner in item.query.items:
            yield from labels_of(inner)
    else:
        yield item.label


def is_grouped(items: Iterable[Item]) -> bool:
    """Whether some item, here or spread from one row, is an aggregation.

    Raises:
        BackstayError: `PGRST127` for one among what is spread from many rows.
    """
    grouped = False
    for item in items:
        if isinstance(item, Aggregation):
            grouped = True
        elif isinstance(item, PlannedEmbed) and item.spread and item.query.grouped:
            if not item.relation.cardinality.is_one:
                raise BackstayError(
                    "PGRST127",
                    details="Aggregates are not implemented for one-to-many or many-to-many spreads.",
                )
            grouped = True
    return grouped


def group_order(resource: Resource, items: Sequence[Item], order: Iterable[Ordering]) -> Iterator[Ordering]:
    """The order of groups: by columns that they are grouped by, which the terms then share the reference of.

    Raises:
        BackstayError: `42803` for a column that is not among them.
    """
    for term in order:
        source = items if term.embed is None else term.embed.query.items if term.embed.spread else ()
        found = [item.reference for item in source if isinstance(item, Column) and item.cast is None]
        same = [one for one in found if _is_same(one, term.reference)]
        if not same:
            table = resource.name if term.embed is None else term.embed.label
            raise BackstayError(
                "42803",
                f'column "{table}.{term.reference.field.name}" must appear in the GROUP BY clause or be used in an'
                " aggregate function",
            )
        yield Ordering(same[0], term.descending, term.nulls_first, term.embed)


def label(name: str) -> str:
    """A name of the answer, within what both databases can write.

    Raises:
        BackstayError: `54000` for a long one, `PGRST100` for one with SQLAlchemy's own mark in it.
    """
    if len(name.encode()) > MAX_LABEL_BYTES:
        raise BackstayError("54000", f"a name in the select may have at most {MAX_LABEL_BYTES} bytes")
    if "%(" in name:
        # SQLAlchemy finds its parameters in the finished text by this mark.
        raise BackstayError("PGRST100", "a name in the select may not hold '%('")
    return name


def _is_same(one: Reference, other: Reference) -> bool:
    return one.field is other.field and one.steps == other.steps


def _item(
    look_up: LookUp, resource: Resource, item: SelectItem, embeds: Embeds
) -> Iterator[tuple[Item, object]]:
    if isinstance(item, Embed):
        if embeds[item.label].shown:
            yield embeds[item.label], item
    elif isinstance(item, AllColumns):
        for reference in look_up.sight.columns(resource):
            if reference.mask is not None:
                look_up.remember(reference.mask)
            yield Column(reference, reference.field.name), (ColumnPath(reference.field.name), None)
    elif isinstance(item, SelectAggregate):
        yield _aggregation(look_up, resource, item), item
    else:
        yield _column(look_up, resource, item), (item.column, item.cast)


def _column(look_up: LookUp, resource: Resource, item: SelectColumn) -> Column:
    reference = look_up.reference(resource, item.column)
    cast = _cast(reference.kind, item.cast)
    return Column(reference, label(item.alias or _default_label(item.column)), cast)


def _aggregation(look_up: LookUp, resource: Resource, item: SelectAggregate) -> Aggregation:
    reference = None if item.column is None else look_up.reference(resource, item.column)
    if not look_up.settings.aggregates:
        raise BackstayError("PGRST123")
    cast = None if reference is None else _cast(reference.kind, item.cast)
    outcome = outcome_of(item.function, reference, cast)
    return Aggregation(
        function=item.function,
        reference=reference,
        label=label(item.alias or item.function.value),
        outcome=outcome,
        cast=cast,
        outcome_cast=_cast(outcome.kind, item.outcome_cast),
    )


def _default_label(path: ColumnPath) -> str:
    """A JSON path is named after its last key; an index takes the key before it."""
    for step in reversed(path.steps):
        if isinstance(step.key, str):
            return step.key
    return path.name


def _cast(kind: ValueKind, name: str | None) -> ValueKind | None:
    if name is None:
        return None
    target = CASTS.get(name.lower())
    if target is None:
        raise BackstayError("42704", f'type "{name[:63]}" does not exist')
    if target is not kind and (kind, target) not in ALLOWED_CASTS:
        raise BackstayError("42846", f"cannot cast type {kind.value} to {target.value}")
    return target
