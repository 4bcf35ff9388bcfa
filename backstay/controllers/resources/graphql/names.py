"""Names in the schema: a table's types, and the fields of its relations (protocol reference, 1.6).

Names are those of tables and columns as they are. What is no name in GraphQL is left out of the schema, and so is a
table whose types would take names that others have. Names of relations depend on nothing that the caller cannot see.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from backstay.models.catalog import Catalog, Relation, Resource

_NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*\Z")
_SUFFIXES = (
    "", "Connection", "Edge", "Filter", "OrderBy", "InsertInput", "UpdateInput", "InsertResponse",
    "UpdateResponse", "DeleteResponse", "Aggregate", "SumAggregate", "AvgAggregate", "MinAggregate",
    "MaxAggregate",
)  # fmt: skip
_RESERVED = frozenset(
    {
        "Query", "Mutation", "Subscription", "Node", "PageInfo", "OrderByDirection", "FilterIs", "Int", "Float",
        "String", "Boolean", "ID", "BigInt", "BigFloat", "JSON", "Opaque", "Cursor", "Datetime", "Date", "Time",
        "UUID", "Void",
    }
)  # fmt: skip
_CONSTANTS = frozenset({"true", "false", "null"})
NODE_ID = "nodeId"
NODE_FIELD = "node"


def is_name(text: str) -> bool:
    """Whether GraphQL can spell it, and does not keep it for itself."""
    return _NAME.match(text) is not None


def are_choices(values: Iterable[object]) -> bool:
    """Whether they are the values of an enumeration that GraphQL can spell."""
    return all(isinstance(value, str) and is_name(value) and value not in _CONSTANTS for value in values)


def types_of(tables: Iterable[str], enums: Iterable[str]) -> frozenset[str]:
    """The names of the types that a schema with those tables and enumerations can have."""
    scalars = [*_RESERVED, "Range", "TextEnum", *enums]
    filters = (f"{name}{suffix}" for name in scalars for suffix in ("", "Filter", "ListFilter"))
    return frozenset(filters).union(*map(_table_types, tables))


def named_tables(catalog: Catalog) -> frozenset[str]:
    """The tables that the schema can name."""
    taken = set(types_of((), ()))
    found = set()
    for name in sorted(catalog.resources):
        types = _table_types(name)
        if is_name(name) and not types & taken:
            taken |= types
            found.add(name)
    return frozenset(found)


def named_enums(catalog: Catalog) -> Mapping[str, tuple[str, ...]]:
    """The choices of each enumeration that GraphQL can spell, by the name of its type; the others stay text."""
    choices: dict[str, set[tuple[str, ...]]] = {}
    for resource in catalog.resources.values():
        for field in resource.fields.values():
            if field.choices:
                choices.setdefault(field.sql_type, set()).add(field.choices)
    types = frozenset[str]().union(*map(_table_types, catalog.resources))
    return {
        name: next(iter(found))
        for name, found in choices.items()
        if len(found) == 1
        and is_name(name)
        and name not in _RESERVED | types
        and are_choices(next(iter(found)))
    }


def relation_names(relations: Iterable[Relation], taken: Collection[str]) -> dict[str, Relation]:
    """The relations by the name of their field: the short one where it is nobody else's, or the long one."""
    relations = list(relations)
    short = Counter(_short(relation) for relation in relations)
    named: dict[str, Relation] = {}
    for relation in relations:
        name = _short(relation)
        if short[name] > 1 or name in taken:
            name = _long(relation)
        if is_name(name) and name not in taken and name not in named:
            named[name] = relation
    return named


def embed_name(relation: Relation) -> tuple[str, str | None]:
    """The name and hint by which a request means exactly this relation."""
    if relation.attributes:
        return relation.attributes[0], None
    if relation.source is relation.target and relation.junction is None and not relation.key_on_source:
        return relation.target.name, relation.constraint
    return relation.constraint, None


def has_visible_key(resource: Resource, columns: Collection[str]) -> bool:
    """Whether a row can have a `nodeId` for whoever sees these columns."""
    return bool(resource.primary_key) and all(field.name in columns for field in resource.primary_key)


def _table_types(table: str) -> frozenset[str]:
    return frozenset(f"{table}{suffix}" for suffix in _SUFFIXES)


def _short(relation: Relation) -> str:
    attribute = relation.attributes[0] if relation.attributes else None
    if not relation.cardinality.is_one:
        return f"{attribute or relation.target.name}Collection"
    if attribute is not None:
        return attribute
    if relation.key_on_source and len(relation.pairs) == 1:
        column = relation.pairs[0][0].name
        if column.endswith("_id") and len(column) > len("_id"):
            return column.removesuffix("_id")
    return relation.target.name


def _long(relation: Relation) -> str:
    """With the columns of the key, or the table between."""
    if relation.junction is not None:
        columns = [field.name for _, field in (*relation.junction.near, *relation.junction.far)]
        return f"{relation.target.name}Collection_by_{relation.junction.resource.name}_{'_'.join(columns)}"
    side = 0 if relation.key_on_source else 1
    columns = [pair[side].name for pair in relation.pairs]
    form = relation.target.name if relation.cardinality.is_one else f"{relation.target.name}Collection"
    return f"{form}_by_{'_'.join(columns)}"
