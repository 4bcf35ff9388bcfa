"""The schema for one kind of caller: what is hidden from such callers is not in it, so it does not exist for them.

In charge of types and of the meaning of each field. What a caller sees is asked of `Sight`; a verb that can never hold
for such callers has no field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
)

from backstay.config.rest import RestSettings
from backstay.controllers.resources.graphql.action_fields import ActionFields
from backstay.controllers.resources.graphql.action_shapes import read_shapes
from backstay.controllers.resources.graphql.inputs import Inputs
from backstay.controllers.resources.graphql.meaning import (
    AggregateField,
    ByKey,
    Collection,
    ColumnField,
    Deletion,
    Insertion,
    NodeField,
    NodeIdField,
    ToMany,
    ToOne,
    Update,
)
from backstay.controllers.resources.graphql.names import (
    NODE_FIELD,
    NODE_ID,
    has_visible_key,
    is_name,
    named_enums,
    named_tables,
    relation_names,
    types_of,
)
from backstay.controllers.resources.graphql.scalars import CURSOR, SCALARS
from backstay.errors import BackstayError
from backstay.models.access.caller import Caller
from backstay.models.access.rules import Rule
from backstay.models.catalog import Catalog, Field, Resource
from backstay.models.resources.actions import Action, ActionCatalog
from backstay.models.resources.plan import Reference
from backstay.models.resources.request import Aggregate
from backstay.services.resources.aggregates import outcome_of
from backstay.services.resources.sight import Sight

PAGE_INFO = GraphQLObjectType(
    "PageInfo",
    {
        "hasNextPage": GraphQLField(GraphQLNonNull(GraphQLBoolean)),
        "hasPreviousPage": GraphQLField(GraphQLNonNull(GraphQLBoolean)),
        "startCursor": GraphQLField(CURSOR),
        "endCursor": GraphQLField(CURSOR),
    },
)
NODE = GraphQLInterfaceType(
    "Node", {NODE_ID: GraphQLField(GraphQLNonNull(GraphQLID), extensions={"meaning": NodeIdField()})}
)


class SchemaMaker:
    """Makes schemas of one catalog.

    Args:
        default_rows: of an action that gives many, unless it is said how many.

    Raises:
        ConfigurationError: for actions that would be the same field.
    """

    def __init__(
        self, catalog: Catalog, actions: ActionCatalog, settings: RestSettings, default_rows: int
    ) -> None:
        self.catalog = catalog
        self.settings = settings
        self.default_rows = default_rows
        self.actions = read_shapes(actions)
        self.tables = named_tables(catalog)
        self.enums = {
            name: GraphQLEnumType(name, {choice: choice for choice in choices})
            for name, choices in named_enums(catalog).items()
        }

    def schema(self, caller: Caller) -> GraphQLSchema:
        """What callers of this kind can ask and do."""
        return _Making(self, Sight(self.catalog, caller)).schema()


class _Making:
    def __init__(self, maker: SchemaMaker, sight: Sight) -> None:
        self.maker = maker
        self.sight = sight
        self.inputs = Inputs(maker.enums)
        tables = [maker.catalog.resources[name] for name in sorted(maker.tables)]
        self.columns = {
            table.name: {
                each.field.name: each for each in sight.every_field(table) if is_name(each.field.name)
            }
            for table in tables
            if sight.exists(table)
        }
        self.tables = [table for table in tables if table.name in self.columns]
        self.types: dict[str, GraphQLObjectType] = {}
        self.connections: dict[str, GraphQLObjectType] = {}
        for table in self.tables:
            if sight.is_readable(table) and self.columns[table.name]:
                self.types[table.name] = self._row_type(table)
                self.connections[table.name] = self._connection(table)

        shapes = [shape for shape in maker.actions if self._exists(shape.action)]
        self.actions = ActionFields(
            shapes, types_of(self.columns, self._enums()), self.types, self._reader_arguments
        )

    def schema(self) -> GraphQLSchema:
        mutation = self._mutation()
        return GraphQLSchema(
            query=GraphQLObjectType("Query", self._query()),
            mutation=GraphQLObjectType("Mutation", mutation) if mutation else None,
            types=[*self.types.values(), *SCALARS],
        )

    def _exists(self, action: Action) -> bool:
        """Whether the caller may call it, and see what it gives."""
        return action.may_be_called_by(self.sight.caller) and (
            action.resource is None or action.resource.name in self.types
        )

    def _enums(self) -> set[str]:
        kinds = (each.field.sql_type for columns in self.columns.values() for each in columns.values())
        return self.maker.enums.keys() & set(kinds)

    def _reader_arguments(self, table: Resource) -> dict[str, GraphQLArgument]:
        """What can be asked about the rows that an action gives."""
        rows = GraphQLArgument(GraphQLNonNull(GraphQLInt), default_value=self.maker.default_rows)
        return {"first": rows, "offset": GraphQLArgument(GraphQLInt), **self._question(table)}

    def _row_type(self, table: Resource) -> GraphQLObjectType:
        has_key = has_visible_key(table, self.columns[table.name])
        return GraphQLObjectType(
            table.name,
            lambda: self._fields(table, has_key=has_key),
            interfaces=[NODE] if has_key else [],
            description=table.description or None,
            extensions={"resource": table},
        )

    def _fields(self, table: Resource, *, has_key: bool) -> dict[str, GraphQLField]:
        fields: dict[str, GraphQLField] = {}
        if has_key:
            fields[NODE_ID] = NODE.fields[NODE_ID]
        for name, column in self.columns[table.name].items():
            if name == NODE_ID:
                continue
            type_: Any = self.inputs.type_of(column.field)
            if not column.field.nullable and column.mask is None:
                type_ = GraphQLNonNull(type_)
            fields[name] = _field(type_, ColumnField(column.field))
        relations = [one for one in self.sight.relations(table) if one.target.name in self.types]
        for name, relation in relation_names(relations, fields).items():
            if relation.cardinality.is_one:
                fields[name] = _field(self.types[relation.target.name], ToOne(relation))
            else:
                fields[name] = self._collection_field(relation.target, ToMany(relation))
        return fields

    def _connection(self, table: Resource) -> GraphQLObjectType:
        row = self.types[table.name]
        edge = GraphQLObjectType(
            f"{table.name}Edge",
            {
                "cursor": GraphQLField(GraphQLNonNull(CURSOR)),
                "node": GraphQLField(GraphQLNonNull(row)),
            },
        )
        fields = {
            "edges": GraphQLField(GraphQLNonNull(GraphQLList(GraphQLNonNull(edge)))),
            "pageInfo": GraphQLField(GraphQLNonNull(PAGE_INFO)),
        }
        if self.maker.settings.aggregates:
            fields["totalCount"] = GraphQLField(
                GraphQLNonNull(GraphQLInt), description="All rows that the filter finds, whatever the page."
            )
            fields["aggregate"] = GraphQLField(GraphQLNonNull(self._aggregate(table)))
        return GraphQLObjectType(f"{table.name}Connection", fields, extensions={"resource": table})

    def _aggregate(self, table: Resource) -> GraphQLObjectType:
        fields = {"count": _field(GraphQLNonNull(GraphQLInt), AggregateField(Aggregate.COUNT, None, _COUNT))}
        for function in (Aggregate.SUM, Aggregate.AVG, Aggregate.MIN, Aggregate.MAX):
            inner = {
                name: _field(self.inputs.type_of(outcome), AggregateField(function, column.field, outcome))
                for name, column in self.columns[table.name].items()
                if (outcome := _outcome(function, column)) is not None
            }
            if inner:
                name = f"{table.name}{function.value.capitalize()}Aggregate"
                fields[function.value] = GraphQLField(GraphQLNonNull(GraphQLObjectType(name, inner)))
        return GraphQLObjectType(f"{table.name}Aggregate", fields)

    def _collection_field(self, table: Resource, meaning: Any) -> GraphQLField:
        args = {
            "first": GraphQLArgument(GraphQLInt),
            "last": GraphQLArgument(GraphQLInt),
            "before": GraphQLArgument(CURSOR),
            "after": GraphQLArgument(CURSOR),
            "offset": GraphQLArgument(GraphQLInt),
            **self._question(table),
        }
        return GraphQLField(
            GraphQLNonNull(self.connections[table.name]), args=args, extensions={"meaning": meaning}
        )

    def _question(self, table: Resource) -> dict[str, GraphQLArgument]:
        columns = [column.field for column in self.columns[table.name].values()]
        args = {"filter": GraphQLArgument(self.inputs.filter_of(table.name, columns))}
        order = self.inputs.order_of(table.name, columns)
        if order is not None:
            args["orderBy"] = GraphQLArgument(GraphQLList(GraphQLNonNull(order)))
        return args

    def _query(self) -> dict[str, GraphQLField]:
        fields = {
            NODE_FIELD: GraphQLField(
                NODE,
                args={NODE_ID: GraphQLArgument(GraphQLNonNull(GraphQLID))},
                extensions={"meaning": NodeField()},
            )
        }
        for name, type_ in self.types.items():
            table = self.maker.catalog.resources[name]
            fields[f"{name}Collection"] = self._collection_field(table, Collection(table))
            if has_visible_key(table, self.columns[name]):
                keys = {
                    key.name: GraphQLArgument(GraphQLNonNull(self.inputs.type_of(key)))
                    for key in table.primary_key
                }
                fields[f"{name}ByPk"] = GraphQLField(type_, args=keys, extensions={"meaning": ByKey(table)})
        return fields | self.actions.fields(reading=True)

    def _mutation(self) -> dict[str, GraphQLField]:
        fields: dict[str, GraphQLField] = {}
        for table in self.tables:
            name, access = table.name, table.access
            columns = [one.field for one in self.columns[name].values() if not one.field.generated]
            if self._may(access.create) and columns:
                new = self.inputs.row_of(f"{name}InsertInput", columns)
                args = {"objects": GraphQLArgument(GraphQLNonNull(GraphQLList(GraphQLNonNull(new))))}
                fields[f"insertInto{name}Collection"] = self._change(table, "Insert", args, Insertion(table))
            if name not in self.types:
                continue
            found = self._found(table)
            if self._may(access.update) and columns:
                changed = self.inputs.row_of(f"{name}UpdateInput", columns)
                args = {"set": GraphQLArgument(GraphQLNonNull(changed)), **found}
                fields[f"update{name}Collection"] = self._change(table, "Update", args, Update(table))
            if self._may(access.delete):
                fields[f"deleteFrom{name}Collection"] = self._change(table, "Delete", found, Deletion(table))
        return fields | self.actions.fields(reading=False)

    def _found(self, table: Resource) -> dict[str, GraphQLArgument]:
        columns = [column.field for column in self.columns[table.name].values()]
        return {
            "filter": GraphQLArgument(self.inputs.filter_of(table.name, columns)),
            "atMost": GraphQLArgument(
                GraphQLNonNull(GraphQLInt), default_value=1, description="More rows than this are an error."
            ),
        }

    def _change(
        self, table: Resource, verb: str, args: Mapping[str, GraphQLArgument], meaning: Any
    ) -> GraphQLField:
        fields = {"affectedCount": GraphQLField(GraphQLNonNull(GraphQLInt))}
        if table.name in self.types:
            row = self.types[table.name]
            fields["records"] = GraphQLField(GraphQLNonNull(GraphQLList(GraphQLNonNull(row))))
        response = GraphQLObjectType(f"{table.name}{verb}Response", fields, extensions={"resource": table})
        return GraphQLField(GraphQLNonNull(response), args=dict(args), extensions={"meaning": meaning})

    def _may(self, rule: Rule) -> bool:
        return rule.fold(self.sight.caller) is not False


_COUNT = Field("count", outcome_of(Aggregate.COUNT, None, None).kind, None, False, False, bits=32)  # type: ignore[arg-type]


def _field(type_: Any, meaning: Any) -> GraphQLField:
    return GraphQLField(type_, extensions={"meaning": meaning})


def _outcome(function: Aggregate, column: Reference) -> Field | None:
    """What an aggregate of a column gives; None when there is no such aggregate."""
    try:
        return outcome_of(function, column, None)
    except BackstayError:
        return None
