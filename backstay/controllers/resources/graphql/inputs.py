"""Input types of one schema: filters by scalar, orders, and rows to write. Made as they are first needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
)

from backstay.controllers.resources.graphql.scalars import JSON, OPAQUE, scalar_of
from backstay.models.catalog import Field, ValueKind

# Descending and nulls first, as `Order` has them.
DIRECTIONS: Mapping[str, tuple[bool, bool]] = {
    "AscNullsFirst": (False, True),
    "AscNullsLast": (False, False),
    "DescNullsFirst": (True, True),
    "DescNullsLast": (True, False),
}
DIRECTION = GraphQLEnumType(
    "OrderByDirection", {name: GraphQLEnumValue(value) for name, value in DIRECTIONS.items()}
)
FILTER_IS = GraphQLEnumType(
    "FilterIs", {"NULL": GraphQLEnumValue("NULL"), "NOT_NULL": GraphQLEnumValue("NOT_NULL")}
)

_COMPARED = ("eq", "neq", "gt", "gte", "lt", "lte")
_PATTERNS = ("startsWith", "like", "ilike", "regex", "iregex")
TREES = ("and", "or", "not")


class Inputs:
    """The input types of one schema."""

    def __init__(self, enums: Mapping[str, GraphQLEnumType]) -> None:
        self._enums = enums
        self._filters: dict[str, GraphQLInputObjectType] = {}
        self._tables: dict[str, GraphQLInputObjectType] = {}
        self._orders: dict[str, GraphQLInputObjectType] = {}

    def type_of(self, field: Field) -> Any:
        """The type of a field's values, in answers and in arguments."""
        if field.kind is ValueKind.ARRAY and field.item is not None:
            return GraphQLList(self.type_of(field.item))
        return self._enums.get(field.sql_type) if self._is_enum(field) else scalar_of(field)

    def filter_of(self, table: str, columns: Iterable[Field]) -> GraphQLInputObjectType:
        """`{column: {eq: …}, and: […], or: […], not: {…}}`."""
        known = self._tables.get(table)
        if known is None:
            fields = {
                field.name: GraphQLInputField(self._column_filter(field))
                for field in columns
                if field.name not in TREES
            }

            def all_fields() -> dict[str, GraphQLInputField]:
                many = GraphQLList(GraphQLNonNull(made))
                trees: dict[str, Any] = {"and": many, "or": many, "not": made}
                return fields | {name: GraphQLInputField(type_) for name, type_ in trees.items()}

            made = known = self._tables[table] = GraphQLInputObjectType(f"{table}Filter", all_fields)
        return known

    def order_of(self, table: str, columns: Iterable[Field]) -> GraphQLInputObjectType | None:
        """`{column: AscNullsFirst}`; None for a table without a column that can be ordered by."""
        if table not in self._orders:
            ordered = [one for one in columns if one.kind not in (ValueKind.RANGE, ValueKind.ARRAY)]
            if not ordered:
                return None
            fields = {field.name: GraphQLInputField(DIRECTION) for field in ordered}
            self._orders[table] = GraphQLInputObjectType(f"{table}OrderBy", fields)
        return self._orders[table]

    def row_of(self, name: str, columns: Iterable[Field]) -> GraphQLInputObjectType:
        """Columns of a row to write. What must be given is said by the table, beside what is wrong with the rest."""
        return GraphQLInputObjectType(
            name, {field.name: GraphQLInputField(self.type_of(field)) for field in columns}
        )

    def _is_enum(self, field: Field) -> bool:
        return field.kind is ValueKind.ENUM and field.sql_type in self._enums

    def _column_filter(self, field: Field) -> GraphQLInputObjectType:
        type_ = self.type_of(field)
        if field.kind is ValueKind.ARRAY and field.item is not None:
            inner = self.type_of(field.item)
            name = f"{getattr(inner, 'name', 'Opaque')}ListFilter"
            return self._made(name, type_, ("eq", "neq", "contains", "containedBy", "overlaps"))
        name = f"{type_.name}Filter"
        if type_ is JSON:
            return self._made(name, type_, ("eq", "neq", "contains", "containedBy"))
        if type_ is GraphQLBoolean:
            return self._made(name, type_, ("eq", "neq"))
        if field.kind is ValueKind.RANGE:
            return self._made("RangeFilter", type_, ("contains", "containedBy", "overlaps"))
        if field.kind is ValueKind.TEXT:
            return self._made(name, type_, (*_COMPARED, "in", *_PATTERNS))
        if field.kind is ValueKind.ENUM and type_ is GraphQLString:
            return self._made("TextEnumFilter", type_, ("eq", "neq", "in"))
        operators = ("eq", "neq", "in") if type_ is OPAQUE or self._is_enum(field) else (*_COMPARED, "in")
        return self._made(name, type_, operators)

    def _made(self, name: str, type_: Any, operators: Iterable[str]) -> GraphQLInputObjectType:
        if name not in self._filters:
            fields = {"is": GraphQLInputField(FILTER_IS)}
            for operator in operators:
                listed = GraphQLList(GraphQLNonNull(type_)) if operator == "in" else type_
                fields[operator] = GraphQLInputField(listed)
            self._filters[name] = GraphQLInputObjectType(name, fields)
        return self._filters[name]
