"""`totalCount` and `aggregate` of a connection: one row out of all that its filter finds, whatever the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import get_named_type
from graphql.language import FieldNode

from backstay.controllers.resources.graphql.meaning import meaning_of
from backstay.controllers.resources.graphql.rows import Get, constant, object_of
from backstay.controllers.resources.graphql.scalars import shown
from backstay.controllers.resources.graphql.selection import Selections
from backstay.models.resources.request import Aggregate, ColumnPath, Condition, Query, SelectAggregate


def count_query(where: tuple[Condition, ...]) -> Query:
    """How many rows there are, as `n` of the only row."""
    return Query(select=(SelectAggregate(Aggregate.COUNT, alias="n"),), where=where)


def aggregate_query(
    selections: Selections, type_: Any, nodes: Sequence[FieldNode], where: tuple[Condition, ...]
) -> tuple[Query | None, Get, int]:
    """The query of an `aggregate` field, the form of its only row, and how many fields were asked for.

    The query is None when nothing is asked of the rows.
    """
    labels: dict[Any, str] = {}
    asked = 0
    pairs: list[tuple[str, Get]] = []
    for key, same in selections.fields(type_, nodes).items():
        asked += 1
        name = same[0].name.value
        if name == "__typename":
            pairs.append((key, constant(type_.name)))
        elif meaning_of(type_.fields[name]) is not None:
            pairs.append((key, _value(labels, type_, name)))
        else:
            inner_type: Any = get_named_type(type_.fields[name].type)
            inner = []
            for inner_key, inner_same in selections.fields(inner_type, same).items():
                asked += 1
                inner.append((inner_key, _value(labels, inner_type, inner_same[0].name.value)))
            pairs.append((key, object_of(inner)))
    if not labels:
        return None, object_of(pairs), asked
    select = tuple(
        SelectAggregate(function, None if column is None else ColumnPath(column), label)
        for (function, column), label in labels.items()
    )
    return Query(select=select, where=where), object_of(pairs), asked


def _value(labels: dict[Any, str], type_: Any, name: str) -> Get:
    if name == "__typename":
        return constant(type_.name)
    meaning = meaning_of(type_.fields[name])
    column = None if meaning.field is None else meaning.field.name
    label = labels.setdefault((meaning.function, column), f"a{len(labels)}")
    form = shown(meaning.outcome)

    def get(row: Any) -> Any:
        value = row[label]
        return value if value is None or form is None else form(value)

    return get
