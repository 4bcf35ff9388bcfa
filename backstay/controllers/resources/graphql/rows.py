"""What is selected of one table's rows: each column once, whatever keys it has in the answer, and how a row of the
database's document becomes an object of the answer.

Labels in the request are numbers, so that operations that differ in nothing but their keys share plan and statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from backstay.controllers.resources.graphql.names import embed_name
from backstay.controllers.resources.graphql.node_ids import node_id
from backstay.controllers.resources.graphql.scalars import shown
from backstay.models.catalog import Field, Relation, Resource
from backstay.models.resources.request import ColumnPath, Embed, Query, SelectColumn, SelectItem

# Takes a value of a key's answer out of a row of the document, or out of all documents at the root.
Get = Callable[[Any], Any]


class Items:
    """The select of one query in the making."""

    def __init__(self) -> None:
        self._items: list[SelectItem] = []
        self._columns: dict[str, str] = {}

    def select(self) -> tuple[SelectItem, ...]:
        """What was asked for, in that order."""
        return tuple(self._items)

    def column(self, field: Field) -> str:
        """Select a column; the label under which a row has it."""
        if field.name not in self._columns:
            label = self._columns[field.name] = f"c{len(self._items)}"
            self._items.append(SelectColumn(ColumnPath(field.name), label))
        return self._columns[field.name]

    def embed(self, relation: Relation, query: Query) -> str:
        """Select related rows; the label under which a row has them."""
        label = f"e{len(self._items)}"
        name, hint = embed_name(relation)
        self._items.append(Embed(name, query, label, hint))
        return label


def value_of(items: Items, field: Field) -> Get:
    """A column's value, in the form of its scalar."""
    label, form = items.column(field), shown(field)
    if form is None:
        return itemgetter(label)
    convert = form

    def get(row: Mapping[str, Any]) -> Any:
        value = row[label]
        return None if value is None else convert(value)

    return get


def node_id_of(items: Items, resource: Resource) -> Get:
    """A row's `nodeId`."""
    labels = [items.column(field) for field in resource.primary_key]
    return lambda row: node_id(resource.name, [row[label] for label in labels])


def constant(value: Any) -> Get:
    """The same for every row."""
    return lambda row: value


def object_of(pairs: Sequence[tuple[str, Get]]) -> Get:
    """An object of the answer, its keys in the order of the selection."""
    return lambda row: {key: get(row) for key, get in pairs}
