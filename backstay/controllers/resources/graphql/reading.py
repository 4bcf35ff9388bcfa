"""A selection becomes requests, the literals that travel beside them, and the form of the answer.

In charge of the walk over the fields of one operation: what each asks of a table, and what it costs. Everything is
known before anything is asked of the database; all requests of an operation are asked together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, get_named_type
from graphql.language import FieldNode

from backstay.config.graphql import GraphQLSettings
from backstay.controllers.resources.graphql.aggregates import aggregate_query, count_query
from backstay.controllers.resources.graphql.budget import Budget
from backstay.controllers.resources.graphql.connection import Connection, Cursors
from backstay.controllers.resources.graphql.filters import conditions, orders
from backstay.controllers.resources.graphql.meaning import (
    ByKey,
    Collection,
    ColumnField,
    NodeField,
    NodeIdField,
    ToMany,
    ToOne,
    meaning_of,
    resource_of,
)
from backstay.controllers.resources.graphql.node_ids import read_node_id
from backstay.controllers.resources.graphql.pages import window_of
from backstay.controllers.resources.graphql.rows import Get, Items, constant, node_id_of, object_of, value_of
from backstay.controllers.resources.graphql.scalars import literal
from backstay.controllers.resources.graphql.selection import Grouped, Selections
from backstay.models.catalog import Resource
from backstay.models.resources.request import ColumnPath, Condition, Filter, Operator, Query, Request

# Asks a query about related rows or a table, and says how its rows are taken out of the answer.
Ask = Callable[[Query], Get]


class Reading:
    """The questions of one operation in the making.

    Attributes:
        requests: about tables, to be answered together; an answer's form takes their documents in this order.
        values: the literals of all of them.
        max_rows: of one array in the answer to a request.
    """

    def __init__(
        self, selections: Selections, settings: GraphQLSettings, max_rows: int, cursors: Cursors
    ) -> None:
        self.selections = selections
        self.settings = settings
        self.requests: list[Request] = []
        self.values: list[Any] = []
        self.budget = Budget(settings.max_cost)
        self.max_rows = max_rows
        self._cursors = cursors

    def slot(self, value: Any) -> int:
        """The place of one more literal."""
        self.values.append(value)
        return len(self.values) - 1

    def root(self, type_: GraphQLObjectType, key: str, nodes: Sequence[FieldNode]) -> Get:
        """A field at the root of a query; what it gives takes the list of all documents."""
        definition = type_.fields[nodes[0].name.value]
        meaning = meaning_of(definition)
        self.budget.spend(1)
        if isinstance(meaning, Collection):
            return self._connection(definition, nodes, self._table(meaning.resource), 1)
        args = self.selections.arguments(definition, nodes[0])
        if isinstance(meaning, NodeField):
            return self._node(args["nodeId"], nodes)
        assert isinstance(meaning, ByKey)
        texts = [literal(args[field.name], field) for field in meaning.resource.primary_key]
        return self._one(get_named_type(definition.type), texts, nodes)

    def row(self, type_: Any, nodes: Sequence[FieldNode], items: Items, around: int) -> Get:
        """What the answer shows of a row of a table.

        Args:
            around: how many such rows there can be.
        """
        resource = resource_of(type_)
        pairs: list[tuple[str, Get]] = []
        for key, same in self.selections.fields(type_, nodes).items():
            name = same[0].name.value
            self.budget.spend(around)
            if name == "__typename":
                pairs.append((key, constant(type_.name)))
                continue
            definition = type_.fields[name]
            meaning = meaning_of(definition)
            if isinstance(meaning, ColumnField):
                pairs.append((key, value_of(items, meaning.field)))
            elif isinstance(meaning, NodeIdField):
                pairs.append((key, node_id_of(items, resource)))
            elif isinstance(meaning, ToMany):
                relation = meaning.relation
                pairs.append((key, self._connection(definition, same, _related(items, relation), around)))
            else:
                assert isinstance(meaning, ToOne)
                pairs.append((key, self._to_one(definition, same, meaning, items, around)))
        _select_something(type_, items)
        return object_of(pairs)

    def found(self, resource: Resource, given: Any) -> tuple[Condition, ...]:
        """The conditions of a `filter` argument."""
        return conditions(resource, given, self.slot)

    def _table(self, resource: Resource) -> Ask:
        def ask(query: Query) -> Get:
            self.requests.append(Request(resource.name, query))
            number = len(self.requests) - 1
            return lambda documents: documents[number]

        return ask

    def _to_one(
        self,
        definition: GraphQLField,
        nodes: Sequence[FieldNode],
        meaning: ToOne,
        items: Items,
        around: int,
    ) -> Get:
        inner = Items()
        shape = self.row(get_named_type(definition.type), nodes, inner, around)
        label = items.embed(meaning.relation, Query(select=inner.select()))
        return lambda row: None if row[label] is None else shape(row[label])

    def _node(self, text: str, nodes: Sequence[FieldNode]) -> Get:
        """The row of that name; null for what names none, and for a table that does not exist for the caller."""
        named = read_node_id(text)
        type_ = None if named is None else self.selections.schema.get_type(named[0])
        if named is None or not isinstance(type_, GraphQLObjectType) or "resource" not in type_.extensions:
            return constant(None)
        fits = type_.name == resource_of(type_).name and bool(type_.interfaces)
        if not fits or len(named[1]) != len(resource_of(type_).primary_key):
            return constant(None)
        return self._one(type_, named[1], nodes)

    def _one(self, type_: Any, texts: Sequence[str], nodes: Sequence[FieldNode]) -> Get:
        resource, items = resource_of(type_), Items()
        shape = self.row(type_, nodes, items, 1)
        where = tuple(
            Filter(ColumnPath(field.name), Operator.EQ, self.slot(text))
            for field, text in zip(resource.primary_key, texts, strict=True)
        )
        rows = self._table(resource)(Query(select=items.select(), where=where))

        def get(documents: Any) -> Any:
            found = rows(documents)
            return shape(found[0]) if found else None

        return get

    def _connection(self, definition: GraphQLField, nodes: Sequence[FieldNode], ask: Ask, around: int) -> Get:
        type_: Any = get_named_type(definition.type)
        resource = resource_of(type_)
        args = self.selections.arguments(definition, nodes[0])
        window = window_of(args, self.settings, self.max_rows)
        where = self.found(resource, args.get("filter"))
        form = conditions(resource, args.get("filter"), _own_slots())
        order = orders(args.get("orderBy"))
        connection = Connection(resource, window, where, form, order, self.slot, self._cursors)
        pairs: list[tuple[str, Get]] = []
        for key, same in self.selections.fields(type_, nodes).items():
            name = same[0].name.value
            self.budget.spend(around)
            if name == "__typename":
                pairs.append((key, constant(type_.name)))
            elif name == "totalCount":
                pairs.append((key, connection.beside(_counted(ask(count_query(where))))))
            elif name == "aggregate":
                aggregate = self._aggregate(type_.fields[name], same, where, ask, around)
                pairs.append((key, connection.beside(aggregate)))
            elif name == "pageInfo":
                pairs.append((key, self._page_info(connection, type_.fields[name], same, around)))
            else:
                pairs.append((key, self._edges(connection, type_.fields[name], same, around)))
        return connection.asked(ask, object_of(pairs))

    def _edges(
        self, connection: Connection, definition: GraphQLField, nodes: Sequence[FieldNode], around: int
    ) -> Get:
        type_: Any = get_named_type(definition.type)
        rows = around * max(1, connection.window.size)
        pairs: list[tuple[str, Get]] = []
        for key, same in self.selections.fields(type_, nodes).items():
            name = same[0].name.value
            self.budget.spend(rows)
            if name == "__typename":
                pairs.append((key, constant(type_.name)))
            elif name == "cursor":
                pairs.append((key, connection.cursor()))
            else:
                row = get_named_type(type_.fields[name].type)
                pairs.append((key, self.row(row, same, connection.items, rows)))
        _select_something(get_named_type(type_.fields["node"].type), connection.items)
        return connection.edges(object_of(pairs))

    def _page_info(
        self, connection: Connection, definition: GraphQLField, nodes: Sequence[FieldNode], around: int
    ) -> Get:
        type_: Any = get_named_type(definition.type)
        fields: Grouped = self.selections.fields(type_, nodes)
        self.budget.spend(around * len(fields))
        pairs = [
            (key, constant(type_.name) if name == "__typename" else connection.page_info(name))
            for key, same in fields.items()
            for name in [same[0].name.value]
        ]
        connection.needs_rows = True
        _select_something(self.selections.schema.get_type(connection.resource.name), connection.items)
        return object_of(pairs)

    def _aggregate(
        self,
        definition: GraphQLField,
        nodes: Sequence[FieldNode],
        where: tuple[Condition, ...],
        ask: Ask,
        around: int,
    ) -> Get:
        type_: Any = get_named_type(definition.type)
        query, shape, fields = aggregate_query(self.selections, type_, nodes, where)
        self.budget.spend(around * fields)
        if query is None:
            return shape
        rows = ask(query)
        return lambda source: shape(rows(source)[0])


def _related(items: Items, relation: Any) -> Ask:
    def ask(query: Query) -> Get:
        label = items.embed(relation, query)
        return lambda row: row[label]

    return ask


def _own_slots() -> Callable[[Any], int]:
    """Slots from nought, whatever else the operation asks: a cursor is good in another operation too."""
    numbers = itertools.count()
    return lambda value: next(numbers)


def _counted(rows: Get) -> Get:
    return lambda source: rows(source)[0]["n"]


def _select_something(type_: Any, items: Items) -> None:
    """A row of which only its type is asked is still a row."""
    if not items.select():
        meanings = (meaning_of(field) for field in type_.fields.values())
        items.column(next(meaning.field for meaning in meanings if isinstance(meaning, ColumnField)))
